//! How long many things took.

use std::time::Duration;

/// A sorted sample.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    sorted: Vec<Duration>,
}

// === impl Spread ===

impl Spread {
    /// Half of them took no longer.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.part(0.5)
    }

    /// This part of them, from 0 to 1, took no longer; nothing took no time.
    #[must_use]
    pub fn part(&self, part: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        // The nearest rank: of 100 values the 99th is that of the part 0.99.
        let rank = (part * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.saturating_sub(1).min(last)).copied().unwrap_or_default()
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sorted.len()
    }
}

impl FromIterator<Duration> for Spread {
    fn from_iter<T: IntoIterator<Item = Duration>>(values: T) -> Self {
        let mut sorted: Vec<Duration> = values.into_iter().collect();
        sorted.sort_unstable();
        Self { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_nearest_ranks() {
        let spread: Spread = (1..=100).rev().map(Duration::from_millis).collect();
        let part = |part| spread.part(part).as_millis();
        assert_eq!((part(0.0), part(0.5), part(0.99), part(1.0)), (1, 50, 99, 100));
        assert_eq!(Spread::default().median(), Duration::ZERO);
    }
}
