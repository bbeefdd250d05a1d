//! A day of fifty tenants, with two floods and a brown-out of the provider. The same seed is the same day.

use super::picture::{Band, Day};
use super::*;

/// Where all randomness begins.
const SEED: u64 = 7;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// What one tenant of the smallest tier is written in each hour, in millionths of a message per second: the
/// agencies' people sleep, ask before work and most of all in the evening.
const RATES: [u32; 24] = [
    3_000, 2_000, 1_500, 1_500, 1_500, 3_000, 7_000, 12_000, 17_000, 20_000, 21_000, 20_000,
    18_000, 18_000, 19_000, 20_000, 20_000, 21_000, 23_000, 25_000, 25_000, 20_000, 12_000, 6_000,
];
/// A free tenant's flood, a premium tenant's flood: who, when, and how many times what it is written otherwise.
const FLOODS: [(usize, Range<u64>, u32); 2] = [(3, 34_200..36_600, 100), (45, 68_400..70_800, 100)];
const BROWN_OUT: Range<u64> = 50_400..52_800;

/// Thirty free, fourteen standard, five premium tenants and the operator's own.
fn members() -> Vec<Member> {
    let tiers = [(Tier::Free, 30), (Tier::Standard, 14), (Tier::Premium, 5), (Tier::Admin, 1)];
    let tiers = tiers.into_iter().flat_map(|(tier, count)| std::iter::repeat_n(tier, count));
    tiers.enumerate().map(|(number, tier)| Member::new(number, tier)).collect()
}

/// The document's row for 50 to 200 requests per second has eight workers and a queue of 128; a day's worth of
/// agencies is far from that, and shows more on half the queue.
fn settings() -> Concurrency {
    Concurrency { min_workers: 2, max_workers: 8, max_queue_size: 64, ..Concurrency::default() }
}

async fn day(floods: bool, brown_out: bool) -> Seen {
    let members = members();
    let rate = |number: usize, second: u64| {
        let hour = usize::try_from(second / HOUR).unwrap();
        // A larger tier is written a little more, though it may be written much more.
        RATES[hour] * (3 + members[number].tier.weight()) / 4
    };
    let mut messages = Vec::new();
    for number in 0..members.len() {
        messages.extend(Member::messages(number, SEED, 0..DAY, |second| rate(number, second)));
    }
    for (number, seconds, times) in FLOODS.iter().filter(|_| floods) {
        let more = Member::messages(*number, SEED + 1, seconds.clone(), |second| {
            rate(*number, second) * (times - 1)
        });
        messages.extend(more.into_iter().zip(PEOPLE..).map(|(message, conversation)| Message {
            conversation,
            kept: false,
            ..message
        }));
    }
    let written = messages.iter().filter(|message| message.kept).count();
    let mut rehearsal = Rehearsal::new(settings(), QueuePolicy::default(), members);
    if brown_out {
        rehearsal.brown_out = seconds(&BROWN_OUT);
    }
    let seen = rehearsal.run(messages).await;
    let answered = seen.waits.iter().filter(|wait| !is_flood(wait)).count();
    assert!(answered >= written - seen.of_floods(), "what a platform keeps for us is answered");
    seen
}

fn seconds(range: &Range<u64>) -> Range<Duration> {
    Duration::from_secs(range.start)..Duration::from_secs(range.end)
}

/// Whether it came to a tenant while that was flooded.
fn is_flood(wait: &Wait) -> bool {
    FLOODS
        .iter()
        .any(|(number, range, _)| wait.tenant == *number && seconds(range).contains(&wait.at))
}

// === impl Seen ===

impl Seen {
    fn of_floods(&self) -> usize {
        self.waits.iter().filter(|wait| is_flood(wait)).count()
    }

    /// The p95 wait of everybody but the flooded, of messages written in this time.
    fn p95_of_others(&self, range: &Range<u64>) -> Duration {
        let range = seconds(range);
        let of = |wait: &&Wait| range.contains(&wait.at) && !is_flood(wait);
        p95(self.waits.iter().filter(of).map(|wait| wait.waited).collect())
    }

