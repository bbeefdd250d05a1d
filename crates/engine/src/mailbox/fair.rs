//! Whose turn is next among tenants: deficit round robin (Shreedhar and Varghese, SIGCOMM 1995), weighted by
//! tier, with tokens as cost. Pure.
//!
//! A request costs what is estimated for it, and at its end the difference to what it really cost is settled
//! with its tenant, so whoever asks for much waits for it and whoever lies about it gains nothing. Priorities
//! are strict: deficits are compared only among requests of the same priority.
//!
//! Unlike in the paper a tenant that wants nothing keeps what it is given, up to a bound, and each request sends
//! its tenant to the end of the round. So whoever stays below its share goes before whoever does not, and a
//! flood takes what the others leave.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use domain::concurrency::Priority;
use domain::{SessionId, TenantSlug};
use tokio::time::Instant;

/// Requests that could run now, by tenant.
#[derive(Debug, Default)]
pub(super) struct Fair {
    lanes: HashMap<TenantSlug, Lane>,
    /// Tenants with something of this priority, in the order they are visited.
    rings: [VecDeque<TenantSlug>; 4],
    ready: usize,
    /// Quanta that each tenant of weight 1 was given since the start.
    given: i64,
    /// Tenants that were known after the last look for those who can be forgotten.
    known: usize,
}

/// What a tenant may have, and counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Against a tenant of the smallest tier.
    pub(super) weight: u32,
    /// Its turns that may run at once.
    pub(super) running: usize,
}

/// A request in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) session: SessionId,
    /// Its place among its tenant's.
    pub(super) number: u64,
    /// Estimated tokens of its own words.
    pub(super) tokens: u64,
    pub(super) priority: Priority,
}

#[derive(Debug)]
struct Lane {
    standing: Standing,
    /// Tokens that it might still use before others have their turn; below zero when it used more.
    deficit: i64,
    /// What everybody had been given when the deficit was reckoned.
    given: i64,
    running: usize,
    /// By priority; in order of arrival.
    ready: [BTreeMap<u64, Request>; 4],
    /// What its requests cost lately.
    mean: u64,
    idle_since: Instant,
}

/// What a request is thought to cost while nothing is known, and what each visit gives to a tenant of weight 1.
const QUANTUM: u64 = 1_000;
/// Quanta that a tenant keeps at most: so many requests in a row are answered as if nobody else asked.
const KEPT: i64 = 8;
/// How long the debt of a tenant that wants nothing is remembered.
const MEMORY: Duration = Duration::from_secs(60);
/// Tenants that are remembered without asking whether they need to be.
const FEW: usize = 64;
/// A newer cost counts for one part in so many of the mean.
const SMOOTHING: u64 = 8;

// === impl Fair ===

