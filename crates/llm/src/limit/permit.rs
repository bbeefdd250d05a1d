//! The right to have one request on the way.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Limiter;
use super::state::Grant;

/// The right to have one request on the way. Dropped, it is given back, and its estimate stands.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Arc<Limiter>,
    grant: Grant,
    since: Instant,
}

// === impl Permit ===

impl Permit {
    pub(super) fn new(limiter: Arc<Limiter>, grant: Grant) -> Self {
        Self { limiter, grant, since: Instant::now() }
    }

    /// The answer has begun. Returns how long that took.
    pub(crate) fn began(&self) -> Duration {
        let after = self.since.elapsed();
        self.limiter.change(|state, _| state.began(&self.grant.model, after));
        after
    }

    /// The provider could not keep up: it said so, or said nothing.
    pub(crate) fn refused(&self) {
        self.limiter.change(|state, _| state.refused(&self.grant.model));
    }

    /// The answer is complete and used so many tokens; zero: it is not known, and the estimate stands.
    pub(crate) fn settle(self, used: u64) {
        if used > 0 {
            self.limiter.change(|state, _| state.correct(&self.grant, used));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.change(|state, _| state.release(&self.grant.model));
    }
}
