//! A span of history in the few figures that sizes follow from.
//!
//! Each instance has a pool of its own, so what counts is the busiest minute of one instance, never a sum.

use serde::Serialize;
use thiserror::Error;

use crate::Sample;

/// What was asked of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Minutes that the history holds, over all instances.
    pub minutes: u64,
    /// Turns that ended.
    pub answered: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests of the busiest minute, answered or refused.
    pub busiest_minute: u64,
    /// Workers that were busy at once, or would have been had nothing been refused.
    pub workers_needed: u64,
    /// The most that waited at once.
    pub deepest_queue: u64,
    /// Minutes in which refusing began.
    pub saturated_minutes: u64,
    /// The worst p99 of any minute, in milliseconds.
    pub longest_ms: u64,
    /// The most memory that the process itself used, in bytes.
    pub memory: u64,
}

/// The history says too little to conclude anything from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
#[error(
    "the history has {minutes} minutes with {answered} answers; {} minutes and {} answers are needed before it \
     says anything. Come back later, or look further back with --days",
    Load::FEWEST_MINUTES,
    Load::FEWEST_ANSWERS
)]
pub struct TooLittle {
    /// Minutes that it has.
    pub minutes: u64,
    /// Turns that ended in them.
    pub answered: u64,
}

// === impl Load ===

impl Load {
    /// Minutes below which nothing is concluded: a quarter of a day has a busy hour in it.
    pub const FEWEST_MINUTES: u64 = 360;
    /// Turns below which nothing is concluded.
    pub const FEWEST_ANSWERS: u64 = 50;

    /// The load that these minutes show; in any order, of any number of instances.
    #[must_use]
    pub fn of<'s>(samples: impl IntoIterator<Item = &'s Sample>) -> Self {
        samples.into_iter().fold(Self::default(), |load, sample| Self {
            minutes: load.minutes + 1,
            answered: load.answered + u64::from(sample.throughput),
            errors: load.errors + u64::from(sample.errors),
            refused: load.refused + u64::from(sample.refused),
            busiest_minute: load.busiest_minute.max(requests(sample)),
            workers_needed: load.workers_needed.max(needed(sample)),
            deepest_queue: load.deepest_queue.max(sample.queue_depth.into()),
            saturated_minutes: load.saturated_minutes
                + u64::from(sample.saturation >= 1.0 || sample.refused > 0),
            longest_ms: load.longest_ms.max(sample.p99_ms),
            memory: load.memory.max(sample.memory),
        })
    }

    /// Whether it says enough to conclude anything from it.
    pub(super) fn suffices(&self) -> Result<(), TooLittle> {
        let &Self { minutes, answered, .. } = self;
        if minutes < Self::FEWEST_MINUTES || answered < Self::FEWEST_ANSWERS {
            return Err(TooLittle { minutes, answered });
        }
        Ok(())
    }
}

fn requests(sample: &Sample) -> u64 {
    u64::from(sample.throughput) + u64::from(sample.refused)
}

/// Workers that this minute needed. As long as nothing was refused, those that were busy. Otherwise as many
/// as Little's law asks for: what arrives in a second, times how long each takes. The p95 stands for the
/// mean, which errs towards one worker too many.
fn needed(sample: &Sample) -> u64 {
    let busy = u64::from(sample.active);
    if sample.refused == 0 {
        return busy;
    }
    let minute = Sample::MINUTE_MS.unsigned_abs();
    busy.max(requests(sample).saturating_mul(sample.p95_ms).div_ceil(minute))
}
