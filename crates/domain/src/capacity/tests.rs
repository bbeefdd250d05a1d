//! The proposal for loads and machines that occur, and its bounds for those that do not.

use proptest::prelude::*;

use super::*;
use crate::Sample;

const GIB: u64 = 1 << 30;
const SMALL: Machine = Machine { processors: 2, memory: Some(4 * GIB) };
const STUCK: u64 = 60_000;

fn quiet_day() -> Load {
    Load {
        minutes: 1_440,
        answered: 300,
        busiest_minute: 4,
        workers_needed: 2,
        longest_ms: 14_200,
        memory: 60 << 20,
        ..Load::default()
    }
}

fn proposed(load: Load, machine: Machine) -> Vec<u64> {
    let proposal = propose(&load, machine, Sizes::default(), STUCK).unwrap();
    proposal.figures.iter().map(|figure| figure.proposed).collect()
}

fn because(load: Load, machine: Machine, setting: &str) -> String {
    let proposal = propose(&load, machine, Sizes::default(), STUCK).unwrap();
    let found = proposal.figures.into_iter().find(|figure| figure.setting == setting);
    found.unwrap().because
}

#[test]
fn a_quiet_day_gets_the_first_row() {
    assert_eq!(proposed(quiet_day(), SMALL), [1, 2, 16, 60_000, 512]);
    assert_eq!(
        because(quiet_day(), SMALL, "maxQueueSize"),
        "the table says 32, but what waits behind 8 others for each of 2 workers waits too long"
    );
}

#[test]
fn the_rows_begin_where_the_table_says() {
    let row = |per_minute| Row::of(per_minute).max_workers;
    assert_eq!((row(599), row(600), row(2_999), row(3_000)), (2, 4, 4, 8));
    assert_eq!((row(12_000), row(12_001)), (8, 16));
}

#[test]
fn what_ran_at_once_counts_more_than_the_table() {
    let load = Load { workers_needed: 6, ..quiet_day() };
    assert_eq!(proposed(load, SMALL)[1..3], [6, 32]);
    assert!(because(load, SMALL, "maxWorkers").starts_with("6 turns at once were needed; turns"));
    let flood = Load { workers_needed: 99, ..quiet_day() };
    assert_eq!(proposed(flood, SMALL)[1], 8, "four for each processor");
    assert!(because(flood, SMALL, "maxWorkers").contains("a second instance"));
}

#[test]
fn a_small_machine_bends_the_table() {
    let busy = Load { busiest_minute: 13_000, ..quiet_day() };
    assert_eq!(proposed(busy, SMALL)[..3], [2, 2, 16]);
    assert!(because(busy, SMALL, "maxWorkers").contains("this machine has 2 processors"));
    let large = Machine { processors: 16, memory: Some(64 * GIB) };
    assert_eq!(proposed(busy, large)[..3], [8, 16, 128]);
}

#[test]
fn the_limit_gives_way_before_the_workers_do() {
    let load = Load { workers_needed: 8, ..quiet_day() };
    // 80 % of 4096 MB less 60 MB is 3216 MB.
    assert_eq!(proposed(load, SMALL)[4], 402);
    let tiny = Machine { memory: Some(GIB), ..SMALL };
    let sizes = proposed(load, tiny);
    assert_eq!((sizes[1], sizes[4]), (2, 379), "80 % of 1024 MB less 60 MB holds two");
    assert!(because(load, tiny, "maxWorkers").starts_with("8 would be right, but 80 % of 1024 MB"));
    let unknown = Machine { memory: None, ..SMALL };
    assert_eq!(proposed(load, unknown)[4], 512);
}

#[test]
fn a_turn_may_take_twice_the_longest_but_not_for_ever() {
    let timeout = |longest_ms| proposed(Load { longest_ms, ..quiet_day() }, SMALL)[3];
    assert_eq!((timeout(45_001), timeout(45_000)), (91_000, 90_000));
    assert_eq!(timeout(10), STUCK, "or a turn that hangs would be cut off before it is found");
    assert_eq!(timeout(u64::MAX), 600_000);
}