    fn refused(&self, range: &Range<u64>, of: impl Fn(usize) -> bool) -> usize {
        let range = seconds(range);
        self.refusals.iter().filter(|(at, tenant)| range.contains(at) && of(*tenant)).count()
    }

    fn highest_level(&self, range: &Range<u64>) -> f64 {
        let range = seconds(range);
        let of = self.samples.iter().filter(|sample| range.contains(&sample.at));
        of.map(|sample| sample.level).fold(0.0, f64::max)
    }
}

#[tokio::test(start_paused = true)]
async fn floods_are_borne_by_those_who_are_flooded_and_a_brown_out_passes() {
    let (seen, calm) = (day(true, true).await, day(false, false).await);
    let most = settings().max_workers;
    assert!(seen.samples.iter().all(|sample| sample.busy <= most && sample.workers <= most));
    assert!(seen.samples.iter().all(|sample| sample.workers >= settings().min_workers));
    for (number, range, _) in &FLOODS {
        let (flooded, quiet) = (seen.p95_of_others(range), calm.p95_of_others(range));
        assert!(flooded < quiet + Duration::from_secs(3), "{flooded:?} instead of {quiet:?}");
        assert!(seen.refused(range, |tenant| tenant == *number) > 100);
        assert_eq!(seen.refused(range, |tenant| tenant != *number), 0, "nobody else is refused");
    }
    assert!(seen.highest_level(&BROWN_OUT) > 0.65, "{}", seen.highest_level(&BROWN_OUT));
    assert!(seen.refused(&BROWN_OUT, |_| true) > 0);
    // What platforms kept meanwhile comes first.
    // What platforms kept meanwhile comes first.
    let oldest =
        seen.samples.iter().filter(|s| seconds(&BROWN_OUT).contains(&s.at)).map(|s| s.age).max();
    println!("brown-out: p95 {:?}, oldest {oldest:?}", seen.p95_of_others(&BROWN_OUT));
    for (tenants, name) in [(0..30, "free"), (30..44, "standard"), (44..49, "premium")] {
        let of: Vec<_> = seen
            .waits
            .iter()
            .filter(|w| tenants.contains(&w.tenant) && seconds(&BROWN_OUT).contains(&w.at))
            .map(|w| w.waited)
            .collect();
        println!("{name} {} {:?}", of.len(), p95(of));
    }
    // What platforms kept meanwhile comes first.
    for minutes in 0..60 {
        let from = BROWN_OUT.end + minutes * 60;
        println!(
            "{minutes} {:.2} {}",
            seen.highest_level(&(from..from + 60)),
            seen.refused(&(from..from + 60), |_| true)
        );
    }
    let after = BROWN_OUT.end + 1_800..BROWN_OUT.end + 4_800;
    assert!(seen.highest_level(&after) < 0.5, "{}", seen.highest_level(&after));
    assert_eq!(seen.refused(&after, |_| true), 0);

    let hours = |range: &Range<u64>| range.start as f64 / 3_600.0..range.end as f64 / 3_600.0;
    let [(_, free, _), (_, premium, _)] = &FLOODS;
    let picture = Day {
        samples: &seen.samples,
        waits: seen.waits.iter().copied().filter(|wait| !is_flood(wait)).collect(),
        most_workers: most,
        threshold: settings().backpressure_threshold,
        bands: vec![
            Band { hours: hours(free), words: "a free tenant is flooded" },
            Band { hours: hours(&BROWN_OUT), words: "the model is slow" },
            Band { hours: hours(premium), words: "a premium tenant is flooded" },
        ],
    };
    let drawn = picture.to_string();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures/day.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == drawn, "docs/pictures/day.svg is stale: UPDATE_DOCS=1 cargo test -p engine");
}
