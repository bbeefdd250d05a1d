//! A client of protocol v4, as small as can be: connect, ask, hear the answer.
//!
//! Owns the frames; knows no method but `connect`.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// An open, authenticated connection.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    requests: u64,
}

/// Why there is no good answer.
#[derive(Debug)]
pub enum Failure {
    /// The connection is gone; whether the request was served is not known.
    Gone(String),
    /// The gateway said no.
    Refused {
        /// Stable code.
        code: String,
        /// For a person.
        message: String,
        /// Whether the same request can succeed later.
        retryable: bool,
    },
}

/// An answer to one of our requests.
#[derive(Debug)]
pub struct Answer {
    /// The number of the request.
    pub number: u64,
    /// What came.
    pub outcome: Result<String, Failure>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    r#type: &'a str,
    #[serde(default, borrow)]
    id: Option<&'a str>,
    #[serde(default)]
    ok: bool,
    #[serde(default, borrow)]
    payload: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Fault>,
    #[serde(default, borrow)]
    event: Option<&'a str>,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
    message: String,
    #[serde(default)]
    details: Value,
    #[serde(default)]
    retryable: bool,
}

// === impl Socket ===

impl Socket {
    /// Opens a connection with this credential.
    ///
    /// # Errors
    /// When nobody answers, or the gateway refuses.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(gone)?;
        stream.set_nodelay(true).map_err(gone)?;
        let (stream, _) = tokio_tungstenite::client_async(format!("ws://{address}/"), stream)
            .await
            .map_err(gone)?;
        let mut socket = Self { stream, requests: 0 };
        let challenge = socket.text().await?;
        if frame(&challenge)?.event != Some("connect.challenge") {
            return Err(Failure::Gone(format!("it did not begin with a challenge: {challenge}")));
        }
        socket
            .ask(
                "connect",
                &json!({
                    "minProtocol": 4, "maxProtocol": 4, "role": "operator",
                    "client": { "id": "test", "mode": "test", "version": "1", "platform": "linux" },
                    "auth": { "token": token },
                }),
            )
            .await?;
        Ok(socket)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        let number = self.begin(method, params).await?;
        loop {
            let answer = self.answer().await?;
            if answer.number == number {
                return serde_json::from_str(&answer.outcome?).map_err(gone);
            }
        }
    }

    /// Asks, and returns the number of the request.
    ///
    /// # Errors
    /// [`Failure::Gone`].
    pub async fn begin(&mut self, method: &str, params: &Value) -> Result<u64, Failure> {
        self.requests += 1;
        let id = self.requests.to_string();
        let frame = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.stream.send(Message::text(frame.to_string())).await.map_err(gone)?;
        Ok(self.requests)
    }

    /// The next answer. Events that come before it are not looked at.
    ///
    /// # Errors
    /// [`Failure::Gone`].
    pub async fn answer(&mut self) -> Result<Answer, Failure> {
        loop {
            let text = self.text().await?;
            let Frame { r#type, id, ok, payload, error, .. } = frame(&text)?;
            let Some(number) = id.filter(|_| r#type == "res").and_then(|id| id.parse().ok()) else {
                continue;
            };
            let outcome = match error {
                Some(fault) if !ok => Err(fault.into()),
                _ => Ok(payload.map(RawValue::get).unwrap_or("null").to_owned()),
            };
            return Ok(Answer { number, outcome });
        }
    }

    async fn text(&mut self) -> Result<String, Failure> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Err(gone(format!("closed: {frame:?}"))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(gone(error)),
                None => return Err(gone("the end")),
            }
        }
    }
}

fn frame(text: &str) -> Result<Frame<'_>, Failure> {
    serde_json::from_str(text).map_err(|error| gone(format!("{error} in {text}")))
}

fn gone(why: impl ToString) -> Failure {
    Failure::Gone(why.to_string())
}

// === impl Failure ===

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let Fault { code, message, details, retryable } = fault;
        let code = details["code"].as_str().map_or(code, str::to_owned);
        Self::Refused { code, message, retryable }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone(why) => write!(f, "the connection is gone: {why}"),
            Self::Refused { code, message, .. } => write!(f, "refused ({code}): {message}"),
        }
    }
}

impl std::error::Error for Failure {}
