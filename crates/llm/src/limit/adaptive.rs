//! How many requests a model can work on at once, found out from how soon it begins to answer.
//!
//! Pure. Two published rules side by side, each for what it sees best. **Gradient2** (Netflix, concurrency-limits)
//! compares the time to the first token with what was usual: it notices a provider that slows down without a
//! word. Whole answers cannot be compared, since they take as long as they are long. **AIMD**, additive
//! increase and multiplicative decrease, takes a refusal for what it is: 429, 529 or no answer at all say
//! that there is too much on the way, however quick the others were.

use std::time::Duration;

/// The limit in the beginning, before anything is known.
const FIRST: f64 = 20.0;
/// The limit never falls below one: what is not asked cannot recover.
const LEAST: f64 = 1.0;
/// Requests that may wait inside the provider: how far the limit reaches beyond what is known to work.
const SPARE: f64 = 4.0;
/// The new limit counts so much, the one before the rest.
const SMOOTHING: f64 = 0.2;
/// A first token may take so many times what is usual before anything is cut.
const TOLERANCE: f64 = 1.5;
/// No single answer cuts more than this.
const STEEPEST: f64 = 0.5;
/// What is usual is an average over so many answers.
const MEMORY: f64 = 600.0;
/// What is seen now is an average over so many: a long prompt among short ones is no slower provider.
const GLANCE: f64 = 10.0;
/// The first answers are averaged plainly.
const WARM_UP: u32 = 10;
/// What is usual is more than so many times what is seen: it stems from a bad time and is forgotten sooner.
const OUTDATED: f64 = 2.0;
/// How much sooner, with every answer.
const FORGETTING: f64 = 0.95;
/// What a refusal leaves.
const BACK_OFF: f64 = 0.9;

/// The limit of one model.
#[derive(Debug, Clone)]
pub(crate) struct Adaptive {
    limit: f64,
    most: f64,
    /// What is usual, in seconds.
    usual: f64,
    /// What is seen now, in seconds.
    recent: f64,
    seen: u32,
}

// === impl Adaptive ===

impl Adaptive {
    /// The limit of a model of which nothing is known; it never grows beyond `most`.
    pub(crate) fn new(most: u64) -> Self {
        let most = as_float(most).max(LEAST);
        Self { limit: FIRST.min(most), most, usual: 0.0, recent: 0.0, seen: 0 }
    }

    /// How many requests may be on the way.
    pub(crate) fn limit(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between one and the most, which came from a whole number"
        )]
        let limit = self.limit as u64;
        limit.max(1)
    }

    /// Sets how far it may grow.
    pub(crate) fn set_most(&mut self, most: u64) {
        self.most = as_float(most).max(LEAST);
        self.limit = self.limit.min(self.most);
    }

    /// An answer began after this time, while so many were on the way, itself among them.
    pub(crate) fn began(&mut self, after: Duration, in_flight: u64) {
        // Clocks have steps; a time of nothing would make every other one look endless.
        self.remember(after.as_secs_f64().max(0.001));
        let gradient = gradient(self.usual, self.recent);
        // Who uses less than half of the limit learns nothing about it, except that something is wrong.
        if gradient >= 1.0 && as_float(in_flight) < self.limit / 2.0 {
            return;
        }
        self.limit = step(self.limit, gradient).clamp(LEAST, self.most);
    }

    /// A request was refused because there are too many, or not answered at all.
    pub(crate) fn refused(&mut self) {
        self.limit = (self.limit * BACK_OFF).max(LEAST);
    }

    fn remember(&mut self, seconds: f64) {
        self.seen = self.seen.saturating_add(1).min(WARM_UP + 1);
        let plain = 1.0 / f64::from(self.seen);
        let usual = if self.seen > WARM_UP { 2.0 / (MEMORY + 1.0) } else { plain };
        self.usual += (seconds - self.usual) * usual;
        self.recent += (seconds - self.recent) * plain.max(2.0 / (GLANCE + 1.0));
        if self.usual > OUTDATED * self.recent {
            self.usual *= FORGETTING;
        }
    }
}

