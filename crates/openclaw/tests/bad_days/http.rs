//! Requests as bytes, so that they can be wrong in every way.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::home::TOKEN;
use crate::running::PATIENCE;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

/// Sends one request and reads the whole answer.
pub async fn request(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    timeout(PATIENCE, exchange(authority, &[head.as_bytes(), body].concat())).await.unwrap()
}

/// A chat completion as the operator.
pub async fn complete(authority: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    let mut headers =
        vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend(more);
    request(authority, "POST", "/v1/chat/completions", &headers, body).await
}

async fn exchange(authority: &str, bytes: &[u8]) -> Answer {
    let stream = TcpStream::connect(authority).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    // A server that has seen enough answers and closes before everything is sent.
    let sending = tokio::spawn({
        let bytes = bytes.to_vec();
        async move { writing.write_all(&bytes).await.map(|()| writing) }
    });
    let mut answer = Vec::new();
    // A reset after the answer is the same sign of impatience.
    let _ = reading.read_to_end(&mut answer).await;
    drop(sending.await);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_default(),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

// === impl Answer ===

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable code, in whichever envelope it stands.
    pub fn code(&self) -> String {
        let body = self.json();
        let code = [&body["code"], &body["error"]["code"], &body["failing"][0]];
        code.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    }
}
