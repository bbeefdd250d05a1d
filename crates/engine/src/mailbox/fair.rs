//! Whose turn is next among tenants: deficit round robin (Shreedhar and Varghese, SIGCOMM 1995), weighted by
//! tier, with tokens as cost. Pure.
//!
//! A request costs what is estimated for it, and at its end the difference to what it really cost is settled
//! with its tenant, so whoever asks for much waits for it and whoever lies about it gains nothing. Priorities
//! are strict: deficits are compared only among requests of the same priority.

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
    /// Tokens that it may still use before others have their turn; below zero when it used more.
    deficit: i64,
    running: usize,
    /// By priority; in order of arrival.
    ready: [BTreeMap<u64, Request>; 4],
    /// What its requests cost lately.
    mean: u64,
    idle_since: Instant,
}

/// What a request is thought to cost while nothing is known, and what each visit gives to a tenant of weight 1.
const QUANTUM: u64 = 1_000;
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
        let lane = self.lanes.entry(tenant.clone()).or_insert_with(|| Lane::new(standing, now));
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
        let Some(lane) = self.lanes.get_mut(tenant) else { return };
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
        self.lanes.retain(|_, lane| {
            let idle = lane.running == 0 && lane.ready.iter().all(BTreeMap::is_empty);
            !idle || (lane.deficit < 0 && now.duration_since(lane.idle_since) < MEMORY)
        });
        self.known = self.lanes.len();
    }

    fn take_of(&mut self, level: usize) -> Option<(Request, u64)> {
        let ring = &mut self.rings[level];
        let mut place = first(&self.lanes, ring, level);
        if place.is_none() {
            // Nobody can pay: as many rounds as the first of them needs, all at once.
            let rounds =
                ring.iter().filter_map(|tenant| self.lanes.get(tenant)?.rounds(level)).min()?;
            for tenant in ring.iter() {
                if let Some(lane) = self.lanes.get_mut(tenant)
                    && lane.may_run()
                {
                    lane.deficit =
                        lane.deficit.saturating_add(rounds.saturating_mul(lane.quantum()));
                }
            }
            place = first(&self.lanes, ring, level);
        }
        let place = place?;
        let tenant = ring.get(place)?.clone();
        let lane = self.lanes.get_mut(&tenant)?;
        let cost = lane.cost(level)?;
        let (_, request) = lane.ready[level].pop_first()?;
        self.ready -= 1;
        lane.deficit = lane.deficit.saturating_sub(signed(cost));
        lane.running += 1;
        if lane.ready[level].is_empty() {
            ring.remove(place);
            // Nobody saves up for later while wanting nothing; debts stay.
            if lane.ready.iter().all(BTreeMap::is_empty) {
                lane.deficit = lane.deficit.min(0);
            }
        } else if lane.cost(level).is_some_and(|next| lane.deficit < signed(next)) {
            ring.remove(place);
            ring.push_back(tenant);
        }
        Some((request, cost))
    }
}

/// The place in the ring of the first tenant that may run something and can pay for it.
fn first(
    lanes: &HashMap<TenantSlug, Lane>,
    ring: &VecDeque<TenantSlug>,
    level: usize,
) -> Option<usize> {
    ring.iter().position(|tenant| {
        lanes.get(tenant).is_some_and(|lane| {
            lane.may_run() && lane.cost(level).is_some_and(|cost| lane.deficit >= signed(cost))
        })
    })
}

// === impl Lane ===

impl Lane {
    fn new(standing: Standing, now: Instant) -> Self {
        Self {
            standing,
            deficit: 0,
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

    /// How many more visits it needs to pay for that request; `None` when it may not run.
    fn rounds(&self, level: usize) -> Option<i64> {
        let missing = signed(self.cost(level)?).saturating_sub(self.deficit).max(1);
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
