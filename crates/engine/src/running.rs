//! The turns that run now, so that one can be stopped from outside, and shown to whoever comes in the
//! middle of it. What is said here is only until the answer is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::{PartialAnswer, RunId, SessionKey};
use store::Claim;
use tokio_util::sync::CancellationToken;

/// Why a turn is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A person stopped it, or the caller of the API went away.
    Person,
    /// A new message interrupts it.
    Interrupted,
    /// The process is stopping.
    Stopping,
    /// Nothing was heard of it for this long.
    Stuck(Duration),
    /// Its process used so much memory, and might use so much; in bytes.
    Memory { bytes: u64, limit: u64 },
    /// Its tenant, its session or the one who is answered was suspended.
    Suspended,
}

/// The turns that run now; at most one in a session.
#[derive(Clone, Default)]
pub(crate) struct Running {
    turns: Arc<Mutex<HashMap<SessionKey, Turn>>>,
}

/// One running turn's place; it is given up when this is dropped.
pub(crate) struct Place {
    running: Running,
    claim: Claim,
    session: SessionKey,
    stop: Stop,
    answer: Arc<Mutex<PartialAnswer>>,
}

/// Tells a turn that it is to stop, and why.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<Reason>>,
}

struct Turn {
    claim: Claim,
    runs: Vec<RunId>,
    /// `None` once it has come to its conclusion, which is then written down.
    stop: Option<Stop>,
    answer: Arc<Mutex<PartialAnswer>>,
}

// === impl Running ===

impl Running {
    /// Takes a session's place for a turn that answers these runs, with this answer.
    pub(crate) fn enter(
        &self,
        claim: Claim,
        session: SessionKey,
        runs: Vec<RunId>,
        answer: PartialAnswer,
    ) -> Place {
        let (stop, answer) = (Stop::default(), Arc::new(Mutex::new(answer)));
        let turn = Turn { claim, runs, stop: Some(stop.clone()), answer: Arc::clone(&answer) };
        self.lock().insert(session.clone(), turn);
        Place { running: self.clone(), claim, session, stop, answer }
    }

    /// What the turn of a session has said so far.
    pub(crate) fn said(&self, session: &SessionKey) -> Option<PartialAnswer> {
        let answer = Arc::clone(&self.lock().get(session)?.answer);
        Some(lock(&answer).clone())
    }

    /// Stops the turn of a session, if it answers `run` or no run is named.
    pub(crate) fn cancel(
        &self,
        session: &SessionKey,
        run: Option<&RunId>,
        reason: Reason,
    ) -> Vec<RunId> {
        let turns = self.lock();
        let Some(turn) = turns.get(session) else { return Vec::new() };
        let Some(stop) = &turn.stop else { return Vec::new() };
        if run.is_some_and(|run| !turn.runs.contains(run)) {
            return Vec::new();
        }
        stop.now(reason);
        turn.runs.clone()
    }

    pub(crate) fn cancel_all(&self, reason: Reason) {
        for stop in self.lock().values().filter_map(|turn| turn.stop.as_ref()) {
            stop.now(reason);
        }
    }

    /// The claims that somebody works on, from the first moment to the stored end.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.lock().values().map(|turn| turn.claim).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Turn>> {
        lock(&self.turns)
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Notes what is being said; the length of what was said before, in bytes.
    pub(crate) fn say(&self, text: &str) -> usize {
        let said = &mut lock(&self.answer).text;
        let offset = said.len();
        said.push_str(text);
        offset
    }

    /// From now on there is nothing left to stop. What was said can be seen until the place is given up,
    /// so that nobody finds it gone before the whole answer is stored.
    pub(crate) fn conclude(&self) {
        let mut turns = self.running.lock();
        if let Some(turn) = turns.get_mut(&self.session).filter(|turn| turn.claim == self.claim) {
            turn.stop = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = self.running.lock();
        // The place may be another turn's by now: that of the session that took the place of this one's.
        if turns.get(&self.session).is_some_and(|turn| turn.claim == self.claim) {
            turns.remove(&self.session);
        }
    }
}

// === impl Stop ===

impl Stop {
    /// The first reason counts.
    fn now(&self, reason: Reason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// Returns when the turn is to stop.
    pub(crate) async fn told(&self) -> Reason {
        self.token.cancelled().await;
        self.reason.get().copied().unwrap_or(Reason::Stopping)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use domain::{MessageId, SessionId, Timestamp};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_concluded_turn_can_be_read_but_not_stopped() {
        let (running, run) = (Running::default(), RunId("r-1".to_owned()));
        let session: SessionKey = "agent:main:main".parse().unwrap();
        let answer = PartialAnswer {
            id: MessageId(Uuid::from_u128(1)),
            run: run.clone(),
            since: Timestamp(1),
            text: String::new(),
        };
        let (owner, session_id) = (Uuid::from_u128(7), SessionId(Uuid::from_u128(2)));
        let claim = Claim { session: session_id, owner, fence: 1 };
        let place = running.enter(claim, session.clone(), vec![run.clone()], answer);
        let cancel = || running.cancel(&session, Some(&run), Reason::Person);
        assert_eq!((place.say("Привет"), place.say(" 👋"), place.say("!")), (0, 12, 17));
        assert_eq!(cancel(), std::slice::from_ref(&run));
        place.conclude();
        assert_eq!(cancel(), []);
        assert_eq!(running.said(&session).unwrap().text, "Привет 👋!");
        assert_eq!(running.claims(), [claim], "its lease is kept");
        drop(place);
        assert_eq!(running.said(&session), None);
        assert_eq!(running.claims(), []);
    }

    #[test]
    fn the_end_of_a_turn_leaves_the_place_of_the_next_one_alone() {
        let (running, session) =
            (Running::default(), "agent:main:main".parse::<SessionKey>().unwrap());
        let enter = |id| {
            let claim = Claim {
                session: SessionId(Uuid::from_u128(id)),
                owner: Uuid::from_u128(7),
                fence: 1,
            };
            let answer = PartialAnswer {
                id: MessageId(Uuid::from_u128(id)),
                run: RunId("r".to_owned()),
                since: Timestamp(1),
                text: String::new(),
            };
            running.enter(claim, session.clone(), Vec::new(), answer)
        };
        let (old, new) = (enter(1), enter(2));
        old.conclude();
        drop(old);
        assert_eq!(running.claims().len(), 1);
        drop(new);
        assert_eq!(running.claims(), []);
    }
}
