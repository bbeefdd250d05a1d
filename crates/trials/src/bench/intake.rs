//! How fast messages are taken in durably: `chat.send` on sockets, counted when acknowledged.
//!
//! Nobody answers them: the model hangs, so what is measured is intake alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::load::Took;
use crate::socket::Socket;

/// Frames that one socket may send per second, and at once: what the gateway allows.
const ALLOWED_PER_SECOND: f64 = 100.0;
const ALLOWED_AT_ONCE: f64 = 190.0;
/// Conversations of each socket.
const SESSIONS: usize = 20;

/// Speaks for so long over as many sockets as there are credentials, never faster than one socket may. Each
/// belongs to another tenant, as people do: an operator's would hear what is said on all the others too.
///
/// # Errors
/// When a message is refused.
pub async fn run(address: SocketAddr, tokens: &[String], span: Duration) -> Result<Took> {
    let mut open = Vec::new();
    for token in tokens {
        open.push(Socket::open(address, token).await?);
    }
    let began = Instant::now();
    let mut speakers = JoinSet::new();
    for (number, socket) in open.into_iter().enumerate() {
        speakers.spawn(speak(socket, number, began, span));
    }
    let mut each = Vec::new();
    while let Some(times) = speakers.join_next().await {
        each.extend(times??);
    }
    let rate = each.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Took { each: each.into_iter().collect(), rate })
}

async fn speak(
    mut socket: Socket,
    number: usize,
    began: Instant,
    span: Duration,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let run = fastrand::u64(..);
    while began.elapsed() < span {
        let allowed = ALLOWED_AT_ONCE + ALLOWED_PER_SECOND * began.elapsed().as_secs_f64();
        if times.len() as f64 >= allowed {
            sleep(Duration::from_millis(10)).await;
            continue;
        }
        let params = json!({
            "sessionKey": format!("agent:tenant-{number}:web:{}", times.len() % SESSIONS),
            "message": "What time does the last ferry leave?",
            "idempotencyKey": format!("{run:x}-{}", times.len()),
        });
        let asked = Instant::now();
        socket.ask("chat.send", &params).await?;
        times.push(asked.elapsed());
    }
    Ok(times)
}
