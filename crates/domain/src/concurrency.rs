//! The pool as people configure it and as they see it: the platform's parameters and its eleven figures.
//!
//! Owns the words and the limits of each; how turns are run is the engine's affair.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tenant::Tier;
use crate::worker::WorkerState;
use crate::{SessionKey, TenantSlug, Timestamp};

/// How much runs at once, how much may wait, and when a worker is given up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concurrency {
    /// Workers that are there even when nothing is to do.
    pub min_workers: usize,
    /// Workers that there may be; so many turns run at once.
    pub max_workers: usize,
    /// Requests that may wait.
    pub max_queue_size: usize,
    /// How long one turn may take.
    pub worker_timeout: Duration,
    /// Turns of one worker before a new one takes its place.
    pub max_requests_per_worker: u64,
    /// Memory that one worker's process may use, in bytes.
    pub memory_limit: u64,
    /// The level from which on new work is refused.
    pub backpressure_threshold: f64,
    /// How often workers are looked at.
    pub heartbeat_interval: Duration,
    /// Silence after which a worker counts as stuck.
    pub stuck_threshold: Duration,
    /// What one tenant of the smallest tier may have at once.
    pub share: Share,
}

/// What one tenant may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Turns that run.
    pub running: usize,
    /// Sessions that wait for a turn.
    pub waiting: usize,
    /// Messages in any 60 seconds.
    pub per_minute: usize,
}

/// Which requests go first. A higher one always goes before a lower one; tenants share fairly within each.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When there is nothing else to do.
    Low,
    /// As a rule.
    #[default]
    Normal,
    /// Before the rule.
    High,
    /// Before everything.
    Critical,
}

/// The platform's eleven figures, and the one that tells how near refusing is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConcurrencyMetrics {
    /// Workers that run a turn.
    pub active_workers: usize,
    /// Workers that are ready.
    pub idle_workers: usize,
    /// Requests that wait.
    pub queue_depth: usize,
    /// Turns that ended since the start, in whatever way.
    pub total_processed: u64,
    /// Those of them that failed.
    pub total_errors: u64,
    /// Mean time of a turn in the last five minutes, in milliseconds.
    pub avg_latency_ms: f64,
    /// The time that 95 of 100 turns stayed below in the last five minutes, in milliseconds.
    pub p95_latency_ms: f64,
    /// The same for 99 of 100.
    pub p99_latency_ms: f64,
    /// Turns that ended in the last 60 seconds.
    pub throughput_per_minute: u64,
    /// 0 (calm) to 1 (everything full).
    pub backpressure_level: f64,
    /// Workers from which nothing was heard for too long.
    pub stuck_workers: usize,
    /// How near refusing is, 0 to 1.
    pub saturation: f64,
}

/// One worker as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerStanding {
    /// Its name, `worker-N`.
    pub id: String,
    /// What it is doing.
    pub state: WorkerState,
    /// The session whose turn it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionKey>,
    /// Turns that it has begun.
    pub request_count: u64,
    /// When it began to be there.
    pub started_at: Timestamp,
    /// Time since it was last heard of, in milliseconds.
    pub silent_ms: u64,
    /// Memory of its process, in bytes; 0 while it has no process of its own.
    pub memory_bytes: u64,
    /// Its process, when it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// What waits of one tenant, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantQueue {
    /// Whose it is.
    pub tenant: TenantSlug,
    /// How much of the pool it gets.
    pub tier: Tier,
    /// Its sessions that wait for a turn.
    pub waiting: usize,
    /// How long the one that waits longest has waited, in milliseconds.
    pub oldest_ms: u64,
}

/// The pool, for whoever shows it.
pub trait Pool: Send + Sync + 'static {
    /// Its figures now.
    fn metrics(&self) -> ConcurrencyMetrics;

    /// Its settings now.
    fn concurrency(&self) -> Concurrency;

    /// Its workers, by name.
    fn workers(&self) -> Vec<WorkerStanding>;

    /// What waits, by tenant, the longest wait first; of a bounded number of tenants.
    fn queues(&self) -> Vec<TenantQueue>;

    /// Lets a worker run its turn to the end and puts a new one in its place. Whether there is such a worker.
    fn recycle(&self, worker: &str) -> bool;
}

// === impl Concurrency ===

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            min_workers: 1,
            max_workers: 4,
            max_queue_size: 32,
            worker_timeout: Duration::from_secs(120),
            max_requests_per_worker: 100,
            memory_limit: 512 << 20,
            backpressure_threshold: 0.7,
            heartbeat_interval: Duration::from_secs(5),
            stuck_threshold: Duration::from_secs(60),
            share: Share { running: 2, waiting: 3, per_minute: 20 },
        }
    }
}

// === impl Share ===

impl Share {
    /// What nobody but the whole pool limits.
    pub const UNLIMITED: Self =
        Self { running: usize::MAX, waiting: usize::MAX, per_minute: usize::MAX };

    /// What a tenant of this tier may have: so many times the smallest as the tier weighs. The operator's
    /// own is bounded by the pool alone.
    #[must_use]
    pub fn of(self, tier: Tier) -> Self {
        if tier == Tier::Admin {
            return Self::UNLIMITED;
        }
        let times = usize::try_from(tier.weight()).unwrap_or(1);
        Self {
            running: self.running.saturating_mul(times),
            waiting: self.waiting.saturating_mul(times),
            per_minute: self.per_minute.saturating_mul(times),
        }
    }
}

// === impl Tier ===

impl Tier {
    /// How much of a contended pool a tenant of this tier gets, against one of the smallest.
    #[must_use]
    pub fn weight(self) -> u32 {
        match self {
            Self::Free => 1,
            Self::Standard => 2,
            Self::Premium => 4,
            Self::Admin => 8,
        }
    }
}

// === impl Priority ===

impl Priority {
    /// Every priority, the highest first.
    pub const DESCENDING: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The word used in settings and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_has_its_weight_in_shares() {
        let share = Concurrency::default().share;
        assert_eq!(share.of(Tier::Free), share);
        assert_eq!(share.of(Tier::Premium), Share { running: 8, waiting: 12, per_minute: 80 });
        assert_eq!(share.of(Tier::Admin), Share::UNLIMITED);
    }

    #[test]
    fn the_figures_have_the_platforms_names() {
        let json = serde_json::to_value(ConcurrencyMetrics::default()).unwrap();
        for name in [
            "activeWorkers",
            "idleWorkers",
            "queueDepth",
            "totalProcessed",
            "totalErrors",
            "avgLatencyMs",
            "p95LatencyMs",
            "p99LatencyMs",
            "throughputPerMinute",
            "backpressureLevel",
            "stuckWorkers",
            "saturation",
        ] {
            assert!(json.get(name).is_some(), "{name}");
        }
    }
}
