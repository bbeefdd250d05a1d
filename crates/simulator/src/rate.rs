//! How often one may ask, counted as strictly as real servers do.
//!
//! Owns the memory of it, which is bounded by the limits themselves; refuses to wait.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often one may ask. `None`: as often as one likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// Requests to models that arrive within any second.
    pub per_second: Option<usize>,
    /// Requests to models that arrive within any 60 seconds.
    pub per_minute: Option<usize>,
    /// Requests that are being answered at once.
    pub concurrent: Option<u64>,
}

/// When requests arrived that were let in.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<VecDeque<Instant>>);

// === impl Arrivals ===

impl Arrivals {
    /// Lets a request in, or says when to come back. `running` counts those that are being answered, this one
    /// among them.
    pub fn admit(&self, rate: Rate, running: u64, now: Instant) -> Result<(), Duration> {
        if rate.concurrent.is_some_and(|most| running > most) {
            return Err(Duration::from_secs(1));
        }
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = [(rate.per_second, 1), (rate.per_minute, 60)];
        for (most, seconds) in windows {
            let Some(most) = most else { continue };
            let span = Duration::from_secs(seconds);
            // The one that must be forgotten before there is room.
            let oldest = arrivals.len().checked_sub(most.max(1)).and_then(|at| arrivals.get(at));
            let free = oldest.map(|oldest| *oldest + span).filter(|free| *free > now);
            if let Some(free) = free {
                return Err(free - now);
            }
        }
        arrivals.push_back(now);
        let most = rate.per_second.max(rate.per_minute).unwrap_or(0);
        while arrivals.len() > most {
            arrivals.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_often_is_told_when_to_come_back() {
        let (arrivals, now) = (Arrivals::default(), Instant::now());
        let rate = Rate { per_second: Some(2), per_minute: Some(3), concurrent: Some(4) };
        let at = |milliseconds| {
            arrivals
                .admit(rate, 1, now + Duration::from_millis(milliseconds))
                .map_err(|after| after.as_millis())
        };
        assert_eq!((at(0), at(400), at(600)), (Ok(()), Ok(()), Err(400)));
        assert_eq!((at(1_000), at(2_000)), (Ok(()), Err(58_000)));
        assert_eq!(at(60_000), Ok(()));
        assert!(arrivals.admit(rate, 5, now + Duration::from_secs(200)).is_err());
        assert_eq!(arrivals.0.lock().unwrap().len(), 3);
        assert_eq!(Arrivals::default().admit(Rate::default(), 900, now), Ok(()));
    }
}
