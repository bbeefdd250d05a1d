//! How many workers there are, and what becomes of each.

use proptest::prelude::*;

use super::*;

const WALL: Timestamp = Timestamp(0);

fn settings() -> Concurrency {
    Concurrency {
        min_workers: 2,
        max_workers: 4,
        max_requests_per_worker: 3,
        memory_limit: 1_000,
        ..Concurrency::default()
    }
}

fn key(number: u64) -> SessionKey {
    format!("agent:main:web:{number}").parse().unwrap()
}

/// A roster with one worker that runs a turn.
fn busy(now: Instant) -> (Roster, u64) {
    let mut roster = Roster::default();
    let id = roster.hire(&key(1), &settings(), now, WALL, &mut Vec::new()).unwrap();
    (roster, id)
}

#[test]
fn never_more_than_the_most_and_never_fewer_than_the_fewest() {
    let (mut roster, now) = (Roster::default(), Instant::now());
    let mut told = Vec::new();
    roster.resize(&settings(), 0, now, WALL, &mut told);
    assert_eq!(roster.workers.len(), 2);
    let hired: Vec<_> =
        (0..40).filter_map(|n| roster.hire(&key(n), &settings(), now, WALL, &mut told)).collect();
    assert_eq!((hired.len(), roster.workers.len(), told.len()), (4, 4, 4));
    for id in hired {
        roster.release(id, &settings(), now, WALL, &mut told);
    }
    for _ in 0..10 {
        roster.resize(&settings(), 0, now, WALL, &mut told);
    }
    assert_eq!(roster.workers.len(), 2);
}

#[test]
fn after_its_last_turn_a_worker_is_replaced() {
    let (mut roster, now, mut told) = (Roster::default(), Instant::now(), Vec::new());
    for turn in 0..3 {
        let id = roster.hire(&key(turn), &settings(), now, WALL, &mut told).unwrap();
        assert_eq!(id, 0, "the first one is idle each time");
        roster.release(id, &settings(), now, WALL, &mut told);
    }
    let reason = RecycleReason::RequestLimit;
    assert!(told.contains(&Change::Recycled { worker: 0, reason, request_count: 3 }));
    assert!(!roster.workers.contains_key(&0) && roster.workers.len() == 2);
}

#[test]
fn silence_is_found_once_and_its_worker_is_not_trusted_again() {
    let now = Instant::now();
    let (mut roster, id) = busy(now);
    let at = |seconds| now + Duration::from_secs(seconds);
    roster.beat(id, at(30));
    assert_eq!(roster.examine(&settings(), &[], at(90)), []);
    let silent = Duration::from_secs(61);
    assert_eq!(roster.examine(&settings(), &[], at(91)), [Finding::Stuck { worker: id, silent }]);
    assert_eq!(roster.examine(&settings(), &[], at(99)), []);
    assert_eq!((roster.count(WorkerState::Stuck), roster.busy()), (1, 1));
    roster.release(id, &settings(), at(99), WALL, &mut Vec::new());
    assert!(!roster.workers.contains_key(&id));
    assert_eq!(roster.count(WorkerState::Idle), 2, "others took its place");
}

#[test]
fn a_process_over_its_memory_ends_with_its_worker() {
    let now = Instant::now();
    let (mut roster, id) = busy(now);
    roster.process(id, Some(77));
    assert_eq!(roster.examine(&settings(), &[(id, 1_000)], now), []);
    let over = Finding::OverMemory { worker: id, bytes: 1_001 };
    assert_eq!(roster.examine(&settings(), &[(id, 1_001)], now), [over]);
    assert_eq!(roster.examine(&settings(), &[(id, 9_999)], now), [], "it was told already");
    let standing = &roster.standings(now)[0];
    assert_eq!((standing.pid, standing.state), (Some(77), WorkerState::Draining));
    let mut told = Vec::new();
    roster.release(id, &settings(), now, WALL, &mut told);
    let reason = RecycleReason::MemoryLimit;
    assert_eq!(told[0], Change::Recycled { worker: id, reason, request_count: 1 });
}

#[test]
fn an_operator_can_have_a_worker_replaced() {
    let now = Instant::now();
    let (mut roster, id) = busy(now);
    let mut told = Vec::new();
    assert!(roster.recycle(id, &mut told) && told.is_empty(), "its turn goes on");
    assert!(!roster.recycle(404, &mut told));
    roster.release(id, &settings(), now, WALL, &mut told);
    let reason = RecycleReason::Manual;
    assert_eq!(told[0], Change::Recycled { worker: id, reason, request_count: 1 });
}

#[test]
fn names_read_back() {
    assert_eq!(number(&name(17)), Some(17));
    assert_eq!((number("worker-"), number("17"), number("worker-x")), (None, None, None));
}

proptest! {
    #[test]
    fn whatever_happens_the_numbers_hold(steps in prop::collection::vec((0_u8..6, 0_u64..8), 0..300)) {
        let start = Instant::now();
        let (mut roster, mut told, mut running) = (Roster::default(), Vec::new(), Vec::new());
        roster.resize(&settings(), 0, start, WALL, &mut told);
        for (second, (what, which)) in (0..).zip(steps) {
            let now = start + Duration::from_secs(second * 7);
            match what {
                0 | 1 => running.extend(roster.hire(&key(which), &settings(), now, WALL, &mut told)),
                2 => if let Some(id) = running.pop() {
                    roster.release(id, &settings(), now, WALL, &mut told);
                },
                3 => drop(roster.examine(&settings(), &[(which, which * 400)], now)),
                4 => { roster.recycle(which, &mut told); },
                _ => {}
            }
            let wanted = usize::try_from(which).unwrap();
            roster.resize(&settings(), wanted, now, WALL, &mut told);
            prop_assert!((2..=4).contains(&roster.workers.len()), "{}", roster.workers.len());
            prop_assert_eq!(roster.busy(), running.len());
            let states: usize = WorkerState::ALL.iter().map(|&state| roster.count(state)).sum();
            prop_assert_eq!(states, roster.workers.len());
        }
    }
}
