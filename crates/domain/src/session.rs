//! The states of a session and how it moves between them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

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

/// A session's life, as far as it has rules. What is stored moves by the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// What it is doing.
    pub state: SessionState,
    /// When it began.
    pub created_at: Timestamp,
    /// When it expires if nobody writes.
    pub expires_at: Timestamp,
    /// When somebody last wrote.
    pub last_at: Option<Timestamp>,
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

// === impl Life ===

impl Life {
    /// A session that begins now.
    #[must_use]
    pub fn create(now: Timestamp) -> Self {
        let expires_at = now.after(TIME_TO_LIVE);
        Self { state: SessionState::Idle, created_at: now, expires_at, last_at: None }
    }

    /// Somebody writes. In a session that has expired this begins a new one in its place.
    ///
    /// # Errors
    /// [`BadTransition`] when it is suspended.
    pub fn touch(self, now: Timestamp) -> Result<Self, BadTransition> {
        use SessionState::{Active, Expired, Idle, Processing, Suspended};
        let (state, created_at) = match self.state {
            Suspended => return Err(BadTransition { from: Suspended, to: Active }),
            Expired => (Active, now),
            Idle => (Active, self.created_at),
            state @ (Active | Processing) => (state, self.created_at),
        };
        // A session that was extended is not shortened by who writes in it.
        let expires_at = self.expires_at.max(now.after(TIME_TO_LIVE));
        Ok(Self { state, created_at, expires_at, last_at: Some(now) })
    }

    /// It lives so much longer than it would have.
    ///
    /// # Errors
    /// [`BadTransition`] when it is over.
    pub fn extend(self, span: Duration) -> Result<Self, BadTransition> {
        use SessionState::{Active, Expired, Suspended};
        match self.state {
            Expired | Suspended => Err(BadTransition { from: self.state, to: Active }),
            _ => Ok(Self { expires_at: self.expires_at.after(span), ..self }),
        }
    }

    /// Whether its time is over: `expires_at` is now or before.
    #[must_use]
    pub fn is_over(self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// It expires.
    ///
    /// # Errors
    /// [`BadTransition`] unless a message can wait in it or a turn runs.
    pub fn expire(self) -> Result<Self, BadTransition> {
        Ok(Self { state: self.state.transition(SessionState::Expired)?, ..self })
    }

    /// It is stopped for good.
    ///
    /// # Errors
    /// [`BadTransition`] when it is suspended already.
    pub fn suspend(self) -> Result<Self, BadTransition> {
        Ok(Self { state: self.state.transition(SessionState::Suspended)?, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SessionState::{self, *};
    use super::{Life, TIME_TO_LIVE};
    use crate::Timestamp;

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

    #[test]
    fn a_session_is_over_at_the_very_moment() {
        let life = Life::create(Timestamp(1));
        let end = Timestamp(1).after(TIME_TO_LIVE);
        assert!(!life.is_over(end.before(std::time::Duration::from_millis(1))));
        assert!(life.is_over(end));
        assert!(!life.extend(std::time::Duration::from_millis(1)).unwrap().is_over(end));
    }

    #[test]
    fn who_writes_in_an_expired_session_begins_a_new_one() {
        let life = Life::create(Timestamp(1)).touch(Timestamp(2)).unwrap().expire().unwrap();
        assert!(life.extend(TIME_TO_LIVE).is_err());
        let again = life.touch(Timestamp(9)).unwrap();
        assert_eq!((again.state, again.created_at), (Active, Timestamp(9)));
    }

    proptest! {
        /// Whatever is done, in any order: every step is one of the table's or leaves the state as it is, but
        /// for the new session in place of an expired one; and nothing leaves suspended.
        #[test]
        fn no_order_of_steps_leaves_the_table(steps in prop::collection::vec(0_u8..4, 0..40)) {
            let mut life = Life::create(Timestamp(0));
            for (at, step) in steps.into_iter().enumerate() {
                let (before, now) = (life, Timestamp(i64::try_from(at).unwrap()));
                life = match step {
                    0 => life.touch(now),
                    1 => life.extend(TIME_TO_LIVE),
                    2 => life.expire(),
                    _ => life.suspend(),
                }
                .unwrap_or(life);
                let in_table = before.state.transition(life.state).is_ok();
                let anew = before.state == Expired && life.state == Active && life.created_at == now;
                prop_assert!(before.state == life.state || in_table || anew);
                prop_assert!(before.state != Suspended || life == before);
            }
        }
    }
}
