//! The pool's figures for whoever collects metrics, once a second.

use std::sync::Weak;
use std::time::Duration;

use domain::concurrency::{Concurrency, ConcurrencyMetrics};
use domain::worker::WorkerState;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use tokio::time::sleep;

use super::Workers;
use crate::Shared;

/// Every name and its meaning; the order is that of [`show`].
const GAUGES: &[(&str, &str)] = &[
    ("openclaw_active_workers", "Workers that run a turn."),
    ("openclaw_idle_workers", "Workers that are ready."),
    ("openclaw_draining_workers", "Workers that run their last turn."),
    ("openclaw_stuck_workers", "Workers from which nothing was heard for too long."),
    ("openclaw_max_workers", "Workers that there may be."),
    ("openclaw_queue_depth", "Requests that wait for a worker."),
    ("openclaw_max_queue_size", "Requests that may wait."),
    ("openclaw_backpressure_level", "0.7 * waiting / most + 0.3 * busy / most workers."),
    ("openclaw_backpressure_threshold", "The level from which on new work is refused."),
    ("openclaw_saturation", "Waiting requests against those at which refusing begins."),
    ("openclaw_request_latency_avg_seconds", "Mean time of a turn in the last five minutes."),
    ("openclaw_request_latency_p95_seconds", "95th percentile of the same."),
    ("openclaw_request_latency_p99_seconds", "99th percentile of the same."),
    ("openclaw_throughput_per_minute", "Turns that ended in the last 60 seconds."),
    ("openclaw_queue_age_seconds", "How long the request that waits longest has waited."),
];
const PROCESSED: &str = "openclaw_requests_processed_total";
const ERRORS: &str = "openclaw_request_errors_total";
const EVERY: Duration = Duration::from_secs(1);

/// Says what each metric means.
pub(crate) fn describe() {
    for (name, meaning) in GAUGES {
        describe_gauge!(*name, *meaning);
    }
    describe_counter!(PROCESSED, "Turns that ended, in whatever way.");
    describe_counter!(ERRORS, "Turns that failed.");
}

/// Shows the figures for as long as there is an engine.
pub(crate) async fn publish(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        show(&shared.workers);
        drop(shared);
        sleep(EVERY).await;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; nobody has 2^52 of anything here"
)]
fn show(workers: &Workers) {
    let ConcurrencyMetrics {
        active_workers,
        idle_workers,
        queue_depth,
        total_processed,
        total_errors,
        avg_latency_ms,
        p95_latency_ms,
        p99_latency_ms,
        throughput_per_minute,
        backpressure_level,
        stuck_workers,
        saturation,
    } = workers.metrics();
    let Concurrency { max_workers, max_queue_size, backpressure_threshold, .. } =
        workers.settings();
    let values = [
        active_workers as f64,
        idle_workers as f64,
        workers.count_of(WorkerState::Draining) as f64,
        stuck_workers as f64,
        max_workers as f64,
        queue_depth as f64,
        max_queue_size as f64,
        backpressure_level,
        backpressure_threshold,
        saturation,
        avg_latency_ms / 1_000.0,
        p95_latency_ms / 1_000.0,
        p99_latency_ms / 1_000.0,
        throughput_per_minute as f64,
        workers.queue_age().as_secs_f64(),
    ];
    for ((name, _), value) in GAUGES.iter().zip(values) {
        gauge!(*name).set(value);
    }
    counter!(PROCESSED).absolute(total_processed);
    counter!(ERRORS).absolute(total_errors);
}
