//! What the pool's settings must be to each other.

use super::Rules;
use crate::Config;

/// With every worker busy and nobody waiting, the level is this.
const EVERY_WORKER_BUSY: f64 = 0.3;

pub(super) fn check(rules: &mut Rules<'_>, config: &Config) {
    let written = &config.concurrency;
    let pool = written.pool(&config.agents.defaults);
    if pool.min_workers > pool.max_workers {
        rules.refuse(
            "concurrency.minWorkers",
            format!(
                "is {}, more than the {} workers that there may be; lower it, or raise concurrency.maxWorkers",
                pool.min_workers, pool.max_workers
            ),
        );
    }
    if pool.backpressure_threshold <= EVERY_WORKER_BUSY {
        rules.refuse(
            "concurrency.backpressureThreshold",
            "must be above 0.3: that is the level when every worker is busy and nobody waits, so everything \
             would be refused then",
        );
    }
    if pool.heartbeat_interval >= pool.stuck_threshold {
        rules.refuse(
            "concurrency.heartbeatIntervalMs",
            format!(
                "is {} ms, but a worker counts as stuck after {} ms (concurrency.stuckThresholdMs); look at \
                 workers more often than that",
                pool.heartbeat_interval.as_millis(),
                pool.stuck_threshold.as_millis()
            ),
        );
    }
    if pool.stuck_threshold > pool.worker_timeout {
        rules.warn(
            "concurrency.stuckThresholdMs",
            "is longer than a turn may take (workerTimeoutMs), so no worker is ever seen as stuck",
        );
    }
    if pool.max_queue_size < pool.max_workers {
        rules.warn(
            "concurrency.maxQueueSize",
            "is smaller than maxWorkers; four to eight times as much lets short bursts wait instead of being \
             refused",
        );
    }
    if u64::from(written.per_tenant.waiting) > u64::from(written.max_queue_size) {
        rules.warn(
            "concurrency.perTenant.waiting",
            "is more than maxQueueSize, so one tenant can fill the whole queue",
        );
    }
}