#[test]
fn too_little_history_proposes_nothing() {
    for load in [
        Load { minutes: 359, ..quiet_day() },
        Load { answered: 49, ..quiet_day() },
        Load::default(),
    ] {
        let refused = propose(&load, SMALL, Sizes::default(), STUCK).unwrap_err();
        assert_eq!((refused.minutes, refused.answered), (load.minutes, load.answered));
    }
}

#[test]
fn refused_requests_would_have_needed_workers_too() {
    let minute = Sample { active: 4, throughput: 20, p95_ms: 12_000, ..Sample::default() };
    assert_eq!(Load::of([&minute]).workers_needed, 4);
    let flooded = Sample { refused: 20, ..minute };
    let load = Load::of([&minute, &flooded]);
    assert_eq!(load.workers_needed, 8, "40 a minute, 12 s each");
    assert_eq!((load.busiest_minute, load.saturated_minutes, load.answered), (40, 1, 40));
}

prop_compose! {
    fn any_load()(
        busiest_minute in 0_u64..1_000_000, workers_needed in 0_u64..100_000,
        longest_ms in prop_oneof![0_u64..200_000, Just(u64::MAX)],
        memory in prop_oneof![0_u64..8 * GIB, Just(u64::MAX)],
    ) -> Load {
        Load { minutes: 1_440, answered: 1_000, busiest_minute, workers_needed, longest_ms, memory,
            ..Load::default() }
    }
}

prop_compose! {
    fn any_machine()(
        processors in 0_u64..512, memory in proptest::option::of(0_u64..4_096 * GIB),
    ) -> Machine {
        Machine { processors, memory }
    }
}

prop_compose! {
    fn any_sizes()(
        min_workers in 1_u64..64, max_workers in 1_u64..64, max_queue_size in 1_u64..1_024,
        worker_timeout_ms in 1_000_u64..1_000_000, memory_limit_mb in 16_u64..65_536,
    ) -> Sizes {
        Sizes { min_workers, max_workers, max_queue_size, worker_timeout_ms, memory_limit_mb }
    }
}

fn applied(proposal: &Proposal) -> Sizes {
    let [min_workers, max_workers, max_queue_size, worker_timeout_ms, memory_limit_mb] =
        <[u64; 5]>::try_from(proposal.figures.iter().map(|f| f.proposed).collect::<Vec<_>>())
            .unwrap();
    Sizes { min_workers, max_workers, max_queue_size, worker_timeout_ms, memory_limit_mb }
}

proptest! {
    #[test]
    fn the_rules_hold_for_every_load_on_every_machine(
        load in any_load(), machine in any_machine(), now in any_sizes(), stuck in 1_000_u64..600_000,
    ) {
        let sizes = applied(&propose(&load, machine, now, stuck).unwrap());
        prop_assert!((1..=sizes.max_workers).contains(&sizes.min_workers));
        prop_assert!(sizes.max_workers <= machine.processors.max(1) * 4);
        prop_assert!((4 * sizes.max_workers..=8 * sizes.max_workers).contains(&sizes.max_queue_size));
        prop_assert!((stuck..=600_000).contains(&sizes.worker_timeout_ms));
        prop_assert!((1..=now.memory_limit_mb).contains(&sizes.memory_limit_mb));
        if let Some(memory) = machine.memory {
            let room = ((memory >> 20) * 80 / 100).saturating_sub(load.memory >> 20).max(1);
            prop_assert!(sizes.max_workers * sizes.memory_limit_mb <= room);
        }
    }

    #[test]
    fn whoever_applied_a_proposal_is_told_nothing_new(
        load in any_load(), machine in any_machine(), now in any_sizes(), stuck in 1_000_u64..600_000,
    ) {
        let sizes = applied(&propose(&load, machine, now, stuck).unwrap());
        let again = propose(&load, machine, sizes, stuck).unwrap();
        prop_assert_eq!(again.changes().count(), 0, "{:?}", again);
    }

    #[test]
    fn more_load_never_means_fewer_workers(load in any_load(), more in 0_u64..1_000) {
        let machine = Machine { processors: 8, memory: None };
        let workers = |load| proposed(load, machine)[1];
        let busier = Load {
            busiest_minute: load.busiest_minute + more,
            workers_needed: load.workers_needed + more,
            ..load
        };
        prop_assert!(workers(busier) >= workers(load));
    }
}
