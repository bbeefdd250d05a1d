//! A conversation over protocol v4: connect, ask, and hear what happens.

use std::time::Duration;

use domain::{Kind, SessionKey, Timestamp};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Error, Gateway};

const PROTOCOL: u32 = 4;

/// An open, authenticated connection.
#[derive(Debug)]
pub struct Socket {
    gateway: Gateway,
    stream: WebSocketStream<TcpStream>,
    requests: u64,
    /// The last complete answer that was heard, and the run it belongs to.
    heard: Option<(String, String)>,
}

/// What happened to a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The model said more.
    Said(String),
    /// The answer is complete.
    Done(String),
    /// Somebody stopped it.
    Stopped,
    /// It failed.
    Failed {
        /// Why, for a person.
        reason: String,
        /// When it is tried again; `None` when it is not.
        retry_at: Option<Timestamp>,
    },
}

#[derive(Deserialize)]
struct Frame {
    r#type: String,
    id: Option<String>,
    ok: Option<bool>,
    payload: Option<Value>,
    error: Option<Fault>,
    event: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    code: String,
    message: String,
    details: Option<Details>,
    retry_after_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chat {
    run_id: String,
    state: String,
    delta_text: Option<String>,
    error_message: Option<String>,
    retry_at_ms: Option<Timestamp>,
    merged_into: Option<String>,
    message: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

// === impl Gateway ===

impl Gateway {
    /// Opens a connection as the operator.
    ///
    /// # Errors
    /// [`Error`] when nobody answers, or the gateway refuses the token.
    pub async fn open(&self) -> Result<Socket, Error> {
        self.within(async {
            let stream = self.connect().await?;
            let url = format!("ws://{}/", self.authority());
            let (stream, _) = tokio_tungstenite::client_async(url, stream)
                .await
                .map_err(|error| self.foreign(error))?;
            let mut socket = Socket { gateway: self.clone(), stream, requests: 0, heard: None };
            socket.greet().await?;
            Ok(socket)
        })
        .await?
    }
}

// === impl Socket ===

impl Socket {
    /// Sends a message to a session; `run` is our own name for it.
    ///
    /// # Errors
    /// [`Error`] when the gateway does not take it.
    pub async fn send(&mut self, key: &SessionKey, run: &str, text: &str) -> Result<(), Error> {
        let params = json!({ "sessionKey": key, "message": text, "idempotencyKey": run });
        self.ask("chat.send", params).await.map(drop)
    }

    /// Stops the answer to a message.
    ///
    /// # Errors
    /// [`Error`] when the gateway does not take it.
    pub async fn stop(&mut self, key: &SessionKey, run: &str) -> Result<(), Error> {
        self.ask("chat.abort", json!({ "sessionKey": key, "runId": run })).await.map(drop)
    }

    /// The next thing that happens to the message called `run`.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection ends first.
    pub async fn next(&mut self, run: &str) -> Result<Happening, Error> {
        loop {
            let frame = self.receive().await?;
            if frame.event.as_deref() != Some("chat") {
                continue;
            }
            let chat: Chat = serde_json::from_value(frame.payload.unwrap_or_default())
                .map_err(|error| self.gateway.foreign(error))?;
            if let Some(happening) = self.heard_of(run, chat) {
                return Ok(happening);
            }
        }
    }

    /// What an event means for the message called `run`. Messages that waited together get one answer,
    /// under the name of one of them; the others are told only into which they were merged.
    fn heard_of(&mut self, run: &str, chat: Chat) -> Option<Happening> {
        let Chat { run_id, state, delta_text, error_message, retry_at_ms, merged_into, message } =
            chat;
        let mut text = message.map(Said::text);
        if run_id != run {
            if let Some(text) = text.filter(|_| state == "final") {
                self.heard = Some((run_id, text));
            }
            return None;
        }
        if let (None, Some(other)) = (&text, merged_into) {
            text = self.heard.take().filter(|(run, _)| *run == other).map(|(_, text)| text);
        }
        match state.as_str() {
            "delta" => Some(Happening::Said(delta_text.unwrap_or_default())),
            "final" => Some(Happening::Done(text.unwrap_or_default())),
            "aborted" => Some(Happening::Stopped),
            "error" => {
                let reason = error_message.or(text).unwrap_or_default();
                Some(Happening::Failed { reason, retry_at: retry_at_ms })
            }
            _ => None,
        }
    }

    /// Asks and waits for the answer. Events that arrive in between are not looked at.
    ///
    /// # Errors
    /// [`Error::Refused`] with what the gateway said, or another [`Error`].
    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Error> {
        self.requests += 1;
        let id = self.requests.to_string();
        let frame = json!({ "type": "req", "id": id, "method": method, "params": params });
        let sent = self.stream.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| Error::Closed { reason: error.to_string() })?;
        loop {
            let frame = self.receive().await?;
            if frame.r#type != "res" || frame.id.as_deref() != Some(&id) {
                continue;
            }
            return match frame.error {
                Some(fault) if frame.ok != Some(true) => Err(fault.into()),
                _ => Ok(frame.payload.unwrap_or_default()),
            };
        }
    }

