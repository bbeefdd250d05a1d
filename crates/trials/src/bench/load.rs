//! Load over HTTP: so many callers at once, each asking again as soon as it is answered.
//!
//! Owns the clock and the count; what is asked is handed in.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::json;
use tokio::task::JoinSet;

use super::spread::Spread;
use crate::caller::Caller;

/// What is asked, by whom, for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// Who is asked.
    pub address: SocketAddr,
    /// The model.
    pub model: String,
    /// Whether questions belong to conversations, which an agent remembers.
    pub remembered: bool,
    /// The credentials of the tenants whose agents are asked; callers take them in turn.
    pub tokens: Vec<String>,
    /// Callers at once.
    pub callers: usize,
    /// How long.
    pub span: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Took {
    /// How long each answer took.
    pub each: Spread,
    /// Answers per second of all callers together.
    pub rate: f64,
}

/// Questions in one conversation before the next begins.
const CONVERSATION: usize = 10;

// === impl Load ===

impl Load {
    /// Asks.
    ///
    /// # Errors
    /// When a question is not answered well.
    pub async fn run(&self) -> Result<Took> {
        let mut callers = JoinSet::new();
        let began = Instant::now();
        for number in 0..self.callers {
            callers.spawn(self.clone().ask(number, began));
        }
        let mut each = Vec::new();
        while let Some(times) = callers.join_next().await {
            each.extend(times??);
        }
        let rate = each.len() as f64 / began.elapsed().as_secs_f64();
        Ok(Took { each: each.into_iter().collect(), rate })
    }

    async fn ask(self, number: usize, began: Instant) -> Result<Vec<Duration>> {
        let token = self.tokens.get(number % self.tokens.len().max(1));
        let token = token.map(String::as_str).unwrap_or_default();
        let mut caller = Caller::connect(self.address, token).await?;
        let mut times = Vec::new();
        let run = fastrand::u64(..);
        while began.elapsed() < self.span {
            let user = format!("{run:x}-{number}-{}", times.len() / CONVERSATION);
            let asked = Instant::now();
            let (status, answer) = caller.send(self.request(token, &user)?).await?;
            ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&answer));
            times.push(asked.elapsed());
        }
        Ok(times)
    }

    fn request(&self, token: &str, user: &str) -> Result<Request<Full<Bytes>>> {
        let mut body = json!({
            "model": self.model,
            "messages": [{ "role": "user", "content": "What time does the last ferry leave?" }],
        });
        if self.remembered {
            body["user"] = json!(user);
        }
        Ok(Request::post("/v1/chat/completions")
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))?)
    }
}
