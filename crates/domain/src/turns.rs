//! The turns that run now, for whoever shows or stops them.
//!
//! Owns the words for both; how a turn runs and where it is written down is the engine's own affair.

use crate::{MessageId, RunId, SessionKey, Timestamp};

/// An answer while it is being given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialAnswer {
    /// The id that it is stored under when it is whole.
    pub id: MessageId,
    /// The run whose name the turn carries.
    pub run: RunId,
    /// When the turn began.
    pub since: Timestamp,
    /// What has been said so far. An event [`Delta`](crate::EventBody::Delta) comes only after its words
    /// stand here: who reads this holds every delta that was told until then.
    pub text: String,
}

/// The turns that run now; at most one in a session.
pub trait Turns: Send + Sync + 'static {
    /// What has been said so far in a session's turn; `None` when none runs there.
    fn said(&self, session: &SessionKey) -> Option<PartialAnswer>;

    /// Stops the turn of a session, or only the one that answers `run`. What was said so far is kept as
    /// the answer. Returns the runs that are ended by it; none when no such turn runs.
    fn abort(&self, session: &SessionKey, run: Option<&RunId>) -> Vec<RunId>;
}
