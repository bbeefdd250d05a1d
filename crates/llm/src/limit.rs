//! The limits of one key of a provider, shared by everybody who uses it.
//!
//! Owns who may send when: sliding windows, requests at once, an adaptive limit for each model, and a fair and
//! bounded queue of those who wait. Refuses to send anything, and to keep anybody waiting in vain.

mod adaptive;
mod permit;
mod queue;
mod quota;
mod state;
mod waiting;
mod window;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::TenantSlug;
use serde::Serialize;
use tokio::time::Instant;

use crate::{Error, metrics};
pub(crate) use permit::Permit;
pub use quota::{Quota, Room};
use state::State;
use waiting::Waiting;

/// What a provider allows for one key. `None`: as much as one likes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests in any 60 seconds.
    pub requests_per_minute: Option<u64>,
    /// Tokens of requests and answers in any 60 seconds.
    pub tokens_per_minute: Option<u64>,
    /// Requests that are being answered at once.
    pub concurrent_requests: Option<u64>,
    /// Requests in any second.
    pub requests_per_second: Option<u64>,
    /// Requests that may wait; `None`: [`Limits::QUEUE`].
    pub queue: Option<u64>,
}

/// Which limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// Requests in 60 seconds.
    RequestsPerMinute,
    /// Tokens in 60 seconds.
    TokensPerMinute,
    /// Requests at once.
    ConcurrentRequests,
    /// Requests in a second.
    RequestsPerSecond,
    /// Requests of one model at once, as far as the provider keeps up.
    Adaptive,
    /// The provider asked to be left alone for a while.
    Pause,
    /// Requests that wait.
    Queue,
}

/// Who wants to send what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) tenant: &'a TenantSlug,
    /// How much more than others the tenant gets where all of them wait.
    pub(crate) weight: u32,
    pub(crate) model: &'a str,
    /// Tokens of the request and its answer, as far as known before.
    pub(crate) tokens: u64,
    /// When waiting is no longer any use.
    pub(crate) deadline: Instant,
}

/// The limiter of one key.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// What it is called in errors and metrics.
    provider: String,
    state: Mutex<State>,
}

// === impl Limits ===

impl Limits {
    /// Requests that may wait where nothing is configured.
    pub const QUEUE: u64 = 256;

    /// The stricter of both in everything.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            requests_per_minute: least(self.requests_per_minute, other.requests_per_minute),
            tokens_per_minute: least(self.tokens_per_minute, other.tokens_per_minute),
            concurrent_requests: least(self.concurrent_requests, other.concurrent_requests),
            requests_per_second: least(self.requests_per_second, other.requests_per_second),
            queue: least(self.queue, other.queue),
        }
    }
}

// === impl LimitKind ===

impl LimitKind {
    /// The word used in metrics and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests-per-minute",
            Self::TokensPerMinute => "tokens-per-minute",
            Self::ConcurrentRequests => "concurrent-requests",
            Self::RequestsPerSecond => "requests-per-second",
            Self::Adaptive => "adaptive",
            Self::Pause => "pause",
            Self::Queue => "queue",
        }
    }

    /// The setting below `models.providers.ID.limits`, where there is one.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::RequestsPerMinute => Some("requestsPerMinute"),
            Self::TokensPerMinute => Some("tokensPerMinute"),
            Self::ConcurrentRequests => Some("concurrentRequests"),
            Self::RequestsPerSecond => Some("requestsPerSecond"),
            Self::Queue => Some("queue"),
            Self::Adaptive | Self::Pause => None,
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestsPerMinute => "requests in 60s",
            Self::TokensPerMinute => "tokens in 60s",
            Self::ConcurrentRequests => "requests at once",
            Self::RequestsPerSecond => "requests in 1s",
            Self::Adaptive => "requests of this model at once that it keeps up with",
            Self::Pause => "pause that the provider asked for",
            Self::Queue => "waiting requests",
        })
    }
}

// === impl Limiter ===

impl Limiter {
    pub(crate) fn new(provider: String, limits: Limits) -> Self {
        Self { provider, state: Mutex::new(State::new(limits, Instant::now())) }
    }

    /// Waits until the wish may be sent. Dropping the future gives the place in the queue up.
    ///
    /// # Errors
    /// [`Error::ProviderLimit`] when the queue is full, or the deadline comes or must come first.
    pub(crate) async fn acquire(self: &Arc<Self>, wish: Wish<'_>) -> Result<Permit, Error> {
        let asked = Instant::now();
        let granted = Waiting::enter(self, wish)?.granted().await;
        metrics::waited(&self.provider, asked.elapsed());
        granted
    }

    /// Nothing is sent before this time has passed: the provider said so.
    pub(crate) fn pause(&self, span: Duration) {
        self.change(|state, now| state.pause(now, span));
    }

    /// Changes the limits; what was used counts on.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.change(|state, _| state.set_limits(limits));
    }

    /// What is left.
    pub(crate) fn remaining(&self) -> Quota {
        self.state().quota(Instant::now())
    }

    /// Requests on the way to a model, and how many may be.
    pub(crate) fn model(&self, model: &str) -> (u64, u64) {
        self.state().model(model)
    }

    /// Lets go whoever can go after a change.
    fn change<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.state();
        let now = Instant::now();
        let changed = change(&mut state, now);
        state.pump(now);
        let (in_flight, waiting) = state.load();
        drop(state);
        metrics::load(&self.provider, in_flight, waiting);
        changed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, refusal: state::Block, now: Instant) -> Error {
        Error::ProviderLimit {
            provider: self.provider.clone(),
            limit: refusal.limit,
            used: refusal.used,
            allowed: refusal.allowed,
            retry_after: refusal.until.map(|until| until.saturating_duration_since(now)),
        }
    }
}
