//! The refusal: which limit, how it stands, when it begins anew, and how to raise it.

use std::time::Duration;

use super::{Limit, Period, Standing, Subject, Unit};
use crate::{Coded, Kind, TenantSlug};

/// A call was not made because a budget does not allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct BudgetExceeded {
    /// Which tenant.
    pub tenant: TenantSlug,
    /// Whose budget.
    pub subject: Subject,
    /// Of what.
    pub unit: Unit,
    /// In which span.
    pub period: Period,
    /// How it stands.
    pub standing: Standing,
    /// What the call could have used.
    pub asked: u64,
    /// Whether it would go on if somebody approved.
    pub needs_approval: bool,
    /// When asking again makes sense.
    pub retry_after: Duration,
}

/// While calls under way hold what is missing, it may come back at any moment.
const SOON: Duration = Duration::from_secs(5);

// === impl BudgetExceeded ===

impl BudgetExceeded {
    /// When asking again makes sense: soon, when calls under way hold what is missing, else when the budget
    /// begins anew.
    #[must_use]
    pub fn retry_after(standing: &Standing, asked: u64, until_reset: Duration) -> Duration {
        match standing.limit.less(standing.used) {
            Some(left) if left >= asked && standing.reserved > 0 => SOON.min(until_reset),
            _ => until_reset,
        }
    }

    /// The command that lets the tenant go on.
    #[must_use]
    pub fn remedy(&self) -> String {
        let person = match &self.subject {
            Subject::Tenant => String::new(),
            Subject::Person(person) => format!(" --person {person}"),
        };
        if self.needs_approval {
            return format!("openclaw budget approve {}{person}", self.tenant);
        }
        let option = match self.period {
            Period::Rolling => "--tokens",
            Period::Day => "--money-per-day",
            Period::Month => "--money-per-month",
        };
        format!("openclaw budget set {}{person} {option} NUMBER", self.tenant)
    }

    fn sentence(&self) -> String {
        let Standing { used, reserved, limit, remaining, percent, .. } = self.standing;
        let whose = match &self.subject {
            Subject::Tenant => format!("the tenant {}", self.tenant),
            Subject::Person(person) => format!("{person} at the tenant {}", self.tenant),
        };
        let unit = self.unit;
        let limit = match limit {
            Limit::Max(most) => unit.amount(most),
            Limit::Unlimited => "no limit".to_owned(),
        };
        let spoken = self.period.spoken();
        let again = span(self.retry_after);
        let remedy = self.remedy();
        if self.needs_approval {
            return format!(
                "{whose} has used {} of {limit} {spoken} ({percent} %) and waits for approval; \
                 approve with `{remedy}`, or wait {again}",
                unit.number(used)
            );
        }
        format!(
            "the budget of {whose} is {limit} {spoken}: {} used, {} held by calls under way, {} left, and \
             this call may need {}; try again in {again}, or raise it with `{remedy}`",
            unit.number(used),
            unit.number(reserved),
            unit.number(remaining.unwrap_or(0)),
            unit.number(self.asked),
        )
    }
}

impl Coded for BudgetExceeded {
    fn kind(&self) -> Kind {
        Kind::Exhausted { retry_after: self.retry_after }
    }

    fn code(&self) -> &'static str {
        match self.unit {
            _ if self.needs_approval => "budget-approval-needed",
            Unit::Tokens => "token-budget-exceeded",
            Unit::Money(_) => "money-budget-exceeded",
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a program that reads JSON has no more than 2^53 either"
    )]
    fn figures(&self) -> Vec<(&'static str, f64)> {
        let Standing { used, reserved, limit, remaining, resets_at, .. } = self.standing;
        let limit = match limit {
            Limit::Max(most) => Some(most as f64),
            Limit::Unlimited => None,
        };
        let always =
            [("used", used as f64), ("reserved", reserved as f64), ("asked", self.asked as f64)];
        let known = [
            ("limit", limit),
            ("remaining", remaining.map(|remaining| remaining as f64)),
            ("resetsAt", resets_at.map(|at| at.0 as f64)),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        always.into_iter().chain(known).collect()
    }
}

/// A span in its two largest units, rounded up to whole seconds.
fn span(span: Duration) -> String {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PersonKey;
    use crate::Timestamp;

    fn exceeded(unit: Unit, period: Period) -> BudgetExceeded {
        let standing =
            Standing::new(9_000_000, 500_000, Limit::Max(10_000_000), Some(Timestamp(7)));
        BudgetExceeded {
            tenant: "aliya".parse().unwrap(),
            subject: Subject::Tenant,
            unit,
            period,
            standing,
            asked: 750_000,
            needs_approval: false,
            retry_after: Duration::from_secs(19_920),
        }
    }

    #[test]
    fn says_which_limit_how_it_stands_and_how_to_raise_it() {
        assert_eq!(
            exceeded(Unit::Tokens, Period::Rolling).to_string(),
            "the budget of the tenant aliya is 10000000 tokens in 24 hours: 9000000 used, 500000 held by \
             calls under way, 500000 left, and this call may need 750000; try again in 5 h 32 min, or raise \
             it with `openclaw budget set aliya --tokens NUMBER`"
        );
        let mut money = exceeded(Unit::Money(Currency::USD), Period::Day);
        money.subject = Subject::Person(PersonKey { account: "web".into(), peer: "anna".into() });
        assert_eq!(
            money.to_string(),
            "the budget of web:anna at the tenant aliya is 10.00 USD a day: 9.00 used, 0.50 held by calls \
             under way, 0.50 left, and this call may need 0.75; try again in 5 h 32 min, or raise it with \
             `openclaw budget set aliya --person web:anna --money-per-day NUMBER`"
        );
        money.needs_approval = true;
        assert_eq!(
            money.to_string(),
            "web:anna at the tenant aliya has used 9.00 of 10.00 USD a day (90 %) and waits for approval; \
             approve with `openclaw budget approve aliya --person web:anna`, or wait 5 h 32 min"
        );
        assert_eq!(money.code(), "budget-approval-needed");
    }

    #[test]
    fn what_calls_under_way_hold_may_come_back_soon() {
        let hour = Duration::from_secs(3_600);
        let after = |used, asked| {
            let standing = Standing::new(used, 500, Limit::Max(1_000), None);
            BudgetExceeded::retry_after(&standing, asked, hour)
        };
        assert_eq!(after(0, 600), SOON);
        assert_eq!(after(500, 600), hour);
        assert_eq!(after(0, 1_001), hour, "it never fits; the window's end is as good as any");
    }

    use crate::budget::Currency;
}
