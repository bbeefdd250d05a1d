//! What happened, told to whoever listens. An event is never the only copy of anything.

use crate::{Failure, MessageId, RunId, SessionKey, Timestamp};

/// Something that happened in one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Where it happened.
    pub session: SessionKey,
    /// When.
    pub at: Timestamp,
    /// What.
    pub body: EventBody,
}

/// What can happen in a session.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// A message was stored.
    Received {
        /// Its id.
        message: MessageId,
        /// The caller's name for it.
        run: RunId,
        /// The words.
        text: String,
    },
    /// A turn began. It answers `run` and everything in `merged`, which waited beside it.
    Started {
        /// The run whose name the turn carries.
        run: RunId,
        /// Runs that are answered by the same turn.
        merged: Vec<RunId>,
    },
    /// The model said more.
    Delta {
        /// The turn's run.
        run: RunId,
        /// Length of the answer before this, in bytes of UTF-8. Whoever knows that much of it, neither less
        /// nor more, can append the text.
        offset: usize,
        /// What was added, in order.
        text: String,
    },
    /// The turn ended with an answer, which is stored.
    Replied {
        /// The turn's run.
        run: RunId,
        /// Runs that are answered by the same turn.
        merged: Vec<RunId>,
        /// The answer's id.
        reply: MessageId,
        /// The whole answer.
        text: String,
        /// The model that gave it.
        model: String,
        /// What it cost, in tokens.
        usage: Usage,
    },
    /// The turn was stopped by a person; what had been said so far is stored.
    Aborted {
        /// The turn's run.
        run: RunId,
        /// Runs that were to be answered by the same turn.
        merged: Vec<RunId>,
        /// What had been said so far.
        text: String,
    },
    /// The turn failed.
    Failed {
        /// The turn's run.
        run: RunId,
        /// Runs that were to be answered by the same turn.
        merged: Vec<RunId>,
        /// What went wrong.
        failure: Failure,
        /// When it is tried again; `None` when it is parked until somebody looks.
        retry_at: Option<Timestamp>,
    },
    /// The session's row changed in another way: it was created, reset, expired.
    Changed,
}

/// Tokens that a turn used, as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Tokens of the prompt that were read in full.
    pub input: u64,
    /// Tokens of the prompt that the provider had cached.
    pub cached: u64,
    /// Tokens of the answer.
    pub output: u64,
}
