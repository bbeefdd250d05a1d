//! What a limiter knows, and its one rule: who goes next, and when.
//!
//! Pure: the time is handed in, and whoever is let go is only told so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::adaptive::Adaptive;
use super::queue::{self, FairQueue};
use super::quota::{self, Quota, Room};
use super::window::Window;
use super::{LimitKind, Limits, Wish};

/// How far an adaptive limit may grow where nothing is configured.
const MOST_AT_ONCE: u64 = 1_000;
/// Models that are told apart; all others share one adaptive limit.
const MODELS: usize = 256;
/// The name they share.
const OTHERS: &str = "other";
/// How long a minute is.
const MINUTE: Duration = Duration::from_secs(60);
/// How long a second is taken to be: two requests that leave a second apart arrive closer together when the
/// first one had to open a connection.
const SECOND: Duration = Duration::from_millis(1_050);
/// When asking again makes sense where only the end of another request can tell.
const SOON: Duration = Duration::from_secs(1);

/// What a limiter knows.
#[derive(Debug)]
pub(super) struct State {
    limits: Limits,
    requests: Window,
    tokens: Window,
    second: Window,
    in_flight: u64,
    models: BTreeMap<Arc<str>, Model>,
    queue: FairQueue<Seat>,
    granted: BTreeMap<u64, Grant>,
    paused_until: Option<Instant>,
    /// Who is next, and when.
    next: Option<(u64, Instant)>,
    numbers: u64,
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Seat {
    model: Arc<str>,
    woken: Arc<Notify>,
}

/// What one that may go has used up.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) model: Arc<str>,
    pub(super) tokens: u64,
    pub(super) slot: u64,
}

/// Where one that waits stands.
#[derive(Debug)]
pub(super) enum Place {
    /// It may go.
    Granted(Grant),
    /// It is next, at this time.
    Next(Instant),
    /// Others are before it, or something must end first.
    Behind,
}

/// What is in the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) limit: LimitKind,
    pub(super) used: u64,
    pub(super) allowed: u64,
    /// When it is out of the way; `None`: it stays.
    pub(super) until: Option<Instant>,
    /// Only the end of another request moves it.
    pub(super) on_release: bool,
}

#[derive(Debug)]
struct Model {
    adaptive: Adaptive,
    in_flight: u64,
}

// === impl State ===

