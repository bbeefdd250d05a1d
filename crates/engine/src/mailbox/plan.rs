//! Which sessions wait until when, and which have a turn. Pure: time is handed in.
//!
//! Owns one turn at a time in a session and the pause for people who are still writing. Whose turn is next
//! among those that could run now is decided in [`fair`](super::fair).

use std::collections::{BTreeSet, HashMap};

use domain::concurrency::Priority;
use domain::queue::QueuePolicy;
use domain::{SessionId, SessionKey, TenantSlug};
use tokio::time::Instant;

use super::fair::{Fair, Request, Standing};

/// The plan.
#[derive(Default)]
pub(super) struct Plan {
    sessions: HashMap<SessionId, Place>,
    /// Sessions that are not due yet, by when they are, then by arrival.
    later: BTreeSet<(Instant, u64, SessionId)>,
    /// Sessions that are due.
    due: Fair,
    arrivals: u64,
    running: usize,
    /// Sessions whose last turn is over, and since when: what was read before that says nothing about them.
    over: HashMap<SessionId, Instant>,
}

/// What is known of a session's wish for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) session: SessionId,
    pub(super) key: SessionKey,
    /// Estimated tokens of its words.
    pub(super) tokens: u64,
    pub(super) priority: Priority,
    /// What its tenant may have.
    pub(super) standing: Standing,
}

/// A turn that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) wish: Wish,
    /// Tokens that it is thought to cost.
    pub(super) cost: u64,
}

enum Place {
    Waiting(Waiting),
    Running {
        tenant: TenantSlug,
        cost: u64,
        /// What arrived since the turn began.
        arrived: Option<Waiting>,
    },
}

#[derive(Clone)]
struct Waiting {
    wish: Wish,
    due: Instant,
    /// Its number in the line.
    number: u64,
    oldest: Instant,
    messages: usize,
}

// === impl Plan ===

impl Plan {
    pub(super) fn running(&self) -> usize {
        self.running
    }

    pub(super) fn waiting(&self) -> usize {
        self.later.len() + self.due.ready()
    }

    /// When there is something to do next, as far as time decides it. Work that is due already waits for the
    /// end of a turn instead.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(due, ..)| *due)
    }

    /// A message arrived: its session waits until the person seems to have finished writing.
    pub(super) fn arrived(&mut self, wish: Wish, policy: QueuePolicy, now: Instant) {
        let before = match self.sessions.get(&wish.session) {
            Some(Place::Waiting(waiting)) => Some(waiting.clone()),
            Some(Place::Running { arrived, .. }) => arrived.clone(),
            None => None,
        };
        let (oldest, messages, tokens) = before.map_or((now, 1, wish.tokens), |before| {
            (before.oldest, before.messages + 1, before.wish.tokens.saturating_add(wish.tokens))
        });
        let wait = policy.wait(now.duration_since(oldest), std::time::Duration::ZERO, messages);
        self.put(Wish { tokens, ..wish }, now + wait, oldest, messages);
    }

    /// A message that nobody answers was found in the store, which was asked at that moment. Whether that was
    /// news.
    pub(super) fn found(&mut self, wish: Wish, due: Instant, asked: Instant) -> bool {
        let answered = self.over.get(&wish.session).is_some_and(|over| *over >= asked);
        let news = !answered && !self.sessions.contains_key(&wish.session);
        if news {
            self.put(wish, due, due, 1);
        }
        news
    }

    /// Everything that the store was asked for at that moment has been told.
    pub(super) fn searched(&mut self, asked: Instant) {
        self.over.retain(|_, over| *over > asked);
    }

    /// A session's turn is over and cost so many tokens; `next` is when the store says that its next message
    /// is due. Whether the session waits again.
    pub(super) fn ended(
        &mut self,
        session: SessionId,
        cost: u64,
        next: Option<(Instant, Wish)>,
        now: Instant,
    ) -> bool {
        let Some(Place::Running { tenant, cost: thought, arrived }) =
            self.sessions.remove(&session)
        else {
            return false;
        };
        self.running -= 1;
        self.due.ended(&tenant, thought, cost, now);
        match (arrived, next) {
            // Both say when: the store knows of retries, the arrival of the pause to wait for. A message
            // that was stored after the turn's last look is known to its arrival alone.
            (Some(waiting), next) => {
                let due = next.map_or(waiting.due, |(next, _)| next.max(waiting.due));
                self.put(waiting.wish, due, waiting.oldest, waiting.messages);
            }
            (None, Some((due, wish))) => self.put(wish, due, due, 1),
            (None, None) => {
                self.over.insert(session, now);
                return false;
            }
        }
        true
    }

    /// The next session that is to have its turn; it counts as running from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Start> {
        while let Some(&(due, number, session)) = self.later.first()
            && due <= now
        {
            self.later.pop_first();
            if let Some(Place::Waiting(waiting)) = self.sessions.get(&session) {
                let Wish { tokens, priority, standing, ref key, .. } = waiting.wish;
                let request = Request { session, number, tokens, priority };
                self.due.push(&key.tenant, standing, request, now);
            }
        }
        let (Request { session, .. }, cost) = self.due.take()?;
        let Some(Place::Waiting(waiting)) = self.sessions.remove(&session) else { return None };
        let wish = waiting.wish;
        let tenant = wish.key.tenant.clone();
        self.sessions.insert(session, Place::Running { tenant, cost, arrived: None });
        self.running += 1;
        Some(Start { wish, cost })
    }

    fn put(&mut self, wish: Wish, due: Instant, oldest: Instant, messages: usize) {
        let session = wish.session;
        let mut waiting = Waiting { wish, due, number: self.arrivals, oldest, messages };
        self.arrivals += 1;
        match self.sessions.get_mut(&session) {
            Some(Place::Running { arrived, .. }) => *arrived = Some(waiting),
            Some(Place::Waiting(before)) => {
                // It keeps its place: writing more does not send anybody to the end of the line.
                waiting.number = before.number;
                self.later.remove(&(before.due, before.number, session));
                self.due.remove(&before.wish.key.tenant, before.wish.priority, before.number);
                self.later.insert((due, waiting.number, session));
                *before = waiting;
            }
            None => {
                self.later.insert((due, waiting.number, session));
                self.sessions.insert(session, Place::Waiting(waiting));
            }
        }
    }
}

#[cfg(test)]
mod tests;
