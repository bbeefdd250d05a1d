//! The history: what is kept of each minute, for how long, and that instances do not overwrite each other.

use std::time::Duration;

use domain::{Clock, Sample, Timestamp};
use testkit::{World, both_engines};
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ALWAYS: (Timestamp, Timestamp) = (Timestamp(i64::MIN), Timestamp(i64::MAX));

fn instance(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn busy(at: Timestamp) -> Sample {
    Sample {
        at,
        level: 0.714,
        saturation: 1.0,
        active: 4,
        idle: 0,
        queue_depth: 19,
        queue_age_ms: 12_345,
        throughput: 16,
        errors: 2,
        p95_ms: 14_000,
        p99_ms: 31_000,
        refused: 3,
        memory: 6 << 30,
    }
}

async fn all(world: &World) -> Vec<(Uuid, Sample)> {
    world.store.samples(ALWAYS.0, ALWAYS.1).await.unwrap()
}

both_engines! {
    async fn a_minute_comes_back_as_it_was_kept(world: &World) {
        let sample = busy(world.clock.now());
        world.store.add_sample(instance(1), sample).await.unwrap();
        assert_eq!(all(world).await, [(instance(1), sample.of_its_minute())]);
    }

    async fn a_minute_of_an_instance_is_one_row_and_the_last_word_counts(world: &World) {
        let at = world.clock.now();
        for (who, active) in [(1, 1), (2, 2), (1, 3)] {
            let sample = Sample { active, ..busy(at) };
            world.store.add_sample(instance(who), sample).await.unwrap();
        }
        let seen: Vec<_> = all(world).await.iter().map(|(who, kept)| (*who, kept.active)).collect();
        assert_eq!(seen, [(instance(1), 3), (instance(2), 2)]);
    }

    async fn a_span_holds_its_beginning_and_not_its_end(world: &World) {
        let first = busy(world.clock.now()).of_its_minute().at;
        for minute in 0..4 {
            let at = first.after(minute * MINUTE);
            world.store.add_sample(instance(1), busy(at)).await.unwrap();
        }
        let (since, until) = (first.after(MINUTE), first.after(3 * MINUTE));
        let seen = world.store.samples(since, until).await.unwrap();
        let seen: Vec<_> = seen.iter().map(|(_, kept)| kept.at).collect();
        assert_eq!(seen, [first.after(MINUTE), first.after(2 * MINUTE)]);
    }

    async fn figures_beyond_their_range_are_kept_within_it(world: &World) {
        let at = world.clock.now();
        let absurd = Sample { level: 7.0, saturation: f64::NAN, memory: u64::MAX, ..busy(at) };
        world.store.add_sample(instance(1), absurd).await.unwrap();
        let (_, kept) = all(world).await[0];
        assert_eq!((kept.level, kept.saturation), (1.0, 0.0));
        assert_eq!(kept.memory, u64::try_from(i64::MAX).unwrap());
    }

    async fn eight_days_are_remembered(world: &World) {
        world.store.add_sample(instance(1), busy(world.clock.now())).await.unwrap();
        world.clock.advance(8 * DAY - MINUTE);
        world.store.upkeep().await.unwrap();
        assert_eq!(all(world).await.len(), 1);
        world.clock.advance(MINUTE);
        world.store.upkeep().await.unwrap();
        assert_eq!(all(world).await, []);
    }
}
