//! The life of a worker: what states it has, what moves it between them, and how it is seen to be well.
//!
//! Pure. Owns the rules; knows neither tasks nor processes.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// Ready for a turn.
    Idle,
    /// Running a turn.
    Busy,
    /// Running its last turn.
    Draining,
    /// Running a turn from which nothing was heard for too long; it is being ended.
    Stuck,
    /// Gone.
    Dead,
}

/// Why a worker is replaced by a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecycleReason {
    /// It has run as many turns as one worker may.
    RequestLimit,
    /// It uses more memory than one worker may.
    MemoryLimit,
    /// An operator asked for it.
    Manual,
}

/// What can be seen of a worker from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Whether it has ended.
    pub ended: bool,
    /// Whether it is to take no more turns.
    pub draining: bool,
    /// Whether it runs a turn.
    pub busy: bool,
    /// Time since it was last heard of.
    pub silent: Duration,
    /// Memory of its process, in bytes; 0 for one without a process of its own.
    pub memory: u64,
}

/// How a running turn shows that it is alive. Whoever makes progress for it calls this: bytes from a model,
/// output of a tool.
pub trait Pulse: Send + Sync + 'static {
    /// Something moved.
    fn beat(&self);

    /// From now on a process of this id does the work; `None`: it has ended.
    fn process(&self, pid: Option<u32>);
}

/// Hears nothing: for whoever runs a turn without being watched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

// === impl WorkerState ===

impl WorkerState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Busy, Self::Draining, Self::Stuck, Self::Dead];

    /// The word used in JSON, metrics and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::Stuck => "stuck",
            Self::Dead => "dead",
        }
    }

    /// The state that the signs show. The order of the platform document: dead, draining, over its memory
    /// (which is dead), silent while running a turn, running a turn, ready.
    #[must_use]
    pub fn of(signs: Signs, memory_limit: u64, stuck_after: Duration) -> Self {
        if signs.ended {
            Self::Dead
        } else if signs.draining {
            if signs.busy && signs.silent > stuck_after { Self::Stuck } else { Self::Draining }
        } else if signs.memory > memory_limit {
            Self::Dead
        } else if signs.busy && signs.silent > stuck_after {
            Self::Stuck
        } else if signs.busy {
            Self::Busy
        } else {
            Self::Idle
        }
    }

    /// Whether the document's diagram has the step: idle to busy and back, busy to draining or stuck, and
    /// from anything to dead.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use WorkerState::{Busy, Dead, Draining, Idle, Stuck};
        matches!(
            (self, next),
            (Idle, Busy | Draining)
                | (Busy, Idle | Draining | Stuck)
                | (Draining, Stuck)
                | (Idle | Busy | Draining | Stuck, Dead)
        )
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl RecycleReason ===

impl RecycleReason {
    /// The word used in events and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestLimit => "request_limit",
            Self::MemoryLimit => "memory_limit",
            Self::Manual => "manual",
        }
    }
}

// === impl Unwatched ===

impl Pulse for Unwatched {
    fn beat(&self) {}

    fn process(&self, _: Option<u32>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 512;
    const STUCK: Duration = Duration::from_secs(60);

    fn state(ended: bool, draining: bool, busy: bool, silent: u64, memory: u64) -> WorkerState {
        let signs = Signs { ended, draining, busy, silent: Duration::from_secs(silent), memory };
        WorkerState::of(signs, LIMIT, STUCK)
    }

    #[test]
    fn the_first_sign_in_the_documents_order_counts() {
        assert_eq!(state(true, true, true, 99, 999), WorkerState::Dead);
        assert_eq!(state(false, true, true, 9, 999), WorkerState::Draining);
        assert_eq!(state(false, false, true, 99, 513), WorkerState::Dead);
        assert_eq!(state(false, false, true, 61, 512), WorkerState::Stuck);
        assert_eq!(state(false, false, true, 60, 0), WorkerState::Busy);
        assert_eq!(
            state(false, false, false, 9_999, 0),
            WorkerState::Idle,
            "silence is its nature"
        );
    }

    #[test]
    fn a_turn_that_hangs_while_its_worker_drains_is_not_waited_for() {
        assert_eq!(state(false, true, true, 61, 0), WorkerState::Stuck);
    }

    #[test]
    fn what_is_dead_stays_dead_and_what_is_stuck_only_dies() {
        for next in WorkerState::ALL {
            assert!(!WorkerState::Dead.may_become(next));
            assert_eq!(WorkerState::Stuck.may_become(next), next == WorkerState::Dead);
        }
    }
}
