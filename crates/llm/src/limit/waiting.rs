//! One that waits for its turn. Dropped, it has given its place up.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::state::Place;
use super::{Limiter, Permit, Wish};
use crate::Error;

/// One that waits.
pub(super) struct Waiting<'a> {
    limiter: &'a Arc<Limiter>,
    wish: Wish<'a>,
    id: u64,
    woken: Arc<Notify>,
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    pub(super) fn enter(limiter: &'a Arc<Limiter>, wish: Wish<'a>) -> Result<Self, Error> {
        let entered = limiter.change(|state, now| {
            state.enter(&wish, now).map_err(|block| limiter.error(block, now))
        });
        entered.map(|(id, woken)| Self { limiter, wish, id, woken })
    }

    /// Waits until it may go, or until its deadline.
    pub(super) async fn granted(self) -> Result<Permit, Error> {
        loop {
            // Whoever is woken looks, and whoever looks lets go all whose time has come.
            let place = self.limiter.change(|state, now| state.place(self.id, now));
            let now = Instant::now();
            let (moment, in_vain) = match place {
                Place::Granted(grant) => return Ok(Permit::new(Arc::clone(self.limiter), grant)),
                Place::Next(at) => (at, at > self.wish.deadline),
                Place::Behind => (self.wish.deadline, false),
            };
            if in_vain || now >= self.wish.deadline {
                let block = self.limiter.state().block(self.wish.model, self.wish.tokens, now);
                return Err(self.limiter.error(block, now));
            }
            tokio::select! {
                () = self.woken.notified() => {}
                () = sleep_until(moment) => {}
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.limiter.change(|state, _| state.leave(self.id));
    }
}
