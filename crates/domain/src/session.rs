//! The states of a session and how it moves between them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a session lives after its last message.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(60 * 60);

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// Created, nothing said yet.
    Idle,
    /// Waiting for the next message.
    Active,
    /// A turn is running.
    Processing,
    /// Nobody wrote for [`TIME_TO_LIVE`]. The next message begins a new session in its place.
    Expired,
    /// Stopped by an operator; final. A reinstated tenant gets new sessions.
    Suspended,
}

/// A transition that the platform does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session that is {from} cannot become {to}")]
pub struct BadTransition {
    /// What it is.
    pub from: SessionState,
    /// What it cannot become.
    pub to: SessionState,
}

// === impl SessionState ===

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Idle, Self::Active, Self::Processing, Self::Expired, Self::Suspended];

    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Processing => "processing",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
        }
    }

    /// The state after the transition.
    ///
    /// # Errors
    /// [`BadTransition`] unless the platform's table has it; staying the same is not in the table.
    pub fn transition(self, to: Self) -> Result<Self, BadTransition> {
        use SessionState::{Active, Expired, Idle, Processing, Suspended};
        let known = matches!(
            (self, to),
            (Idle, Active | Suspended)
                | (Active, Processing | Expired | Suspended)
                | (Processing, Active | Expired | Suspended)
                | (Expired, Suspended)
        );
        if known { Ok(to) } else { Err(BadTransition { from: self, to }) }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SessionState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("no session state is called {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::SessionState::{self, *};

    #[test]
    fn the_table_is_the_platforms() {
        let allowed: &[(SessionState, &[SessionState])] = &[
            (Idle, &[Active, Suspended]),
            (Active, &[Processing, Expired, Suspended]),
            (Processing, &[Active, Expired, Suspended]),
            (Expired, &[Suspended]),
            (Suspended, &[]),
        ];
        for (from, targets) in allowed {
            for to in SessionState::ALL {
                assert_eq!(from.transition(to).is_ok(), targets.contains(&to), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn words_read_back() {
        for state in SessionState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
