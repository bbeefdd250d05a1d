//! Time for budgets: it follows a clock that never jumps, and is drawn to the wall clock slowly.
//!
//! Owns the rule by which a wall clock that somebody sets neither ends a window early nor holds it open.
//! Refuses to read any clock.

use std::time::Duration;

use crate::Timestamp;
use crate::clock::Uptime;

/// A moment that runs on at an even pace, whatever happens to the wall clock.
#[derive(Debug, Clone)]
pub struct Steady {
    /// Nanoseconds since 1970, so that the pull of many short readings is not lost to rounding.
    nanoseconds: i128,
    uptime: Uptime,
}

/// A steady moment and the uptime at which it was read. Kept on disk, it lets the next process on the same
/// boot go on where this one stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The steady moment.
    pub at: Timestamp,
    /// When it was read.
    pub uptime: Uptime,
}

/// One part in 2000 of the time that passes is the most that it gives way to the wall clock: 43 seconds a day,
/// 500 parts per million. The pace at which adjtime(3) corrects a clock, so every oscillator that works is
/// followed; a jump of two hours moves the end of a 24-hour window by 43 seconds at most.
const PULL: i128 = 2_000;
/// A wall clock that is further off than this was not moved but had never been set, as on a machine that
/// starts in 1970 until its network is up. It is followed at once: months of the wrong year help nobody.
const NEVER_SET: Duration = Duration::from_secs(24 * 60 * 60);
const PER_MILLISECOND: i128 = 1_000_000;

// === impl Steady ===

impl Steady {
    /// Begins at the wall clock, or goes on from what an earlier process kept on the same boot.
    #[must_use]
    pub fn begin(wall: Timestamp, uptime: Uptime, kept: Option<Anchor>) -> Self {
        let same =
            kept.filter(|kept| kept.uptime.boot == uptime.boot && kept.uptime.span <= uptime.span);
        match same {
            None => Self { nanoseconds: nanoseconds(wall), uptime },
            Some(Anchor { at, uptime: then }) => {
                let mut steady = Self { nanoseconds: nanoseconds(at), uptime: then };
                steady.read(wall, uptime);
                steady
            }
        }
    }

    /// The moment now, by what both clocks show.
    pub fn read(&mut self, wall: Timestamp, uptime: Uptime) -> Timestamp {
        let passed = uptime.span.saturating_sub(self.uptime.span);
        let passed = i128::try_from(passed.as_nanos()).unwrap_or(i128::MAX / 4);
        let free = self.nanoseconds.saturating_add(passed);
        let off = nanoseconds(wall).saturating_sub(free);
        let most = passed / PULL;
        self.nanoseconds = if off.unsigned_abs() > NEVER_SET.as_nanos() {
            nanoseconds(wall)
        } else {
            free + off.clamp(-most, most)
        };
        // A reading that failed and came out too small must not count as time when the next one succeeds.
        if uptime.span > self.uptime.span {
            self.uptime = uptime;
        }
        self.at()
    }

    /// What the next process needs to go on.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        Anchor { at: self.at(), uptime: self.uptime }
    }

    fn at(&self) -> Timestamp {
        let milliseconds = self.nanoseconds.div_euclid(PER_MILLISECOND);
        Timestamp(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }
}

fn nanoseconds(at: Timestamp) -> i128 {
    i128::from(at.0) * PER_MILLISECOND
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const START: i64 = 1_790_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn up(milliseconds: i64) -> Uptime {
        let span = Duration::from_millis(milliseconds.unsigned_abs());
        Uptime { boot: Uuid::from_u128(1), span }
    }

    /// The steady moment, `passed` after the start, when the wall clock is `off` then.
    fn after(passed: i64, off: i64) -> i64 {
        let mut steady = Steady::begin(Timestamp(START), up(0), None);
        steady.read(Timestamp(START + passed + off), up(passed)).0 - START
    }

    #[test]
    fn two_hours_either_way_move_a_day_by_less_than_a_minute() {
        let day = 24 * HOUR;
        assert_eq!(after(day, 2 * HOUR), day + 43_200);
        assert_eq!(after(day, -2 * HOUR), day - 43_200);
        assert_eq!(after(day, 0), day);
        assert_eq!(after(0, 2 * HOUR), 0);
    }

    #[test]
    fn a_real_drift_is_followed() {
        // A hundred parts per million: a poor oscillator.
        assert_eq!(after(1_000_000, 100), 1_000_100);
        let mut steady = Steady::begin(Timestamp(START), up(0), None);
        for step in 1..=1_000_000 {
            steady.read(Timestamp(START + step + step / 10_000), up(step));
        }
        let off = steady.at().0 - START - 1_000_100;
        assert!((-1..=0).contains(&off), "in short steps too: {off}");
    }

    #[test]
    fn a_clock_that_was_never_set_is_followed_at_once() {
        let mut steady = Steady::begin(Timestamp(0), up(0), None);
        assert_eq!(steady.read(Timestamp(START), up(5_000)), Timestamp(START));
    }

    #[test]
    fn an_uptime_that_reads_too_small_once_makes_no_time() {
        let mut steady = Steady::begin(Timestamp(START), up(9 * HOUR), None);
        assert_eq!(steady.read(Timestamp(START), up(5)), Timestamp(START));
        let later = Timestamp(START + 1_000);
        assert_eq!(steady.read(later, up(9 * HOUR + 1_000)), later);
    }

    #[test]
    fn a_restart_goes_on_where_the_last_process_stopped() {
        let mut first = Steady::begin(Timestamp(START), up(0), None);
        first.read(Timestamp(START + HOUR), up(HOUR));
        let jumped = Timestamp(START + 2 * HOUR + 2 * HOUR);
        let mut second = Steady::begin(jumped, up(2 * HOUR), Some(first.anchor()));
        let off = second.at().0 - START - 2 * HOUR;
        assert!((0..=1_800).contains(&off), "{off}");
        let other = Uptime { boot: Uuid::from_u128(2), span: Duration::from_secs(1) };
        let mut rebooted = Steady::begin(jumped, other, Some(first.anchor()));
        assert_eq!(
            rebooted.read(jumped, other),
            jumped,
            "after a boot there is only the wall clock"
        );
        second.read(jumped, up(2 * HOUR));
    }

    proptest! {
        #[test]
        fn it_never_runs_backwards_while_the_wall_clock_jumps_within_a_day(
            steps in proptest::collection::vec((0_i64..HOUR, -2 * HOUR..=2 * HOUR), 1..100),
        ) {
            let mut steady = Steady::begin(Timestamp(START), up(0), None);
            let (mut passed, mut last) = (0, Timestamp(START));
            for (span, off) in steps {
                passed += span;
                let now = steady.read(Timestamp(START + passed + off), up(passed));
                prop_assert!(now >= last);
                prop_assert!((now.0 - START - passed).abs() <= passed / 2_000 + 1);
                last = now;
            }
        }
    }
}
