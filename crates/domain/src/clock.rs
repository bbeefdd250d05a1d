//! Time and ids as things that are handed in, so that tests can move the one and foresee the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A moment: milliseconds since 1970-01-01T00:00:00Z. The same number in SQL, JSON and code.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// How long a machine has been up: a reading of a clock that nobody can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uptime {
    /// Which start of the machine. Readings of different boots have nothing to do with each other.
    pub boot: Uuid,
    /// How long ago that was.
    pub span: Duration,
}

/// Reads the clocks.
pub trait Clock: Send + Sync + 'static {
    /// The current moment on the wall clock, which somebody may set.
    fn now(&self) -> Timestamp;

    /// The reading of a clock that never jumps. Where there is none but the wall clock, what that shows.
    fn uptime(&self) -> Uptime {
        let span = Duration::from_millis(u64::try_from(self.now().0).unwrap_or(0));
        Uptime { boot: Uuid::nil(), span }
    }
}

/// Makes ids and other unguessable bytes.
pub trait Ids: Send + Sync + 'static {
    /// Fills the buffer with bytes that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]);

    /// A `UUIDv7` for the given moment: sortable by time, unguessable in its last 74 bits.
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(now.0.unsigned_abs(), &random).into_uuid()
    }
}

// === impl Timestamp ===

impl Timestamp {
    /// The moment this much later; the end of time when that would overflow.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment this much earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How much later this is than `earlier`; zero when it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_never_wrap() {
        assert_eq!(Timestamp(i64::MAX).after(Duration::from_secs(1)), Timestamp(i64::MAX));
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(1_500).since(Timestamp(500)), Duration::from_secs(1));
        assert_eq!(Timestamp(1_500).before(Duration::from_secs(1)), Timestamp(500));
    }
}
