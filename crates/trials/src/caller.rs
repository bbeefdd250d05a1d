//! A caller of the OpenAI-compatible interface: one connection, one request at a time.
//!
//! Owns the HTTP connection; refuses streams.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A connection that is kept between requests.
#[derive(Debug)]
pub struct Caller {
    address: SocketAddr,
    token: String,
    requests: SendRequest<Full<Bytes>>,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The whole answer.
    Answer(String),
    /// The gateway asks to come back later.
    Later,
    /// The gateway said no.
    Refused(String),
}

/// A question to a tenant's agent.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The model, for example `openclaw/main`.
    pub model: &'a str,
    /// The conversation; `None`: the question stands alone.
    pub user: Option<&'a str>,
    /// The words.
    pub text: &'a str,
    /// The caller's name for the question.
    pub key: &'a str,
}

// === impl Caller ===

impl Caller {
    /// Connects, to ask with this credential.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the connection; what went wrong on it is told to whoever asks next.
        drop(tokio::spawn(connection));
        Ok(Self { address, token: token.to_owned(), requests })
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is none.
    pub async fn ask(&mut self, question: Question<'_>) -> Result<Reply> {
        let mut body = json!({
            "model": question.model,
            "messages": [{ "role": "user", "content": question.text }],
        });
        if let Some(user) = question.user {
            body["user"] = json!(user);
        }
        let request = Request::post("/v1/chat/completions")
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", question.key)
            .body(Full::from(body.to_string()))?;
        let (status, bytes) = self.send(request).await?;
        Ok(match status {
            StatusCode::OK => {
                let answer: Value = serde_json::from_slice(&bytes)?;
                let text = answer["choices"][0]["message"]["content"].as_str();
                Reply::Answer(text.context("the answer has no text")?.to_owned())
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Reply::Later,
            other => Reply::Refused(format!("{other}: {}", String::from_utf8_lossy(&bytes))),
        })
    }

    /// Sends any request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        self.requests.ready().await?;
        let response: Response<Incoming> = self.requests.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
