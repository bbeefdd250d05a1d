//! What has been taken out of one budget, and what may still be.
//!
//! Owns the one rule of admission and the rule of windows. The store says the same in SQL, where it is one
//! conditional statement; a test holds the two against each other.

use std::time::Duration;

use super::{Limit, Line, Standing, Window};
use crate::Timestamp;

/// What has been taken out of one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Used in the window.
    pub used: u64,
    /// Held by calls that are under way, whenever they began.
    pub reserved: u64,
    /// The window that is counted in.
    pub window: Window,
    /// Whether somebody approved of going on to the limit in this window.
    pub approved: bool,
    /// The limit that an operator set instead of the configured one.
    pub limit: Option<Limit>,
}

/// Why a call is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It could go beyond the limit.
    Exceeded(Standing),
    /// So much is used that somebody must approve first.
    NeedsApproval(Standing),
}

/// A window that ends later than one that begins now, by more than this, was begun by a clock that was far
/// ahead. It is brought back, and what was used in it stays used.
pub(super) const FAR: Duration = Duration::from_secs(24 * 60 * 60);

// === impl Balance ===

impl Balance {
    /// A budget that nobody has used. Its window is over, so that the first use begins one.
    #[must_use]
    pub fn unused() -> Self {
        let never = Timestamp(i64::MIN);
        let window = Window { from: never, until: never };
        Self { used: 0, reserved: 0, window, approved: false, limit: None }
    }

    /// The balance at a moment: a window that is over gives way to `next`, the one that begins now, and with
    /// it goes what was used, but not what calls under way hold.
    ///
    /// A window that is not over stays, however far the clock has gone back: so nothing begins anew twice.
    #[must_use]
    pub fn at(self, at: Timestamp, next: Window) -> Self {
        if self.window.until <= at {
            return Self { used: 0, window: next, approved: false, ..self };
        }
        if self.window.until > next.until.after(FAR) {
            return Self { window: next, ..self };
        }
        self
    }

    /// The balance after a call that may use up to `line.amount` was admitted.
    ///
    /// # Errors
    /// Why it is not.
    pub fn admit(self, line: &Line, at: Timestamp) -> Result<Self, Refused> {
        let now = self.at(at, line.window);
        let limit = now.limit.unwrap_or(line.limit);
        let standing = now.standing(line.limit);
        if limit.less(now.used.saturating_add(now.reserved)).is_some_and(|left| left < line.amount)
        {
            return Err(Refused::Exceeded(standing));
        }
        let pauses = |percent| limit.is_at(percent, now.used);
        if !now.approved && line.thresholds.approve.is_some_and(pauses) {
            return Err(Refused::NeedsApproval(standing));
        }
        Ok(Self { reserved: now.reserved.saturating_add(line.amount), ..now })
    }

    /// The balance after a call gave back what it held and used this much. A provider may have counted more
    /// than was held: that is used all the same.
    #[must_use]
    pub fn settle(self, held: u64, used: u64) -> Self {
        Self {
            used: self.used.saturating_add(used),
            reserved: self.reserved.saturating_sub(held),
            ..self
        }
    }

