//! Which sessions wait until when, and which have a turn. Pure: time is handed in.

use std::collections::{BTreeSet, HashMap};

use domain::SessionId;
use domain::queue::QueuePolicy;
use tokio::time::Instant;

/// The plan.
#[derive(Default)]
pub(super) struct Plan {
    sessions: HashMap<SessionId, Place>,
    /// Waiting sessions by when they are due, then by arrival. Sessions of all tenants stand in one line;
    /// weighing tenants against each other changes the order here and nowhere else.
    line: BTreeSet<(Instant, u64, SessionId)>,
    arrivals: u64,
    running: usize,
}

enum Place {
    Waiting(Waiting),
    Running {
        /// What arrived since the turn began.
        arrived: Option<Waiting>,
    },
}

#[derive(Clone)]
struct Waiting {
    account: String,
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
        self.line.len()
    }

    /// When the first waiting session is due, of at most so many turns. `None` also while every place is
    /// taken: then only the end of a turn changes anything.
    pub(super) fn next_due(&self, most: usize) -> Option<Instant> {
        self.line.first().map(|(due, ..)| *due).filter(|_| self.running < most)
    }

    /// A message arrived: its session waits until the person seems to have finished writing.
    pub(super) fn arrived(
        &mut self,
        session: SessionId,
        account: &str,
        policy: QueuePolicy,
        now: Instant,
    ) {
        let before = match self.sessions.get(&session) {
            Some(Place::Waiting(waiting)) => Some(waiting.clone()),
            Some(Place::Running { arrived }) => arrived.clone(),
            None => None,
        };
        let (oldest, messages) =
            before.map_or((now, 1), |before| (before.oldest, before.messages + 1));
        let wait = policy.wait(now.duration_since(oldest), std::time::Duration::ZERO, messages);
        self.put(session, account, now + wait, oldest, messages);
    }

    /// A message that nobody answers was found in the store.
    pub(super) fn found(&mut self, session: SessionId, account: &str, due: Instant) {
        if !self.sessions.contains_key(&session) {
            self.put(session, account, due, due, 1);
        }
    }

    /// A session's turn is over; `next` is when the store says that its next message is due.
    pub(super) fn ended(&mut self, session: SessionId, account: &str, next: Option<Instant>) {
        let Some(Place::Running { arrived }) = self.sessions.remove(&session) else { return };
        self.running -= 1;
        match (arrived, next) {
            // Both say when: the store knows of retries, the arrival of the pause to wait for. A message
            // that was stored after the turn's last look is known to its arrival alone.
            (Some(waiting), next) => {
                let due = next.map_or(waiting.due, |next| next.max(waiting.due));
                self.put(session, account, due, waiting.oldest, waiting.messages);
            }
            (None, Some(next)) => self.put(session, account, next, next, 1),
            (None, None) => {}
        }
    }

    /// The first waiting session that is due; it counts as running from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(SessionId, String)> {
        let (_, _, session) = self.line.first().filter(|(due, ..)| *due <= now).copied()?;
        self.line.pop_first();
        let before = self.sessions.insert(session, Place::Running { arrived: None });
        self.running += 1;
        match before {
            Some(Place::Waiting(waiting)) => Some((session, waiting.account)),
            _ => None,
        }
    }

    fn put(
        &mut self,
        session: SessionId,
        account: &str,
        due: Instant,
        oldest: Instant,
        messages: usize,
    ) {
        self.arrivals += 1;
        let number = self.arrivals;
        let waiting = Waiting { account: account.to_owned(), due, number, oldest, messages };
        match self.sessions.get_mut(&session) {
            Some(Place::Running { arrived }) => *arrived = Some(waiting),
            Some(Place::Waiting(before)) => {
                self.line.remove(&(before.due, before.number, session));
                self.line.insert((due, number, session));
                *before = waiting;
            }
            None => {
                self.line.insert((due, number, session));
                self.sessions.insert(session, Place::Waiting(waiting));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const ONE: SessionId = SessionId(Uuid::from_u128(1));
    const TWO: SessionId = SessionId(Uuid::from_u128(2));

    fn policy(debounce: u64) -> QueuePolicy {
        QueuePolicy { debounce: Duration::from_millis(debounce), ..QueuePolicy::default() }
    }

    fn ms(span: u64) -> Duration {
        Duration::from_millis(span)
    }

    #[test]
    fn waits_until_the_person_has_finished_writing() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.arrived(ONE, "web", policy(100), start);
        plan.arrived(ONE, "web", policy(100), start + ms(80));
        assert_eq!(plan.take_due(start + ms(150)), None);
        assert_eq!(plan.take_due(start + ms(180)), Some((ONE, "web".to_owned())));
        assert_eq!(plan.next_due(1), None);
    }

    #[test]
    fn a_session_has_one_turn_at_a_time() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.arrived(ONE, "web", policy(0), start);
        assert!(plan.take_due(start).is_some());
        plan.arrived(ONE, "web", policy(0), start);
        plan.arrived(TWO, "web", policy(0), start);
        assert_eq!(plan.take_due(start), Some((TWO, "web".to_owned())));
        assert_eq!(plan.take_due(start + ms(1)), None);
        plan.ended(ONE, "web", None);
        assert_eq!(
            plan.take_due(start),
            Some((ONE, "web".to_owned())),
            "it arrived during the turn"
        );
        plan.ended(ONE, "web", None);
        plan.ended(TWO, "web", None);
        assert_eq!((plan.running(), plan.waiting()), (0, 0));
    }

    #[test]
    fn while_every_place_is_taken_there_is_nothing_to_wake_up_for() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.arrived(ONE, "web", policy(0), start);
        assert!(plan.take_due(start).is_some());
        plan.arrived(TWO, "web", policy(0), start);
        assert_eq!((plan.next_due(2), plan.next_due(1)), (Some(start), None));
        plan.ended(ONE, "web", None);
        assert_eq!(plan.next_due(1), Some(start));
    }

    #[test]
    fn a_retry_waits_for_its_time_and_others_pass_it() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.arrived(ONE, "web", policy(0), start);
        assert!(plan.take_due(start).is_some());
        plan.ended(ONE, "web", Some(start + ms(2_000)));
        plan.arrived(TWO, "web", policy(0), start + ms(1));
        assert_eq!(plan.take_due(start + ms(1)), Some((TWO, "web".to_owned())));
        assert_eq!(plan.take_due(start + ms(1_999)), None);
        assert!(plan.take_due(start + ms(2_000)).is_some());
    }

    #[test]
    fn what_is_found_in_the_store_does_not_disturb_what_is_known() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.arrived(ONE, "web", policy(100), start);
        plan.found(ONE, "web", start);
        assert_eq!(plan.take_due(start + ms(50)), None);
        plan.found(TWO, "web", start);
        assert_eq!(plan.take_due(start + ms(50)), Some((TWO, "web".to_owned())));
    }
}