    /// Asks and reads the answer as what it should be.
    ///
    /// # Errors
    /// See [`Self::ask`]; [`Error::Foreign`] when the answer is something else.
    pub async fn ask_for<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        let answer = self.ask(method, params).await?;
        serde_json::from_value(answer).map_err(|error| self.gateway.foreign(error))
    }

    async fn greet(&mut self) -> Result<(), Error> {
        let challenge = self.receive().await?;
        if challenge.event.as_deref() != Some("connect.challenge") {
            return Err(self.gateway.foreign("it did not begin with a challenge"));
        }
        let mut params = json!({
            "minProtocol": PROTOCOL,
            "maxProtocol": PROTOCOL,
            "role": "operator",
            "client": {
                "id": "cli",
                "mode": "cli",
                "version": env!("CARGO_PKG_VERSION"),
                "platform": std::env::consts::OS,
            },
        });
        if let Some(token) = &self.gateway.token {
            params["auth"] = json!({ "token": token.expose() });
        }
        self.ask("connect", params).await.map(drop)
    }

    async fn receive(&mut self) -> Result<Frame, Error> {
        loop {
            let closed =
                |reason: &str| Error::Closed { reason: domain::text::one_line(reason, 128) };
            let message = match self.stream.next().await {
                None => return Err(closed("it said nothing")),
                Some(Err(error)) => return Err(closed(&error.to_string())),
                Some(Ok(message)) => message,
            };
            match message {
                Message::Text(text) => {
                    return serde_json::from_str(&text)
                        .map_err(|error| self.gateway.foreign(error));
                }
                Message::Close(Some(frame)) => return Err(closed(&frame.reason)),
                Message::Close(None) => return Err(closed("it said nothing")),
                _ => {}
            }
        }
    }
}

// === impl Said ===

impl Said {
    fn text(self) -> String {
        self.content.into_iter().filter_map(|part| part.text).collect()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let retry_after = Duration::from_millis(fault.retry_after_ms.unwrap_or(2_000));
        let kind = match fault.code.as_str() {
            "UNAUTHORIZED" => Kind::Unauthenticated,
            "FORBIDDEN" => Kind::Forbidden,
            "NOT_FOUND" => Kind::NotFound,
            "UNAVAILABLE" => Kind::Overloaded { retry_after },
            _ => Kind::Invalid,
        };
        let code = fault.details.and_then(|details| details.code);
        Self::Refused {
            code: code.unwrap_or_else(|| fault.code.to_ascii_lowercase().replace('_', "-")),
            message: domain::text::one_line(&fault.message, 512),
            kind,
        }
    }
}