/// How much less than before may be on the way: `clamp(tolerance * usual / recent, 0.5, 1)`.
fn gradient(usual: f64, recent: f64) -> f64 {
    (TOLERANCE * usual / recent).clamp(STEEPEST, 1.0)
}

/// The next limit: `(1 - smoothing) * limit + smoothing * (limit * gradient + spare)`.
fn step(limit: f64, gradient: f64) -> f64 {
    limit * (1.0 - SMOOTHING) + (limit * gradient + SPARE) * SMOOTHING
}

fn as_float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// After so many answers at this speed with the limit used up.
    fn after(adaptive: &mut Adaptive, answers: usize, time: Duration) -> u64 {
        for _ in 0..answers {
            let in_flight = adaptive.limit();
            adaptive.began(time, in_flight);
        }
        adaptive.limit()
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn one_step_is_the_published_formula() {
        // Twice as slow as usual: g = 1.5 / 2 = 0.75, L' = 0.8 * 40 + 0.2 * (40 * 0.75 + 4) = 38.8.
        assert!(close(gradient(1.0, 2.0), 0.75));
        assert!(close(step(40.0, 0.75), 38.8));
        // Ten times slower: the gradient is held at one half, L' = 0.8 * 40 + 0.2 * (20 + 4) = 36.8.
        assert!(close(step(40.0, gradient(1.0, 10.0)), 36.8));
        // Within the tolerance, and quicker than usual, it is one, L' = 0.8 * 40 + 0.2 * (40 + 4) = 40.8.
        assert!(close(step(40.0, gradient(1.0, 1.5)), 40.8));
        assert!(close(step(40.0, gradient(1.0, 0.1)), 40.8));
    }

    #[test]
    fn what_is_usual_is_an_exponential_average_over_six_hundred() {
        let mut adaptive = Adaptive::new(200);
        for _ in 0..10 {
            adaptive.began(SECOND, 1);
        }
        adaptive.began(SECOND * 2, 1);
        assert!(close(adaptive.usual, 1.0 + 2.0 / 601.0), "{adaptive:?}");
        assert!(close(adaptive.recent, 1.0 + 2.0 / 11.0), "{adaptive:?}");
    }

    #[test]
    fn a_refusal_leaves_nine_tenths_and_never_less_than_one() {
        let mut adaptive = Adaptive::new(200);
        adaptive.refused();
        assert!(close(adaptive.limit, 18.0));
        for _ in 0..100 {
            adaptive.refused();
        }
        assert_eq!(adaptive.limit(), 1);
        assert!(after(&mut adaptive, 40, SECOND) > 20, "and it recovers from there");
    }

    #[test]
    fn it_grows_while_nothing_slows_down_and_stops_at_the_most() {
        let mut adaptive = Adaptive::new(50);
        assert_eq!(after(&mut adaptive, 400, SECOND), 50);
        adaptive.set_most(10);
        assert_eq!(adaptive.limit(), 10);
        assert_eq!(Adaptive::new(3).limit(), 3);
    }

    #[test]
    fn who_does_not_use_it_does_not_raise_it() {
        let mut adaptive = Adaptive::new(200);
        for _ in 0..100 {
            adaptive.began(SECOND, 9);
        }
        assert_eq!(adaptive.limit(), 20);
    }

    #[test]
    fn ten_times_slower_cuts_it_and_the_usual_speed_brings_it_back() {
        let mut adaptive = Adaptive::new(200);
        let usual = after(&mut adaptive, 100, SECOND);
        let slow = after(&mut adaptive, 60, SECOND * 10);
        assert!(slow <= usual / 5, "{usual} to {slow}");
        let again = after(&mut adaptive, 120, SECOND);
        assert!(again >= usual * 9 / 10, "{slow} to {again}");
    }

    #[test]
    fn prompts_of_different_lengths_do_not_starve_a_model() {
        let mut adaptive = Adaptive::new(200);
        for number in 0..400 {
            let in_flight = adaptive.limit();
            let time = if number % 2 == 0 { SECOND / 2 } else { SECOND * 3 };
            adaptive.began(time, in_flight);
        }
        assert!(adaptive.limit() >= 20, "{adaptive:?}");
    }
}
