//! What happens to messages that arrive while a session is busy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How messages that wait together are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueMode {
    /// All that wait become one turn.
    #[default]
    Collect,
    /// Each becomes a turn of its own, in order.
    Followup,
    /// A new one stops the running turn; what was being answered is answered again together with it.
    Interrupt,
}

/// What gives way when more wait than [`QueuePolicy::cap`]. Nothing that was acknowledged is ever lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueDrop {
    /// The oldest are shortened to one line each in the prompt.
    #[default]
    Summarize,
    /// The oldest are left out of the prompt; they stay in the history, marked as such.
    Old,
    /// The newest is refused at the door, before it is acknowledged.
    New,
}

/// How one session's waiting messages are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePolicy {
    /// How they are answered.
    pub mode: QueueMode,
    /// How long a pause means that the person has finished writing.
    pub debounce: Duration,
    /// How many may wait at full length.
    pub cap: usize,
    /// What gives way beyond that.
    pub drop: QueueDrop,
}

// === impl QueuePolicy ===

impl Default for QueuePolicy {
    fn default() -> Self {
        Self {
            mode: QueueMode::Collect,
            debounce: Duration::from_secs(1),
            cap: 20,
            drop: QueueDrop::Summarize,
        }
    }
}

impl QueuePolicy {
    /// However steadily somebody writes, an answer begins after this many pauses.
    const LONGEST_WAIT_IN_PAUSES: u32 = 5;

    /// How long the turn still waits for more: until a pause of [`Self::debounce`] since the newest
    /// message, but never longer than five such pauses since the oldest, and not at all once
    /// [`Self::cap`] messages wait.
    #[must_use]
    pub fn wait(&self, since_oldest: Duration, since_newest: Duration, waiting: usize) -> Duration {
        if waiting >= self.cap {
            return Duration::ZERO;
        }
        let pause = self.debounce.saturating_sub(since_newest);
        let patience =
            self.debounce.saturating_mul(Self::LONGEST_WAIT_IN_PAUSES).saturating_sub(since_oldest);
        pause.min(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_pause_but_not_for_ever() {
        let policy = QueuePolicy::default();
        let wait = |oldest, newest, waiting| {
            policy
                .wait(Duration::from_millis(oldest), Duration::from_millis(newest), waiting)
                .as_millis()
        };
        assert_eq!(wait(0, 0, 1), 1_000);
        assert_eq!(wait(900, 400, 2), 600);
        assert_eq!(wait(4_800, 0, 5), 200);
        assert_eq!(wait(6_000, 0, 5), 0);
        assert_eq!(wait(0, 0, 20), 0);
    }
}
