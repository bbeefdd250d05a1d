//! `messages`: how messages that arrive while an answer is being written are treated.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::{API, WEB};
use domain::queue::{QueueDrop, QueueMode, QueuePolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How incoming messages are taken together and answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Messages {
    /// What happens to messages that wait.
    pub queue: Queue,
}

/// What happens to messages that wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Queue {
    /// How messages that wait together are answered.
    pub mode: Mode,
    /// The mode of single accounts, for example `{ telegram: "followup" }`.
    pub by_channel: BTreeMap<String, Mode>,
    /// How long a pause means that the person has finished writing, in milliseconds. 1000 when left
    /// out, except for `web`, where the answer then begins at once; `api` never waits.
    #[schemars(range(max = 600_000))]
    pub debounce_ms: Option<u64>,
    /// The pause for single accounts, in milliseconds.
    #[schemars(extend("additionalProperties" = json!({"type": "integer", "minimum": 0, "maximum": 600_000})))]
    pub debounce_ms_by_channel: BTreeMap<String, u64>,
    /// How many messages may wait at full length.
    #[schemars(range(min = 1, max = 1_000))]
    pub cap: usize,
    /// What gives way beyond that.
    pub drop: Overflow,
}

/// How messages that wait together are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// All that wait become one turn.
    #[default]
    Collect,
    /// Each becomes a turn of its own, in order.
    Followup,
    /// A new one stops the running turn and is answered together with what that was answering.
    Interrupt,
    /// The same as `collect`: a message cannot be put into a turn that runs.
    Steer,
}

/// What gives way when more wait than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// The oldest are shortened to one line each.
    #[default]
    Summarize,
    /// The oldest are left out of the prompt.
    Old,
    /// The newest is refused before it is acknowledged.
    New,
}

// === impl Queue ===

impl Default for Queue {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            by_channel: BTreeMap::new(),
            debounce_ms: None,
            debounce_ms_by_channel: BTreeMap::new(),
            cap: 20,
            drop: Overflow::default(),
        }
    }
}

impl Queue {
    /// How the waiting messages of an account are treated. `api` is answered one by one and at once,
    /// because each request waits for its own answer; `web` waits only if a pause is written down.
    #[must_use]
    pub fn policy(&self, account: &str) -> QueuePolicy {
        let shared =
            QueuePolicy { cap: self.cap, drop: self.drop.into(), ..QueuePolicy::default() };
        if account == API {
            return QueuePolicy { mode: QueueMode::Followup, debounce: Duration::ZERO, ..shared };
        }
        let unwritten = if account == WEB { Duration::ZERO } else { shared.debounce };
        let written = self.debounce_ms_by_channel.get(account).copied().or(self.debounce_ms);
        QueuePolicy {
            mode: self.by_channel.get(account).copied().unwrap_or(self.mode).into(),
            debounce: written.map_or(unwritten, Duration::from_millis),
            ..shared
        }
    }
}

// === impl Mode ===

impl From<Mode> for QueueMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Collect | Mode::Steer => Self::Collect,
            Mode::Followup => Self::Followup,
            Mode::Interrupt => Self::Interrupt,
        }
    }
}

// === impl Overflow ===

impl From<Overflow> for QueueDrop {
    fn from(overflow: Overflow) -> Self {
        match overflow {
            Overflow::Summarize => Self::Summarize,
            Overflow::Old => Self::Old,
            Overflow::New => Self::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_pause() {
        let pause = |queue: &Queue, account| queue.policy(account).debounce.as_millis();
        let unwritten = Queue::default();
        assert_eq!(["telegram", "web", "api"].map(|a| pause(&unwritten, a)), [1_000, 0, 0]);
        let written = Queue {
            debounce_ms: Some(700),
            debounce_ms_by_channel: [("telegram".to_owned(), 300), ("api".to_owned(), 5)].into(),
            ..Queue::default()
        };
        let accounts = ["telegram", "whatsapp", "web", "api"];
        assert_eq!(accounts.map(|a| pause(&written, a)), [300, 700, 700, 0]);
    }

    #[test]
    fn each_account_has_its_own_mode() {
        let queue = Queue {
            mode: Mode::Steer,
            by_channel: [("max".to_owned(), Mode::Interrupt)].into(),
            ..Queue::default()
        };
        assert_eq!(queue.policy("telegram").mode, QueueMode::Collect);
        assert_eq!(queue.policy("max").mode, QueueMode::Interrupt);
        assert_eq!(queue.policy("api").mode, QueueMode::Followup);
    }
}