impl State {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            requests: Window::new(MINUTE, now),
            tokens: Window::new(MINUTE, now),
            second: Window::new(SECOND, now),
            in_flight: 0,
            models: BTreeMap::new(),
            queue: FairQueue::new(),
            granted: BTreeMap::new(),
            paused_until: None,
            next: None,
            numbers: 0,
        }
    }

    /// Requests on the way, and those that wait.
    pub(super) fn load(&self) -> (u64, u64) {
        (self.in_flight, u64::try_from(self.queue.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        for model in self.models.values_mut() {
            model.adaptive.set_most(most_at_once(limits));
        }
    }

    pub(super) fn pause(&mut self, now: Instant, span: Duration) {
        let until = now + span;
        self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
    }

    /// Puts a wish into the queue, unless waiting would be in vain.
    pub(super) fn enter(
        &mut self,
        wish: &Wish<'_>,
        now: Instant,
    ) -> Result<(u64, Arc<Notify>), Block> {
        let waiting = u64::try_from(self.queue.len()).unwrap_or(u64::MAX);
        let allowed = self.limits.queue.unwrap_or(Limits::QUEUE);
        let block = self.key_block(now, wish.tokens);
        if let Some(block) = block
            && block.until.is_none_or(|until| until > wish.deadline)
        {
            return Err(block);
        }
        if waiting >= allowed {
            let until = block.and_then(|block| block.until).unwrap_or(now + SOON);
            let (limit, until, on_release) = (LimitKind::Queue, Some(until), false);
            return Err(Block { limit, used: waiting, allowed, until, on_release });
        }
        let id = self.numbers;
        self.numbers += 1;
        let woken = Arc::new(Notify::new());
        let model = self.model_name(wish.model);
        let what = Seat { model, woken: Arc::clone(&woken) };
        let waiting = queue::Waiting { id, cost: wish.tokens.max(1), what };
        self.queue.push(wish.tenant, wish.weight, waiting);
        Ok((id, woken))
    }

    /// Where one that waits stands now. A grant is handed out once.
    pub(super) fn place(&mut self, id: u64, now: Instant) -> Place {
        self.pump(now);
        match (self.granted.remove(&id), self.next) {
            (Some(grant), _) => Place::Granted(grant),
            (None, Some((next, at))) if next == id => Place::Next(at),
            (None, _) => Place::Behind,
        }
    }

    /// One that waited leaves, also when it may go already.
    pub(super) fn leave(&mut self, id: u64) {
        if self.queue.leave(id).is_none()
            && let Some(grant) = self.granted.remove(&id)
        {
            self.tokens.correct(grant.slot, grant.tokens, 0);
            self.release(&grant.model);
        }
    }

    /// A request has ended.
    pub(super) fn release(&mut self, model: &Arc<str>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(model) = self.models.get_mut(model) {
            model.in_flight = model.in_flight.saturating_sub(1);
        }
    }

    /// Replaces the estimate of a request by what it used.
    pub(super) fn correct(&mut self, grant: &Grant, used: u64) {
        self.tokens.correct(grant.slot, grant.tokens, used);
    }

    pub(super) fn began(&mut self, model: &Arc<str>, after: Duration) {
        if let Some(model) = self.models.get_mut(model) {
            model.adaptive.began(after, model.in_flight);
        }
    }

    pub(super) fn refused(&mut self, model: &Arc<str>) {
        if let Some(model) = self.models.get_mut(model) {
            model.adaptive.refused();
        }
    }

    /// Requests on the way to a model, and how many may be.
    pub(super) fn model(&self, name: &str) -> (u64, u64) {
        let fresh = || (0, Adaptive::new(most_at_once(self.limits)).limit());
        self.models.get(name).map_or_else(fresh, |model| (model.in_flight, model.adaptive.limit()))
    }

    /// Lets go everybody who can go now, and finds out who is next.
    pub(super) fn pump(&mut self, now: Instant) {
        let before = self.next.take();
        loop {
            let models = &self.models;
            let has_room = |seat: &Seat| {
                models.get(&seat.model).is_none_or(|model| model.in_flight < model.adaptive.limit())
            };
            let Some(next) = self.queue.next(has_room) else { return };
            let (id, cost, woken) = (next.id, next.cost, Arc::clone(&next.what.woken));
            match self.key_block(now, cost) {
                None => {
                    self.grant(id, now);
                    woken.notify_one();
                }
                Some(Block { on_release: true, .. }) => return,
                Some(Block { until, .. }) => {
                    // One that can never go any more, after a change of the limits, is told so at its deadline.
                    let at = until.unwrap_or(now + MINUTE);
                    self.next = Some((id, at));
                    // Who knows it already would only look again, and be told again.
                    if self.next != before {
                        woken.notify_one();
                    }
                    return;
                }
            }
        }
    }

    /// What keeps a wish from being sent now, whoever else waits; `None`: nothing.
    pub(super) fn block(&mut self, model: &str, tokens: u64, now: Instant) -> Block {
        let (used, allowed) = self.model(model);
        let adaptive = Block {
            limit: LimitKind::Adaptive,
            used,
            allowed,
            until: Some(now + SOON),
            on_release: true,
        };
        let (_, used) = self.load();
        let allowed = self.limits.queue.unwrap_or(Limits::QUEUE);
        let queue = Block { limit: LimitKind::Queue, used, allowed, ..adaptive };
        let own = (adaptive.used >= adaptive.allowed).then_some(adaptive);
        self.key_block(now, tokens).or(own).unwrap_or(queue)
    }

    pub(super) fn quota(&mut self, now: Instant) -> Quota {
        let room = |limit: Option<u64>, used: u64| limit.map(|limit| Room::new(limit, used));
        let resets = [self.requests.resets_at(now), self.tokens.resets_at(now)];
        Quota {
            requests: room(self.limits.requests_per_minute, self.requests.used(now)),
            tokens: room(self.limits.tokens_per_minute, self.tokens.used(now)),
            concurrent: room(self.limits.concurrent_requests, self.in_flight),
            per_second: room(self.limits.requests_per_second, self.second.used(now)),
            in_flight: self.in_flight,
            waiting: self.load().1,
            resets_ms: quota::until(resets.into_iter().flatten().min(), now),
            paused_ms: quota::until(self.paused_until, now),
        }
    }

    /// What of the key as a whole is in the way of a request of this size: the last to get out of it.
    fn key_block(&mut self, now: Instant, tokens: u64) -> Option<Block> {
        let block =
            |limit, used, allowed, until| Block { limit, used, allowed, until, on_release: false };
        let mut found: Option<Block> = None;
        let mut note = |other: Block| {
            let later = |known: &Block| match (known.until, other.until) {
                (Some(known), Some(other)) => other > known,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if found.as_ref().is_none_or(later) {
                found = Some(other);
            }
        };
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            note(block(LimitKind::Pause, 0, 0, Some(until)));
        }
        let windows = [
            (LimitKind::RequestsPerSecond, self.limits.requests_per_second, &mut self.second, 1),
            (LimitKind::RequestsPerMinute, self.limits.requests_per_minute, &mut self.requests, 1),
            (LimitKind::TokensPerMinute, self.limits.tokens_per_minute, &mut self.tokens, tokens),
        ];
        for (kind, limit, window, amount) in windows {
            if let Some(limit) = limit {
                let until = window.room_at(now, amount, limit);
                if until != Some(now) {
                    let used = if until.is_none() { amount } else { window.used(now) };
                    note(block(kind, used, limit, until));
                }
            }
        }
        if found.is_none()
            && let Some(allowed) = self.limits.concurrent_requests
            && self.in_flight >= allowed
        {
            let kind = LimitKind::ConcurrentRequests;
            let waits = block(kind, self.in_flight, allowed, Some(now + SOON));
            found = Some(Block { on_release: true, ..waits });
        }
        found
    }

    fn grant(&mut self, id: u64, now: Instant) {
        let Some(taken) = self.queue.take(id) else { return };
        self.requests.add(now, 1);
        self.second.add(now, 1);
        let slot = self.tokens.add(now, taken.cost);
        self.in_flight += 1;
        let most = most_at_once(self.limits);
        let new = || Model { adaptive: Adaptive::new(most), in_flight: 0 };
        self.models.entry(Arc::clone(&taken.what.model)).or_insert_with(new).in_flight += 1;
        self.granted.insert(id, Grant { model: taken.what.model, tokens: taken.cost, slot });
    }

    /// The name under which a model is counted.
    fn model_name(&mut self, model: &str) -> Arc<str> {
        if let Some((known, _)) = self.models.get_key_value(model) {
            return Arc::clone(known);
        }
        if self.models.len() >= MODELS {
            self.models.retain(|_, model| model.in_flight > 0);
        }
        if self.models.len() >= MODELS { Arc::from(OTHERS) } else { Arc::from(model) }
    }
}

fn most_at_once(limits: Limits) -> u64 {
    limits.concurrent_requests.unwrap_or(MOST_AT_ONCE)
}
