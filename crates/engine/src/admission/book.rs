//! What waits, by tenant. Pure: time is handed in.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use domain::concurrency::TenantQueue;
use domain::tenant::Tier;
use domain::{Refusal, SessionKey, TenantSlug};
use tokio::time::Instant;

use super::spent::Spent;
use super::{Outlook, whole_seconds};

/// What waits, by tenant.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Sessions that wait, each with when it began to.
    waiting: HashMap<SessionKey, Instant>,
    tenants: HashMap<TenantSlug, Account>,
    /// When a message was last refused because the pool is full.
    refused: Option<Instant>,
    /// Messages that were refused since the start.
    pub(super) refusals: u64,
    pub(super) spent: Spent,
}

/// One tenant's page.
#[derive(Debug, Default)]
struct Account {
    tier: Tier,
    /// Its sessions that wait.
    waiting: usize,
    /// When its latest messages came in, at most as many as it may send in a minute.
    lately: VecDeque<Instant>,
}

/// The window that messages are counted in.
const WINDOW: Duration = Duration::from_secs(60);
/// Without a refusal for so long, the next one is news.
const CALM: Duration = Duration::from_secs(10);
/// Moments that are remembered for one tenant at most; a higher limit counts as none.
const MOST_REMEMBERED: usize = 10_000;
/// Tenants that are listed at most.
const MOST_SHOWN: usize = 50;

// === impl Book ===

impl Book {
    /// Counts a message of this session in, or says why not. Whether the session did not wait before.
    pub(super) fn decide(
        &mut self,
        session: &SessionKey,
        peer: &str,
        outlook: Outlook,
        now: Instant,
    ) -> Result<bool, Refusal> {
        let (settings, tenant) = (outlook.settings, &session.tenant);
        if let Some(exceeded) = self.spent.by(session, peer, now) {
            return Err(Refusal::Budget(Box::new(exceeded)));
        }
        let share = settings.share.of(self.tier(tenant));
        if let Err(retry_after) = self.rate(tenant, share.per_minute, now) {
            return Err(Refusal::TenantRate {
                tenant: tenant.to_string(),
                cap: share.per_minute,
                retry_after: whole_seconds(retry_after),
            });
        }
        // When it waits already its message is answered by the same turn, so nothing is added.
        let fresh = !self.waiting.contains_key(session);
        let pressure = outlook.pressure(self.depth());
        if fresh && pressure.refuses(settings.backpressure_threshold) {
            return Err(outlook.refusal(pressure));
        }
        let waiting = self.waiting(tenant);
        if fresh && waiting >= share.waiting {
            return Err(Refusal::TenantQueue {
                tenant: tenant.to_string(),
                waiting,
                cap: share.waiting,
                retry_after: outlook.wait(waiting.min(settings.max_workers)),
            });
        }
        self.count(tenant, now);
        self.add(session.clone(), now);
        Ok(fresh)
    }

    pub(super) fn knows(&self, tenant: &TenantSlug) -> bool {
        self.tenants.contains_key(tenant)
    }

    /// Of a tenant that nobody has told of, the smallest.
    pub(super) fn tier(&self, tenant: &TenantSlug) -> Tier {
        self.tenants.get(tenant).map_or(Tier::Free, |account| account.tier)
    }

    pub(super) fn learn(&mut self, tenant: &TenantSlug, tier: Tier) {
        match self.tenants.get_mut(tenant) {
            Some(account) => account.tier = tier,
            None => {
                self.tenants.insert(tenant.clone(), Account { tier, ..Account::default() });
            }
        }
    }

    /// How many sessions wait.
    pub(super) fn depth(&self) -> usize {
        self.waiting.len()
    }

    /// How many of this tenant do.
    pub(super) fn waiting(&self, tenant: &TenantSlug) -> usize {
        self.tenants.get(tenant).map_or(0, |account| account.waiting)
    }

    /// Whether one more message fits into the last minute; else when it will.
    fn rate(&mut self, tenant: &TenantSlug, cap: usize, now: Instant) -> Result<(), Duration> {
        let Some(account) = self.tenants.get_mut(tenant) else { return Ok(()) };
        account.forget(now);
        // With a cap of n, the nth message before this one must be older than the window.
        let Some(nth) = account.lately.len().checked_sub(cap) else { return Ok(()) };
        match account.lately.get(nth) {
            Some(&at) => Err((at + WINDOW).duration_since(now)),
            None => Ok(()),
        }
    }

    /// A message came in.
    fn count(&mut self, tenant: &TenantSlug, now: Instant) {
        let account = self.account(tenant);
        account.forget(now);
        if account.tier != Tier::Admin && account.lately.len() < MOST_REMEMBERED {
            account.lately.push_back(now);
        }
    }

    /// A session waits. It may have waited before.
    pub(super) fn add(&mut self, session: SessionKey, now: Instant) {
        if !self.waiting.contains_key(&session) {
            self.account(&session.tenant).waiting += 1;
            self.waiting.insert(session, now);
        }
    }

    /// How long the session that waits longest has waited.
    pub(super) fn oldest(&self, now: Instant) -> Duration {
        let since = self.waiting.values().min();
        since.map_or(Duration::ZERO, |&since| now.duration_since(since))
    }

    /// What waits of each tenant, the longest wait first.
    pub(super) fn queues(&self, now: Instant) -> Vec<TenantQueue> {
        let mut first: HashMap<&TenantSlug, Instant> = HashMap::new();
        for (session, &since) in &self.waiting {
            let earliest = first.entry(&session.tenant).or_insert(since);
            *earliest = since.min(*earliest);
        }
        let mut queues: Vec<(Instant, &TenantSlug)> =
            first.into_iter().map(|(tenant, since)| (since, tenant)).collect();
        queues.sort_unstable();
        queues.truncate(MOST_SHOWN);
        let queue = |(since, tenant): (Instant, &TenantSlug)| TenantQueue {
            tenant: tenant.clone(),
            tier: self.tier(tenant),
            waiting: self.waiting(tenant),
            oldest_ms: u64::try_from(now.duration_since(since).as_millis()).unwrap_or(u64::MAX),
        };
        queues.into_iter().map(queue).collect()
    }

    /// A session does not wait any more.
    pub(super) fn remove(&mut self, session: &SessionKey) {
        if self.waiting.remove(session).is_some()
            && let Some(account) = self.tenants.get_mut(&session.tenant)
        {
            account.waiting = account.waiting.saturating_sub(1);
        }
    }

    /// Notes a refusal. Whether there was none for a while.
    pub(super) fn begins_refusing(&mut self, now: Instant) -> bool {
        let before = self.refused.replace(now);
        before.is_none_or(|before| now.duration_since(before) >= CALM)
    }

    /// Forgets tenants of whom nothing waits and nothing was heard for a minute; their tier is read again.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.spent.tidy(now);
        self.tenants.retain(|_, account| {
            account.forget(now);
            account.waiting > 0 || !account.lately.is_empty() || account.tier == Tier::Admin
        });
    }

    fn account(&mut self, tenant: &TenantSlug) -> &mut Account {
        self.tenants.entry(tenant.clone()).or_default()
    }
}

// === impl Account ===

impl Account {
    fn forget(&mut self, now: Instant) {
        while self.lately.front().is_some_and(|&at| now.duration_since(at) >= WINDOW) {
            self.lately.pop_front();
        }
    }
}
