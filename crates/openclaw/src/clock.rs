//! The wall clock and the source of randomness of a running process.
//!
//! The only place that reads either; everything else is handed a [`domain::Clock`] or [`domain::Ids`].

use std::time::{SystemTime, UNIX_EPOCH};

use domain::{Clock, Ids, Timestamp};

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The random number generator of the operating system. That of the cryptographic library gathers noise of
/// its own before its first byte, which takes longer than most commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

// === impl SystemClock ===

impl Clock for SystemClock {
    /// The current moment; the epoch itself when the machine believes that it is earlier than that.
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where the wall clock enters the program"
        )]
        let now = SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

// === impl SystemIds ===

impl Ids for SystemIds {
    /// # Panics
    /// When the operating system gives no random bytes: going on would make guessable tokens.
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "without randomness every token would be guessable; there is no safe way on"
        )]
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_after_this_was_written_and_ids_differ() {
        let now = SystemClock.now();
        assert!(now > Timestamp(1_767_225_600_000), "{now:?}");
        assert_ne!(SystemIds.uuid(now), SystemIds.uuid(now));
    }
}
