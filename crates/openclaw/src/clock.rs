//! The wall clock and the source of randomness of a running process.
//!
//! The only place that reads either; everything else is handed a [`domain::Clock`] or [`domain::Ids`].

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Ids, Timestamp, Uptime};
use uuid::Uuid;

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The random number generator of the operating system. That of the cryptographic library gathers noise of
/// its own before its first byte, which takes longer than most commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

/// Which start of the machine this is; of the process where the system does not say.
static BOOT: LazyLock<Uuid> = LazyLock::new(|| {
    let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let told = told.and_then(|text| text.trim().parse().ok());
    told.unwrap_or_else(|| SystemIds.uuid(SystemClock.now()))
});
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

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

    /// What Linux says, which counts sleep too; elsewhere how long the process has run.
    fn uptime(&self) -> Uptime {
        let told = std::fs::read_to_string("/proc/uptime").ok();
        let span = told.as_deref().and_then(seconds).unwrap_or_else(|| STARTED.elapsed());
        Uptime { boot: *BOOT, span }
    }
}

/// The first number of `/proc/uptime`, seconds with two digits behind the point (proc(5)).
fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = part.parse().ok().filter(|_| part.len() == 2)?;
    Some(Duration::from_secs(whole.parse().ok()?) + Duration::from_millis(hundredths * 10))
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
    fn the_uptime_is_read_to_a_hundredth_of_a_second_and_only_grows() {
        assert_eq!(seconds("350735.47 234388.90\n"), Some(Duration::from_millis(350_735_470)));
        for bad in ["", "x", "1", "1.2 3", "-1.00 2"] {
            assert_eq!(seconds(bad), None, "{bad:?}");
        }
        let (first, second) = (SystemClock.uptime(), SystemClock.uptime());
        assert!(first.span <= second.span && first.boot == second.boot, "{first:?} {second:?}");
    }

    #[test]
    fn now_is_after_this_was_written_and_ids_differ() {
        let now = SystemClock.now();
        assert!(now > Timestamp(1_767_225_600_000), "{now:?}");
        assert_ne!(SystemIds.uuid(now), SystemIds.uuid(now));
    }
}
