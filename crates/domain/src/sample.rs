//! One minute of an instance's life in figures: what the history is made of.
//!
//! Pure. Owns the words; who measures and who keeps them is decided elsewhere.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One minute of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When the minute began.
    pub at: Timestamp,
    /// The backpressure level when it was looked at, 0 to 1.
    pub level: f64,
    /// How near refusing was, 0 to 1.
    pub saturation: f64,
    /// Workers that ran a turn.
    pub active: u32,
    /// Workers that were ready.
    pub idle: u32,
    /// Requests that waited.
    pub queue_depth: u32,
    /// How long the oldest of them had waited, in milliseconds.
    pub queue_age_ms: u64,
    /// Turns that ended in this minute, in whatever way.
    pub throughput: u32,
    /// Those of them that failed.
    pub errors: u32,
    /// The time that 95 of 100 turns stayed below in the last five minutes, in milliseconds; 0 without turns.
    pub p95_ms: u64,
    /// The same for 99 of 100.
    pub p99_ms: u64,
    /// Requests that were refused in this minute.
    pub refused: u32,
    /// Memory of the process, in bytes; 0 when it is not known.
    pub memory: u64,
}

// === impl Sample ===

impl Sample {
    /// How long one sample stands for, in milliseconds.
    pub const MINUTE_MS: i64 = 60_000;

    /// The sample with its moment moved back to the beginning of the minute.
    #[must_use]
    pub fn of_its_minute(self) -> Self {
        Self { at: Timestamp(self.at.0 - self.at.0.rem_euclid(Self::MINUTE_MS)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_begins_at_its_beginning() {
        let began = |at| Sample { at: Timestamp(at), ..Sample::default() }.of_its_minute().at.0;
        assert_eq!((began(0), began(59_999), began(60_000)), (0, 0, 60_000));
        assert_eq!(began(-1), -60_000, "also before 1970, where a broken clock may be");
    }
}