impl Fair {
    /// Requests in line.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn push(
        &mut self,
        tenant: &TenantSlug,
        standing: Standing,
        request: Request,
        now: Instant,
    ) {
        let given = self.given;
        let lane =
            self.lanes.entry(tenant.clone()).or_insert_with(|| Lane::new(standing, given, now));
        lane.reckon(given);
        lane.standing = standing;
        let ready = &mut lane.ready[level(request.priority)];
        if ready.is_empty() {
            self.rings[level(request.priority)].push_back(tenant.clone());
        }
        if ready.insert(request.number, request).is_none() {
            self.ready += 1;
        }
    }

    pub(super) fn remove(&mut self, tenant: &TenantSlug, priority: Priority, number: u64) {
        let Some(lane) = self.lanes.get_mut(tenant) else { return };
        let ready = &mut lane.ready[level(priority)];
        if ready.remove(&number).is_some() {
            self.ready -= 1;
            if ready.is_empty() {
                self.rings[level(priority)].retain(|other| other != tenant);
            }
        }
    }

    /// The next request that may run, with what it is thought to cost; it runs from now on.
    pub(super) fn take(&mut self) -> Option<(Request, u64)> {
        Priority::DESCENDING.into_iter().find_map(|priority| self.take_of(level(priority)))
    }

    /// A request of this tenant ended: it cost so much, and was thought to cost so much.
    pub(super) fn ended(&mut self, tenant: &TenantSlug, thought: u64, cost: u64, now: Instant) {
        let given = self.given;
        let Some(lane) = self.lanes.get_mut(tenant) else { return };
        lane.reckon(given);
        lane.running = lane.running.saturating_sub(1);
        lane.idle_since = now;
        // A turn that ended without asking anybody says nothing about what the next one costs.
        if cost > 0 {
            lane.mean = (lane.mean * (SMOOTHING - 1) + cost) / SMOOTHING;
        }
        lane.deficit = lane.deficit.saturating_add(signed(thought)).saturating_sub(signed(cost));
        // Not each time: looking at a thousand tenants costs more than choosing one of them.
        if self.lanes.len() > FEW.max(2 * self.known) {
            self.forget(now);
        }
    }

    /// Forgets tenants that want nothing, and whose debt is old or none.
    fn forget(&mut self, now: Instant) {
        let given = self.given;
        self.lanes.retain(|_, lane| {
            let idle = lane.running == 0 && lane.ready.iter().all(BTreeMap::is_empty);
            !idle || (lane.deficit(given) < 0 && now.duration_since(lane.idle_since) < MEMORY)
        });
        self.known = self.lanes.len();
    }

    fn take_of(&mut self, level: usize) -> Option<(Request, u64)> {
        let place = self.first(level).or_else(|| {
            // Nobody can pay: as many rounds as the first of them needs, all at once.
            let needed = |tenant| self.lanes.get(tenant)?.rounds(level, self.given);
            self.given =
                self.given.saturating_add(self.rings[level].iter().filter_map(needed).min()?);
            self.first(level)
        })?;
        let ring = &mut self.rings[level];
        let tenant = ring.remove(place)?;
        let lane = self.lanes.get_mut(&tenant)?;
        lane.reckon(self.given);
        let cost = lane.cost(level)?;
        let (_, request) = lane.ready[level].pop_first()?;
        self.ready -= 1;
        lane.deficit = lane.deficit.saturating_sub(signed(cost));
        lane.running += 1;
        if !lane.ready[level].is_empty() {
            ring.push_back(tenant);
        }
        if self.ready == 0 {
            // Nobody waits for anybody: what is given now takes nothing from others.
            self.given = self.given.saturating_add(KEPT);
        }
        Some((request, cost))
    }

    /// The place in the ring of the first tenant that may run something and can pay for it.
    fn first(&self, level: usize) -> Option<usize> {
        self.rings[level].iter().position(|tenant| {
            self.lanes.get(tenant).is_some_and(|lane| lane.rounds(level, self.given) == Some(0))
        })
    }
}

// === impl Lane ===

impl Lane {
    /// A tenant that was not there wanted nothing for long.
    fn new(standing: Standing, given: i64, now: Instant) -> Self {
        Self {
            standing,
            deficit: i64::MAX,
            given,
            running: 0,
            ready: Default::default(),
            mean: QUANTUM,
            idle_since: now,
        }
    }

    fn may_run(&self) -> bool {
        self.running < self.standing.running
    }

    fn quantum(&self) -> i64 {
        signed(QUANTUM * u64::from(self.standing.weight.max(1)))
    }

    /// What its first request of this level is thought to cost.
    fn cost(&self, level: usize) -> Option<u64> {
        let (_, request) = self.ready[level].first_key_value()?;
        Some(request.tokens.max(self.mean))
    }

    /// What it may keep at most.
    fn most(&self) -> i64 {
        self.quantum().saturating_mul(KEPT)
    }

    /// Its deficit when everybody has been given so much.
    fn deficit(&self, given: i64) -> i64 {
        let since = given.saturating_sub(self.given).saturating_mul(self.quantum());
        self.deficit.saturating_add(since).min(self.most())
    }

    fn reckon(&mut self, given: i64) {
        self.deficit = self.deficit(given);
        self.given = given;
    }

    /// How many more rounds it needs to pay for its first request of this level; `None` when it may not run.
    /// Nobody can keep enough for a very dear one, so that is paid for afterwards.
    fn rounds(&self, level: usize, given: i64) -> Option<i64> {
        let price = signed(self.cost(level)?).min(self.most());
        let missing = price.saturating_sub(self.deficit(given)).max(0);
        let quantum = self.quantum();
        self.may_run().then(|| missing / quantum + i64::from(missing % quantum != 0))
    }
}

fn level(priority: Priority) -> usize {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
        Priority::Critical => 3,
    }
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
