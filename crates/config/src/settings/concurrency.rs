//! `concurrency`: how much runs at once, how much may wait, and when a worker is given up.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::concurrency::{Concurrency as Pool, Priority as Rank, Share};
use schemars::JsonSchema;
use serde::Deserialize;

/// How much runs at once, how much may wait, and when a worker is given up.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Concurrency {
    /// Workers that are there even when nothing is to do.
    #[schemars(range(min = 1, max = 10_000))]
    pub min_workers: u32,
    /// Workers that there may be: so many turns run at once. Without it, 4, or what
    /// `agents.defaults.maxConcurrent` says.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_workers: Option<u32>,
    /// Requests that may wait. New ones are refused before it is full: see `backpressureThreshold`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_queue_size: u32,
    /// How long one turn may take, in milliseconds. Without it, 120000, or what
    /// `agents.defaults.timeoutSeconds` says.
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub worker_timeout_ms: Option<u64>,
    /// Turns of one worker before a new one takes its place.
    #[schemars(range(min = 1))]
    pub max_requests_per_worker: u64,
    /// Memory that one worker's process may use, in MiB.
    #[schemars(range(min = 16, max = 1_048_576))]
    pub memory_limit_mb: u64,
    /// The level from which on new work is refused. The level is 0.7 * waiting / maxQueueSize + 0.3 * busy /
    /// maxWorkers, so with every worker busy it begins at 0.3.
    #[schemars(range(min = 0, max = 1))]
    pub backpressure_threshold: f64,
    /// How often workers are looked at, in milliseconds.
    #[schemars(range(min = 100, max = 600_000))]
    pub heartbeat_interval_ms: u64,
    /// Silence after which a worker counts as stuck, in milliseconds.
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub stuck_threshold_ms: u64,
    /// What one tenant of tier free may have at once; standard may have twice as much, premium four times,
    /// and the operator's own tenants are bounded by the pool alone.
    pub per_tenant: PerTenant,
    /// Which accounts go first, by name: low, normal, high or critical. A higher one always goes before a
    /// lower one.
    pub priorities: BTreeMap<String, Priority>,
}

/// What one tenant of tier free may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PerTenant {
    /// Turns that run.
    #[schemars(range(min = 1))]
    pub running: u32,
    /// Sessions that wait for a turn.
    #[schemars(range(min = 1))]
    pub waiting: u32,
    /// Messages in any 60 seconds.
    #[schemars(range(min = 1))]
    pub per_minute: u32,
}

/// Which requests go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
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

// === impl Concurrency ===

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            min_workers: 1,
            max_workers: None,
            max_queue_size: 32,
            worker_timeout_ms: None,
            max_requests_per_worker: 100,
            memory_limit_mb: 512,
            backpressure_threshold: 0.7,
            heartbeat_interval_ms: 5_000,
            stuck_threshold_ms: 60_000,
            per_tenant: PerTenant::default(),
            priorities: BTreeMap::new(),
        }
    }
}

impl Concurrency {
    /// The pool that these settings describe. The older keys of `agents.defaults` count where these are
    /// left out.
    #[must_use]
    pub fn pool(&self, agents: &super::agents::Defaults) -> Pool {
        let (count, default) =
            (|count: u32| usize::try_from(count).unwrap_or(usize::MAX), Pool::default());
        let timeout = self.worker_timeout_ms.map(Duration::from_millis);
        Pool {
            min_workers: count(self.min_workers),
            max_workers: self
                .max_workers
                .or(agents.max_concurrent)
                .map_or(default.max_workers, count),
            max_queue_size: count(self.max_queue_size),
            worker_timeout: timeout
                .or(agents.timeout_seconds.map(Duration::from_secs))
                .unwrap_or(default.worker_timeout),
            max_requests_per_worker: self.max_requests_per_worker,
            memory_limit: self.memory_limit_mb << 20,
            backpressure_threshold: self.backpressure_threshold,
            heartbeat_interval: Duration::from_millis(self.heartbeat_interval_ms),
            stuck_threshold: Duration::from_millis(self.stuck_threshold_ms),
            share: Share {
                running: count(self.per_tenant.running),
                waiting: count(self.per_tenant.waiting),
                per_minute: count(self.per_tenant.per_minute),
            },
        }
    }

    /// Which place an account's requests have.
    #[must_use]
    pub fn priority(&self, account: &str) -> Rank {
        self.priorities.get(account).copied().unwrap_or_default().into()
    }
}

// === impl PerTenant ===

impl Default for PerTenant {
    fn default() -> Self {
        Self { running: 2, waiting: 3, per_minute: 20 }
    }
}

// === impl Priority ===

impl From<Priority> for Rank {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
            Priority::Critical => Self::Critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::agents::Defaults;

    #[test]
    fn what_is_left_out_is_the_platforms() {
        assert_eq!(Concurrency::default().pool(&Defaults::default()), Pool::default());
    }

    #[test]
    fn older_keys_count_where_the_newer_are_left_out() {
        let agents =
            Defaults { max_concurrent: Some(9), timeout_seconds: Some(7), ..Defaults::default() };
        let pool = Concurrency::default().pool(&agents);
        assert_eq!((pool.max_workers, pool.worker_timeout.as_secs()), (9, 7));
        let newer = Concurrency {
            max_workers: Some(3),
            worker_timeout_ms: Some(5_000),
            ..Concurrency::default()
        };
        let pool = newer.pool(&agents);
        assert_eq!((pool.max_workers, pool.worker_timeout.as_secs()), (3, 5));
    }
}