    /// How it stands against its own limit, else the configured one.
    #[must_use]
    pub fn standing(self, configured: Limit) -> Standing {
        let resets_at = (self.window.until.0 > 0).then_some(self.window.until);
        Standing::new(self.used, self.reserved, self.limit.unwrap_or(configured), resets_at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::budget::{Period, Subject, Thresholds, Unit};

    const HOUR: i64 = 60 * 60 * 1_000;

    fn line(amount: u64, limit: u64, at: i64) -> Line {
        Line {
            subject: Subject::Tenant,
            unit: Unit::Tokens,
            period: Period::Rolling,
            limit: Limit::Max(limit),
            thresholds: Thresholds::default(),
            window: Window::rolling(Timestamp(at)),
            amount,
        }
    }

    fn used(window: Window, used: u64) -> Balance {
        Balance { used, window, ..Balance::unused() }
    }

    #[test]
    fn three_calls_of_6000_on_10000_are_one() {
        let first = Balance::unused().admit(&line(6_000, 10_000, 1), Timestamp(1)).unwrap();
        for _ in 0..2 {
            let refused = first.admit(&line(6_000, 10_000, 2), Timestamp(2)).unwrap_err();
            let Refused::Exceeded(standing) = refused else { panic!("{refused:?}") };
            assert_eq!((standing.reserved, standing.remaining), (6_000, Some(4_000)));
        }
    }

    #[test]
    fn a_window_begins_with_the_first_use_and_ends_once() {
        let first = Balance::unused().admit(&line(5, 10, HOUR), Timestamp(HOUR)).unwrap();
        assert_eq!(first.window, Window::rolling(Timestamp(HOUR)));
        let spent = first.settle(5, 8);
        let early = Timestamp(25 * HOUR - 1);
        assert!(spent.admit(&line(5, 10, early.0), early).is_err());
        let late = Timestamp(25 * HOUR);
        let anew = spent.admit(&line(5, 10, late.0), late).unwrap();
        assert_eq!((anew.used, anew.window.from), (0, late));
        // Two hours back: the window has begun, so it goes on.
        let back = Timestamp(23 * HOUR);
        assert_eq!(anew.at(back, Window::rolling(back)), anew);
    }

    #[test]
    fn calls_under_way_count_in_the_next_window_too() {
        let held = Balance::unused().admit(&line(8, 10, 0), Timestamp(0)).unwrap();
        let tomorrow = Timestamp(24 * HOUR);
        assert!(held.admit(&line(3, 10, tomorrow.0), tomorrow).is_err());
        assert_eq!(held.admit(&line(2, 10, tomorrow.0), tomorrow).unwrap().reserved, 10);
    }

    #[test]
    fn a_window_from_a_clock_far_ahead_is_brought_back_and_forgets_nothing() {
        let ahead = used(Window::rolling(Timestamp(1_000 * HOUR)), 9);
        let at = Timestamp(HOUR);
        let now = ahead.at(at, Window::rolling(at));
        assert_eq!((now.used, now.window), (9, Window::rolling(at)));
    }

    #[test]
    fn approval_is_asked_for_by_what_is_used() {
        let pausing = |amount| Line {
            thresholds: Thresholds { warn: 75, approve: Some(90) },
            ..line(amount, 100, 0)
        };
        let at = Timestamp(1);
        let below = used(Window::rolling(Timestamp(0)), 89);
        assert!(below.admit(&pausing(11), at).is_ok());
        let pause = used(Window::rolling(Timestamp(0)), 90);
        assert!(matches!(pause.admit(&pausing(5), at), Err(Refused::NeedsApproval(_))));
        assert!(matches!(pause.admit(&pausing(11), at), Err(Refused::Exceeded(_))));
        assert!(Balance { approved: true, ..pause }.admit(&pausing(10), at).is_ok());
    }

    proptest! {
        /// Whatever calls come, in whatever order they end: what is used and held never exceeds the limit
        /// while providers count no more than was held.
        #[test]
        fn nothing_is_ever_overspent(
            limit in 0_u64..2_000,
            steps in proptest::collection::vec((0_u64..400, 0_u64..=100, any::<bool>()), 1..200),
        ) {
            let mut balance = Balance::unused();
            let mut open: Vec<(u64, u64)> = Vec::new();
            for (amount, percent, ends) in steps {
                if let Ok(admitted) = balance.admit(&line(amount, limit, 0), Timestamp(0)) {
                    balance = admitted;
                    open.push((amount, amount * percent / 100));
                }
                if ends && let Some((held, used)) = open.pop() {
                    balance = balance.settle(held, used);
                }
                prop_assert!(balance.used + balance.reserved <= limit);
                prop_assert_eq!(balance.reserved, open.iter().map(|(held, _)| held).sum::<u64>());
            }
        }

        /// However the clock jumps by up to two hours either way, a window that lasts 24 hours by the clock
        /// that is shown here begins anew at most once in any 20 hours that pass.
        #[test]
        fn no_jump_begins_a_window_twice(jumps in proptest::collection::vec(-2_i64..=2, 20)) {
            let mut balance = Balance::unused();
            let mut begun = 0;
            for (hour, jump) in (0_i64..).zip(jumps) {
                let at = Timestamp(1_000 * HOUR + (hour + jump) * HOUR);
                let next = balance.at(at, Window::rolling(at));
                begun += usize::from(next.window != balance.window);
                balance = next;
            }
            prop_assert_eq!(begun, 1);
        }
    }
}
