//! What is left of the limits of a key, to be shown.

use serde::Serialize;
use tokio::time::Instant;

/// What is left of a key's limits. A limit that is not configured is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Requests in 60 seconds.
    pub requests: Option<Room>,
    /// Tokens in 60 seconds.
    pub tokens: Option<Room>,
    /// Requests at once.
    pub concurrent: Option<Room>,
    /// Requests in a second.
    pub per_second: Option<Room>,
    /// Requests that are being answered now.
    pub in_flight: u64,
    /// Requests that wait.
    pub waiting: u64,
    /// In how many milliseconds the first of what counts now counts no longer; 0: nothing counts.
    pub resets_ms: u64,
    /// For how many more milliseconds the provider wants to be left alone; 0: it does not.
    pub paused_ms: u64,
}

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Room {
    /// The limit.
    pub limit: u64,
    /// How much of it is used.
    pub used: u64,
    /// How much is left.
    pub remaining: u64,
}

// === impl Room ===

impl Room {
    pub(super) fn new(limit: u64, used: u64) -> Self {
        Self { limit, used, remaining: limit.saturating_sub(used) }
    }
}

/// Milliseconds until then.
pub(super) fn until(then: Option<Instant>, now: Instant) -> u64 {
    let span = then.map(|then| then.saturating_duration_since(now)).unwrap_or_default();
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
