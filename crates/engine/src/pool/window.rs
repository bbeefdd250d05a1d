//! How long turns took lately, and how many there were. Pure; its memory is bounded.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// The last five minutes of turns, and their number since the start.
pub(super) struct Window {
    start: Instant,
    /// The newest last; each covers [`SLOT`].
    slots: VecDeque<Slot>,
    processed: u64,
    errors: u64,
}

/// What the window shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sum {
    /// Turns since the start.
    pub(super) processed: u64,
    /// Those of them that failed.
    pub(super) errors: u64,
    /// Turns of the last 60 seconds.
    pub(super) last_minute: u64,
    pub(super) mean: Duration,
    pub(super) p95: Duration,
    pub(super) p99: Duration,
}

struct Slot {
    /// Its number since the start.
    number: u64,
    /// Milliseconds. `None`: they could not be kept, which only lack of memory can cause.
    times: Option<Histogram<u32>>,
    turns: u64,
    /// Milliseconds of all its turns together.
    spent: u64,
}

/// Length of one slot.
const SLOT: Duration = Duration::from_secs(5);
/// Slots that are kept: five minutes.
const KEPT: u64 = 60;
/// Slots of the last minute.
const MINUTE: u64 = 12;
/// Turns longer than this count as this long.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Decimal places that a time is kept to: an error below one part in a hundred.
const DIGITS: u8 = 2;

// === impl Window ===

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, slots: VecDeque::new(), processed: 0, errors: 0 }
    }

    /// A turn took so long.
    pub(super) fn count(&mut self, took: Duration, failed: bool, now: Instant) {
        self.processed += 1;
        self.errors += u64::from(failed);
        let number = self.forget(now);
        if self.slots.back().is_none_or(|slot| slot.number != number) {
            self.slots.push_back(Slot::new(number));
        }
        if let Some(slot) = self.slots.back_mut() {
            slot.turns += 1;
            slot.spent = slot.spent.saturating_add(milliseconds(took.min(LONGEST)));
            if let Some(times) = &mut slot.times {
                times.saturating_record(milliseconds(took).max(1));
            }
        }
    }

    /// The mean of the last five minutes; zero when nothing ended.
    pub(super) fn mean(&mut self, now: Instant) -> Duration {
        self.forget(now);
        // Every message asks: the histograms, which are long, are left alone.
        let turns: u64 = self.slots.iter().map(|slot| slot.turns).sum();
        let spent: u64 = self.slots.iter().map(|slot| slot.spent).sum();
        Duration::from_micros(spent.saturating_mul(1_000).checked_div(turns).unwrap_or_default())
    }

    pub(super) fn sum(&mut self, now: Instant) -> Sum {
        let number = self.forget(now);
        let mean = self.mean(now);
        let last_minute = self
            .slots
            .iter()
            .filter(|slot| slot.number + MINUTE > number)
            .map(|slot| slot.turns)
            .sum();
        let (processed, errors) = (self.processed, self.errors);
        let none = Sum { processed, errors, last_minute, mean, ..Sum::default() };
        let Some(mut all) = histogram() else { return none };
        for times in self.slots.iter().filter_map(|slot| slot.times.as_ref()) {
            // They all have the same bounds, so none can be refused.
            let _ = all.add(times);
        }
        if all.is_empty() {
            return none;
        }
        let below = |share| Duration::from_millis(all.value_at_quantile(share));
        Sum { p95: below(0.95), p99: below(0.99), ..none }
    }

    /// Drops slots that are too old; the number of the slot that `now` is in.
    fn forget(&mut self, now: Instant) -> u64 {
        let number = now.duration_since(self.start).as_secs() / SLOT.as_secs();
        while self.slots.front().is_some_and(|slot| slot.number + KEPT <= number) {
            self.slots.pop_front();
        }
        number
    }
}

// === impl Slot ===

impl Slot {
    fn new(number: u64) -> Self {
        Self { number, times: histogram(), turns: 0, spent: 0 }
    }
}

fn histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(1, milliseconds(LONGEST), DIGITS).ok()
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_older_than_five_minutes_counts_only_in_the_totals() {
        let start = Instant::now();
        let mut window = Window::new(start);
        window.count(Duration::from_secs(9), true, start);
        for second in 0..120 {
            let now = start + Duration::from_secs(second);
            window.count(Duration::from_millis(100), false, now);
        }
        let sum = window.sum(start + Duration::from_secs(119));
        assert_eq!((sum.processed, sum.errors, sum.last_minute), (121, 1, 60));
        assert!(sum.mean > Duration::from_millis(150), "the long one is in it: {sum:?}");
        let sum = window.sum(start + Duration::from_secs(305));
        assert!(sum.mean < Duration::from_millis(102), "{sum:?}");
        let sum = window.sum(start + Duration::from_secs(900));
        let empty = Sum { processed: 121, errors: 1, ..Sum::default() };
        assert_eq!(sum, empty);
    }

    #[test]
    fn a_slot_is_small_and_there_are_few() {
        let start = Instant::now();
        let mut window = Window::new(start);
        for second in 0..100_000 {
            window.count(Duration::from_secs(second), false, start + Duration::from_secs(second));
        }
        assert!(window.slots.len() <= usize::try_from(KEPT).unwrap());
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_list(
            mut times in prop::collection::vec(1_u64..200_000, 1..500),
        ) {
            let start = Instant::now();
            let mut window = Window::new(start);
            for (second, time) in (0..).zip(&times) {
                let now = start + Duration::from_millis(second * 400);
                window.count(Duration::from_millis(*time), false, now);
            }
            let sum = window.sum(start + Duration::from_millis(400 * 500));
            times.sort_unstable();
            for (told, share) in [(sum.p95, 95), (sum.p99, 99)] {
                let exact = times[(times.len() * share).div_ceil(100) - 1];
                let told = u64::try_from(told.as_millis()).unwrap();
                prop_assert!(told.abs_diff(exact) <= exact / 100 + 1, "{told} for {exact}");
            }
        }
    }
}
