//! A client of protocol v4, as small as it can be.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::home::TOKEN;
use crate::running::PATIENCE;

/// An open connection of the operator's.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    asked: u64,
}

// === impl Socket ===

impl Socket {
    pub async fn open(authority: &str) -> Self {
        Self::try_open(authority).await.expect("the gateway lets the operator in")
    }

    /// `None` when nobody is let in now.
    pub async fn try_open(authority: &str) -> Option<Self> {
        let stream = TcpStream::connect(authority).await.ok()?;
        let (stream, _) =
            tokio_tungstenite::client_async(format!("ws://{authority}/"), stream).await.ok()?;
        let mut socket = Self { stream, asked: 0 };
        let hello = json!({
            "minProtocol": 4,
            "maxProtocol": 4,
            "role": "operator",
            "client": { "id": "test", "mode": "test", "version": "1", "platform": "linux" },
            "auth": { "token": TOKEN },
        });
        socket.ask("connect", hello).await.ok()?;
        Some(socket)
    }

    /// Says something; the answer to it comes later. An error holds what the gateway said.
    pub async fn say(&mut self, session: &str, run: &str, text: &str) -> Result<Value, Value> {
        let message = json!({ "sessionKey": session, "message": text, "idempotencyKey": run });
        self.ask("chat.send", message).await
    }

    pub async fn history(&mut self, session: &str) -> Result<Vec<Value>, Value> {
        let params = json!({ "sessionKey": session, "limit": 1_000 });
        let history = self.ask("chat.history", params).await?;
        Ok(history["messages"].as_array().unwrap().clone())
    }

    /// Asks and waits for the answer. A connection that ends is an error of its own.
    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked.to_string();
        let frame = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.exchange(&id, frame.to_string()).await
    }

    /// Sends a frame as it is and waits for the answer to `id`.
    pub async fn exchange(&mut self, id: &str, frame: String) -> Result<Value, Value> {
        let gone = || json!({ "code": "CLOSED" });
        let asking = async {
            self.stream.send(Message::text(frame)).await.map_err(|_| gone())?;
            loop {
                let Some(Ok(message)) = self.stream.next().await else { return Err(gone()) };
                let Message::Text(text) = message else { continue };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "res" && frame["id"] == id {
                    return match frame["ok"] == true {
                        true => Ok(frame["payload"].clone()),
                        false => Err(frame["error"].clone()),
                    };
                }
            }
        };
        timeout(PATIENCE, asking).await.unwrap()
    }

    /// The status with which the gateway closes the connection.
    pub async fn closed(mut self) -> Option<u16> {
        let closing = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(PATIENCE, closing).await.unwrap()
    }
}

/// The stable code in what the gateway refused with.
pub fn code(fault: &Value) -> &str {
    fault["details"]["code"].as_str().or(fault["code"].as_str()).unwrap_or_default()
}
