//! Budgets that were found used up, so that what cannot be answered is refused instead of being taken in and
//! parked. Pure: time is handed in.
//!
//! Only remembers for a while what the store said. Whether there is something left is decided there.

use std::collections::HashMap;
use std::time::Duration;

use domain::budget::{BudgetExceeded, Subject};
use domain::{PersonKey, SessionKey, TenantSlug};
use tokio::time::Instant;

/// Budgets that were found used up.
#[derive(Debug, Default)]
pub(super) struct Spent {
    /// By tenant: the tenant's own, then those of its persons.
    found: HashMap<TenantSlug, HashMap<Subject, Found>>,
}

#[derive(Debug)]
struct Found {
    exceeded: BudgetExceeded,
    at: Instant,
}

/// After this time the store is asked again: somebody may have changed what this process does not hear of.
const MEMORY: Duration = Duration::from_secs(60);
/// Persons of one tenant that are remembered at most; others are found out again.
const MOST_PERSONS: usize = 1_000;

// === impl Spent ===

impl Spent {
    pub(super) fn note(&mut self, exceeded: BudgetExceeded, now: Instant) {
        let found = self.found.entry(exceeded.tenant.clone()).or_default();
        if found.len() < MOST_PERSONS || found.contains_key(&exceeded.subject) {
            found.insert(exceeded.subject.clone(), Found { exceeded, at: now });
        }
    }

    /// Why nothing of this person would be answered in this session.
    pub(super) fn by(
        &self,
        session: &SessionKey,
        peer: &str,
        now: Instant,
    ) -> Option<BudgetExceeded> {
        let found = self.found.get(&session.tenant)?;
        let person = PersonKey { account: session.account.clone(), peer: peer.to_owned() };
        let found = [Subject::Tenant, Subject::Person(person)]
            .iter()
            .filter_map(|subject| found.get(subject))
            .find(|found| found.holds(now))?;
        let retry_after = found.exceeded.retry_after.saturating_sub(now.duration_since(found.at));
        Some(BudgetExceeded { retry_after, ..found.exceeded.clone() })
    }

    /// Something about a tenant's budgets was changed.
    pub(super) fn forget(&mut self, tenant: &TenantSlug) {
        self.found.remove(tenant);
    }

    pub(super) fn tidy(&mut self, now: Instant) {
        self.found.retain(|_, found| {
            found.retain(|_, found| found.holds(now));
            !found.is_empty()
        });
    }
}

// === impl Found ===

impl Found {
    fn holds(&self, now: Instant) -> bool {
        now.duration_since(self.at) < MEMORY.min(self.exceeded.retry_after)
    }
}
