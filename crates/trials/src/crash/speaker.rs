//! Those who speak while the product is killed: on sockets as the page does, and over the API.
//!
//! Owns the saying-again: whatever is not acknowledged is sent once more under the same name, in the same
//! order, until it is.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::ledger::Ledger;
use crate::caller::{Caller, Question, Reply};
use crate::socket::{Failure, Socket};

/// Somebody who speaks in one conversation.
#[derive(Debug)]
pub struct Speaker {
    /// Where the product listens, whenever it runs.
    pub address: SocketAddr,
    /// The credential of the tenant to whose agent it is said.
    pub token: String,
    /// What was said so far.
    pub ledger: Ledger,
    /// Longest pause between two messages.
    pub pause: Duration,
    /// The source of all randomness.
    pub chance: fastrand::Rng,
    /// Becomes true when nothing new is to be said.
    pub enough: watch::Receiver<bool>,
}

/// Most messages said without waiting for an acknowledgement.
const BURST: usize = 3;
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(10);
/// An answer that takes longer will not come on this connection.
const PATIENCE: Duration = Duration::from_secs(10);

// === impl Speaker ===

impl Speaker {
    /// Speaks on sockets until there is enough, and everything was acknowledged.
    pub async fn on_the_web(mut self) -> Ledger {
        loop {
            if let Ok(mut socket) = Socket::open(self.address, &self.token).await {
                match self.converse(&mut socket).await {
                    Ok(()) => return self.ledger,
                    Err(Failure::Refused { retryable: true, .. } | Failure::Gone(_)) => {}
                    Err(refused) => {
                        self.ledger.refusals.push(refused.to_string());
                        return self.ledger;
                    }
                }
            }
            sleep(RETRY).await;
        }
    }

    async fn converse(&mut self, socket: &mut Socket) -> Result<(), Failure> {
        loop {
            let first = self.ledger.acknowledged();
            if first == self.ledger.messages.len() {
                if *self.enough.borrow() {
                    return Ok(());
                }
                self.rest().await;
                for _ in 0..self.chance.usize(1..=BURST) {
                    self.ledger.invent(&mut self.chance);
                }
            } else {
                self.ledger.resent += self.ledger.messages.len() - first;
            }
            for message in self.ledger.messages.iter().skip(first) {
                let params = json!({
                    "sessionKey": self.ledger.session,
                    "message": message.text,
                    "idempotencyKey": message.key,
                });
                socket.begin("chat.send", &params).await?;
            }
            // Answers come in the order of the requests.
            for message in self.ledger.messages.iter_mut().skip(first) {
                let answer = timeout(PATIENCE, socket.answer())
                    .await
                    .map_err(|_| Failure::Gone("no answer came".to_owned()))??;
                answer.outcome?;
                message.acknowledged = true;
            }
        }
    }

    /// Asks over the API until there is enough, and everything was answered.
    pub async fn over_the_api(mut self, model: String) -> Ledger {
        let mut caller = None;
        loop {
            let number = self.ledger.acknowledged();
            if number == self.ledger.messages.len() {
                if *self.enough.borrow() {
                    return self.ledger;
                }
                self.rest().await;
                self.ledger.invent(&mut self.chance);
            } else {
                self.ledger.resent += 1;
                sleep(RETRY).await;
            }
            let Some(message) = self.ledger.messages.get_mut(number) else { continue };
            let mut line = match caller.take() {
                Some(line) => line,
                None => match Caller::connect(self.address, &self.token).await {
                    Ok(line) => line,
                    Err(_) => continue,
                },
            };
            let user = Some(self.ledger.session.as_str());
            let question = Question { model: &model, user, text: &message.text, key: &message.key };
            match line.ask(question).await {
                Ok(Reply::Answer(answer)) => {
                    message.acknowledged = true;
                    message.answer = Some(answer);
                }
                Ok(Reply::Refused(refused)) => {
                    self.ledger.refusals.push(refused);
                    return self.ledger;
                }
                Ok(Reply::Later) => {}
                Err(_) => continue,
            }
            caller = Some(line);
        }
    }

    async fn rest(&mut self) {
        let most = u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX);
        sleep(Duration::from_micros(self.chance.u64(..=most))).await;
    }
}
