//! Whether a message may come in now.
//!
//! Owns what waits, and refuses before anything is stored: what is refused here was never acknowledged, so
//! the platform that brought it keeps it. Decides from memory alone, because every message asks.

mod book;
mod spent;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::backpressure::Pressure;
use domain::budget::BudgetExceeded;
use domain::concurrency::{Concurrency, TenantQueue};
use domain::tenant::Tier;
use domain::{Refusal, SessionKey, TenantSlug};
use tokio::time::Instant;

use book::Book;

/// What waits, and who may add to it. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Admission {
    book: Arc<Mutex<Book>>,
}

/// A place in the queue for a message that is about to be stored; given back when it is dropped before
/// [`Self::keep`].
pub(crate) struct Ticket {
    admission: Admission,
    /// The session that did not wait before.
    fresh: Option<SessionKey>,
}

/// The pool as the door sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// Its settings.
    pub(crate) settings: Concurrency,
    /// Workers that run a turn.
    pub(crate) busy: usize,
    /// How long a turn takes on average; zero while nobody knows.
    pub(crate) turn: Duration,
}

/// The soonest and the latest that a refused caller is told to come back.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(60);

// === impl Admission ===

impl Admission {
    /// Lets a message of this session in, or says why not.
    pub(crate) fn decide(
        &self,
        session: &SessionKey,
        peer: &str,
        outlook: Outlook,
        now: Instant,
    ) -> Result<Ticket, Refusal> {
        let mut book = self.lock();
        let fresh = book.decide(session, peer, outlook, now).inspect_err(|_| book.refusals += 1)?;
        let fresh = fresh.then(|| session.clone());
        Ok(Ticket { admission: self.clone(), fresh })
    }

    /// A budget was found used up: until something changes, what it should pay for is refused.
    pub(crate) fn spent(&self, exceeded: BudgetExceeded, now: Instant) {
        self.lock().spent.note(exceeded, now);
    }

    /// Something about a tenant's budgets was changed.
    pub(crate) fn budgets_changed(&self, tenant: &TenantSlug) {
        self.lock().spent.forget(tenant);
    }

    /// Messages that were refused here since the start.
    pub(crate) fn refusals(&self) -> u64 {
        self.lock().refusals
    }

    /// Whether the tier of a tenant is known.
    pub(crate) fn knows(&self, tenant: &TenantSlug) -> bool {
        self.lock().knows(tenant)
    }

    /// The tier of a tenant, as the store just told it.
    pub(crate) fn learn(&self, tenant: &TenantSlug, tier: Tier) {
        self.lock().learn(tenant, tier);
    }

    /// A session waits that did not come through the door now: it was found in the store.
    pub(crate) fn found(&self, session: SessionKey, now: Instant) {
        self.lock().add(session, now);
    }

    /// A session has its turn, or nothing waits in it any more.
    pub(crate) fn served(&self, session: &SessionKey) {
        self.lock().remove(session);
    }

    /// Sessions that wait.
    pub(crate) fn depth(&self) -> usize {
        self.lock().depth()
    }

    /// How long the session that waits longest has waited.
    pub(crate) fn oldest(&self, now: Instant) -> Duration {
        self.lock().oldest(now)
    }

    /// What waits, by tenant, the longest wait first.
    pub(crate) fn queues(&self, now: Instant) -> Vec<TenantQueue> {
        self.lock().queues(now)
    }

    /// Whether this refusal is the first for a while: then somebody should hear of it.
    pub(crate) fn begins_refusing(&self, now: Instant) -> bool {
        self.lock().begins_refusing(now)
    }

    /// Forgets tenants of whom nothing needs to be known.
    pub(crate) fn tidy(&self, now: Instant) {
        self.lock().tidy(now);
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Ticket ===

impl Ticket {
    /// The message is stored: its session waits from now on.
    pub(crate) fn keep(mut self) {
        self.fresh = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(session) = self.fresh.take() {
            self.admission.served(&session);
        }
    }
}

// === impl Outlook ===

impl Outlook {
    /// The pressure when so many wait.
    pub(crate) fn pressure(&self, depth: usize) -> Pressure {
        Pressure {
            depth,
            most_waiting: self.settings.max_queue_size,
            busy: self.busy,
            most_workers: self.settings.max_workers,
        }
    }

    fn refusal(&self, pressure: Pressure) -> Refusal {
        let threshold = self.settings.backpressure_threshold;
        let over = pressure.depth.saturating_sub(pressure.refusing_depth(threshold)) + 1;
        Refusal::Backpressure {
            pressure,
            threshold: percent(threshold),
            level: percent(pressure.level()),
            retry_after: self.wait(over),
        }
    }

    /// How long until so many turns have ended, if they take what they took lately.
    fn wait(&self, turns: usize) -> Duration {
        let workers = u32::try_from(self.settings.max_workers).unwrap_or(u32::MAX).max(1);
        let rounds = u32::try_from(turns).unwrap_or(u32::MAX).div_ceil(workers);
        whole_seconds(self.turn.saturating_mul(rounds))
    }
}

/// A share of one as a whole number of percent. A refusal is compared and hashed, a float cannot be.
fn percent(share: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 100"
    )]
    let percent = (share.clamp(0.0, 1.0) * 100.0).round() as u8;
    percent
}

/// Rounded up: who comes back a moment too early is refused again.
fn whole_seconds(span: Duration) -> Duration {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    Duration::from_secs(seconds).clamp(SOONEST, LATEST)
}

#[cfg(test)]
mod tests;
