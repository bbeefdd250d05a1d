//! How full the pool is, as one number, and what follows from it.
//!
//! Pure. The formula and its weights are the platform's: `0.7 * queue + 0.3 * utilisation`. Utilisation
//! counts against the most workers there may be, not against those that happen to live: one busy worker of
//! one that was started is not a full pool.

/// How much waits and how much runs, against how much may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// Requests that wait.
    pub depth: usize,
    /// Requests that may wait.
    pub most_waiting: usize,
    /// Workers that run a turn.
    pub busy: usize,
    /// Workers that may run one.
    pub most_workers: usize,
}

/// What the queue counts for.
const QUEUE: f64 = 0.7;
/// What the workers count for.
const WORKERS: f64 = 0.3;
/// Below this the smallest pool is enough.
const CALM: f64 = 0.5;
/// From here on the largest pool is needed.
const TENSE: f64 = 0.8;

// === impl Pressure ===

impl Pressure {
    /// The level, 0 (nothing to do) to 1 (everything full).
    #[must_use]
    pub fn level(self) -> f64 {
        share(self.depth, self.most_waiting) * QUEUE + share(self.busy, self.most_workers) * WORKERS
    }

    /// Whether new work is refused.
    #[must_use]
    pub fn refuses(self, threshold: f64) -> bool {
        self.depth >= self.most_waiting || self.level() >= threshold
    }

    /// The number of waiting requests at which refusing begins while every worker is busy: 19 of 32 with the
    /// threshold of 0.7.
    #[must_use]
    pub fn refusing_depth(self, threshold: f64) -> usize {
        let full = Self { busy: self.most_workers, ..self };
        // More waiting is never less pressure, so half of what is left can be left out each time.
        let (mut depth, mut above) = (0, self.most_waiting);
        while depth < above {
            let middle = usize::midpoint(depth, above);
            if (Self { depth: middle, ..full }).refuses(threshold) {
                above = middle;
            } else {
                depth = middle + 1;
            }
        }
        depth
    }

    /// How near refusing is, 0 to 1. The level alone does not tell: it ends at the threshold, because what
    /// would raise it further is refused.
    #[must_use]
    pub fn saturation(self, threshold: f64) -> f64 {
        share(self.depth, self.refusing_depth(threshold))
    }

    /// How many workers this level calls for: the fewest below 0.5, the most from 0.8 on, in proportion
    /// between.
    #[must_use]
    pub fn suggested_workers(self, fewest: usize) -> usize {
        let (level, most) = (self.level(), self.most_workers);
        if level < CALM {
            return fewest.min(most);
        }
        let more = (1..=most.saturating_sub(fewest))
            .find(|&more| {
                share(more, most.saturating_sub(fewest)) >= (level - CALM) / (TENSE - CALM)
            })
            .unwrap_or(most.saturating_sub(fewest));
        (fewest + more).min(most)
    }
}

/// A part of a whole, at most 1. Of nothing, everything is taken.
fn share(part: usize, whole: usize) -> f64 {
    let of = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if part >= whole { 1.0 } else { of(part) / of(whole) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: Pressure = Pressure { depth: 0, most_waiting: 32, busy: 0, most_workers: 4 };

    #[test]
    fn the_documents_numbers() {
        let level = |depth, busy| Pressure { depth, busy, ..DEFAULT }.level();
        assert!((level(0, 0) - 0.0).abs() < 1e-9);
        assert!((level(0, 1) - 0.075).abs() < 1e-9, "one busy worker of four");
        assert!((level(16, 4) - 0.65).abs() < 1e-9);
        assert!((level(99, 4) - 1.0).abs() < 1e-9);
        assert_eq!(DEFAULT.refusing_depth(0.7), 19);
        assert!(!Pressure { depth: 18, busy: 4, ..DEFAULT }.refuses(0.7));
        assert!(Pressure { depth: 19, busy: 4, ..DEFAULT }.refuses(0.7));
        assert!((Pressure { depth: 19, busy: 4, ..DEFAULT }.saturation(0.7) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_size_follows_the_level() {
        let size = |depth, busy| {
            Pressure { depth, busy, most_waiting: 100, most_workers: 16 }.suggested_workers(4)
        };
        assert_eq!((size(0, 0), size(20, 16)), (4, 4));
        assert_eq!(size(50, 16), 10, "level 0.65 is half way from 0.5 to 0.8");
        assert_eq!((size(72, 16), size(100, 16)), (16, 16));
    }

    proptest! {
        #[test]
        fn more_of_anything_is_never_less_pressure(
            depth in 0_usize..200, busy in 0_usize..40, most_waiting in 1_usize..128,
            most_workers in 1_usize..32, threshold in 0.31_f64..=1.0, fewest in 1_usize..32,
        ) {
            let one = Pressure { depth, most_waiting, busy, most_workers };
            prop_assert!((0.0..=1.0).contains(&one.level()));
            for more in [Pressure { depth: depth + 1, ..one }, Pressure { busy: busy + 1, ..one }] {
                prop_assert!(more.level() >= one.level());
                prop_assert!(more.refuses(threshold) || !one.refuses(threshold));
                prop_assert!(more.suggested_workers(fewest) >= one.suggested_workers(fewest));
            }
            prop_assert!(one.suggested_workers(fewest) <= most_workers);
            prop_assert!(one.suggested_workers(fewest) >= fewest.min(most_workers));
            prop_assert!((0.0..=1.0).contains(&one.saturation(threshold)));
            let full = Pressure { busy: most_workers, ..one };
            prop_assert_eq!(full.saturation(threshold) >= 1.0, full.refuses(threshold));
            let first = (0..most_waiting).find(|&depth| Pressure { depth, ..full }.refuses(threshold));
            prop_assert_eq!(full.refusing_depth(threshold), first.unwrap_or(most_waiting));
        }
    }
}
