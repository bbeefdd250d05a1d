//! A row of figures for each minute, so that sizes can be proposed from what a day was like.

use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::Sample;
use tokio::time::{MissedTickBehavior, interval};

use super::watch::memory_of;
use crate::Shared;

const EVERY: Duration = Duration::from_secs(60);

/// Totals at the end of the minute before.
#[derive(Clone, Copy, Default)]
struct Before {
    processed: u64,
    errors: u64,
    refused: u64,
}

/// Writes a row each minute for as long as there is an engine.
pub(crate) async fn record(shared: Weak<Shared>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, when there is nothing to tell of yet.
    ticks.tick().await;
    let mut before = Before::default();
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let memory = memory_of(vec![(0, std::process::id())]).await;
        let memory = memory.first().map_or(0, |(_, bytes)| *bytes);
        let sample = take(&shared, &mut before, memory);
        if let Err(error) = shared.store.add_sample(shared.instance, sample).await {
            tracing::warn!(%error, "the figures of the last minute could not be kept");
        }
    }
}

fn take(shared: &Arc<Shared>, before: &mut Before, memory: u64) -> Sample {
    let workers = &shared.workers;
    let metrics = workers.metrics();
    let now = Before {
        processed: metrics.total_processed,
        errors: metrics.total_errors,
        refused: shared.admission.refusals(),
    };
    let since =
        |now: u64, before: u64| u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let sample = Sample {
        // The row stands for the minute that has just ended.
        at: shared.clock.now().before(EVERY),
        level: metrics.backpressure_level,
        saturation: metrics.saturation,
        active: count(metrics.active_workers),
        idle: count(metrics.idle_workers),
        queue_depth: count(metrics.queue_depth),
        queue_age_ms: u64::try_from(workers.queue_age().as_millis()).unwrap_or(u64::MAX),
        throughput: since(now.processed, before.processed),
        errors: since(now.errors, before.errors),
        p95_ms: whole(metrics.p95_latency_ms),
        p99_ms: whole(metrics.p99_latency_ms),
        refused: since(now.refused, before.refused),
        memory,
    };
    *before = now;
    sample
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time in milliseconds is positive and far below 2^64"
)]
fn whole(milliseconds: f64) -> u64 {
    milliseconds.round() as u64
}
