//! What happens on the way to an answer, told to whoever watches.

use std::time::Duration;

use domain::event::Usage;

use crate::LimitKind;

/// Hears what happens. Called on the path of an answer: it must not wait.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn heard(&self, event: ModelEvent);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// A model is asked.
    Requested {
        /// Whose.
        provider: String,
        /// Which.
        model: String,
        /// Tokens that this is expected to take.
        tokens: u64,
    },
    /// A model has answered to the end.
    Responded {
        /// Whose.
        provider: String,
        /// Which.
        model: String,
        /// What it cost; zero where the provider did not tell.
        usage: Usage,
        /// From the request to the first token.
        first_token: Duration,
        /// From the request to the end.
        took: Duration,
    },
    /// A model has failed, before its answer or in it.
    Failed {
        /// Whose.
        provider: String,
        /// Which.
        model: String,
        /// The stable code of why.
        code: &'static str,
        /// Whether it may answer later.
        transient: bool,
    },
    /// Another model steps in. Both are written `provider/model`.
    FellBack {
        /// The first of the chain.
        primary: String,
        /// The one that steps in.
        fallback: String,
        /// The stable code of why the one before did not answer.
        reason: &'static str,
    },
    /// A provider said that it is asked too often, or one of our limits for it is reached.
    RateLimited {
        /// Who.
        provider: String,
        /// Our limit; `None`: the provider said so.
        limit: Option<LimitKind>,
        /// When asking again makes sense.
        retry_after: Option<Duration>,
    },
    /// A provider kept failing and is left alone.
    CircuitOpened {
        /// Who.
        provider: String,
        /// For how long.
        rest: Duration,
    },
    /// A provider answers again.
    CircuitClosed {
        /// Who.
        provider: String,
    },
}

// === impl Unobserved ===

impl Observer for Unobserved {
    fn heard(&self, _: ModelEvent) {}
}
