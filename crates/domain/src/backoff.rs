//! How long to wait before trying again, and when to stop trying.

use std::time::Duration;

/// A doubling delay with a last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Delay after the first failed attempt.
    pub first: Duration,
    /// No delay is longer than this.
    pub longest: Duration,
    /// After this many failed attempts there is no further one.
    pub attempts: u32,
}

// === impl Backoff ===

impl Backoff {
    /// How a message that keeps failing is retried: five attempts, 2, 4, 8 and 16 seconds apart.
    pub const MESSAGE: Self =
        Self { first: Duration::from_secs(2), longest: Duration::from_secs(300), attempts: 5 };

    /// The delay after `failed` failed attempts (at least one), or `None` when that was the last one.
    #[must_use]
    pub fn delay(&self, failed: u32) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(31);
        Some(self.first.saturating_mul(1_u32 << doublings).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_then_ends() {
        let seconds = |failed| Backoff::MESSAGE.delay(failed).map(|delay| delay.as_secs());
        assert_eq!(
            (1..=5).map(seconds).collect::<Vec<_>>(),
            [Some(2), Some(4), Some(8), Some(16), None]
        );
        assert_eq!(seconds(u32::MAX), None);
    }
}
