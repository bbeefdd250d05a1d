//! When a session has its turn.

use std::time::Duration;

use uuid::Uuid;

use super::*;

fn policy(debounce: u64) -> QueuePolicy {
    QueuePolicy { debounce: ms(debounce), ..QueuePolicy::default() }
}

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn wish(number: u128) -> Wish {
    Wish {
        session: SessionId(Uuid::from_u128(number)),
        key: format!("agent:main:web:{number}").parse().unwrap(),
        tokens: 1,
        priority: Priority::Normal,
        standing: Standing { weight: 1, running: usize::MAX },
    }
}

fn id(number: u128) -> SessionId {
    wish(number).session
}

fn taken(plan: &mut Plan, now: Instant) -> Option<SessionId> {
    plan.take_due(now).map(|start| start.wish.session)
}

#[test]
fn waits_until_the_person_has_finished_writing() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(100), start);
    plan.arrived(wish(1), policy(100), start + ms(80));
    assert_eq!(taken(&mut plan, start + ms(150)), None);
    assert_eq!(plan.next_due(), Some(start + ms(180)));
    assert_eq!(taken(&mut plan, start + ms(180)), Some(id(1)));
    assert_eq!(plan.next_due(), None);
}

#[test]
fn a_session_has_one_turn_at_a_time() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(0), start);
    assert!(plan.take_due(start).is_some());
    plan.arrived(wish(1), policy(0), start);
    plan.arrived(wish(2), policy(0), start);
    assert_eq!(taken(&mut plan, start), Some(id(2)));
    assert_eq!(taken(&mut plan, start + ms(1)), None);
    assert!(plan.ended(id(1), 1, None, start), "it arrived during the turn");
    assert_eq!(taken(&mut plan, start), Some(id(1)));
    assert!(!plan.ended(id(1), 1, None, start) && !plan.ended(id(2), 1, None, start));
    assert_eq!((plan.running(), plan.waiting()), (0, 0));
}

#[test]
fn a_retry_waits_for_its_time_and_others_pass_it() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(0), start);
    assert!(plan.take_due(start).is_some());
    plan.ended(id(1), 1, Some((start + ms(2_000), wish(1))), start);
    plan.arrived(wish(2), policy(0), start + ms(1));
    assert_eq!(taken(&mut plan, start + ms(1)), Some(id(2)));
    assert_eq!(taken(&mut plan, start + ms(1_999)), None);
    assert!(plan.take_due(start + ms(2_000)).is_some());
}

#[test]
fn what_is_found_in_the_store_does_not_disturb_what_is_known() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(100), start);
    assert!(!plan.found(wish(1), start, start));
    assert_eq!(taken(&mut plan, start + ms(50)), None);
    assert!(plan.found(wish(2), start, start));
    assert_eq!(taken(&mut plan, start + ms(50)), Some(id(2)));
}

#[test]
fn what_was_read_before_a_turn_ended_says_nothing_after_it() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(0), start);
    assert!(plan.take_due(start).is_some());
    plan.ended(id(1), 1, None, start + ms(5));
    assert!(!plan.found(wish(1), start, start + ms(4)), "the store was asked while it ran");
    plan.searched(start + ms(4));
    assert!(!plan.found(wish(1), start, start + ms(4)));
    plan.searched(start + ms(6));
    assert!(plan.found(wish(1), start, start + ms(6)));
}

#[test]
fn who_writes_more_while_waiting_keeps_the_place() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.arrived(wish(1), policy(0), start);
    plan.arrived(wish(2), policy(0), start);
    plan.found(wish(3), start + ms(9_000), start);
    assert_eq!(taken(&mut plan, start), Some(id(1)));
    plan.arrived(wish(2), policy(0), start + ms(1));
    plan.arrived(wish(4), policy(0), start + ms(1));
    assert_eq!(taken(&mut plan, start + ms(1)), Some(id(2)));
    assert_eq!(plan.waiting(), 2);
}
