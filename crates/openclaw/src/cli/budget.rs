//! `openclaw budget`: what can be asked about budgets.

use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand};
use domain::budget::{Limit, MOST, Subject, millionths};
use domain::{PersonKey, TenantSlug};

/// What to do with budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Show what is used, held and left of every budget.
    Show {
        /// Only this tenant's; without it, those of all tenants as a whole.
        tenant: Option<TenantSlug>,
        /// Only this person's, written account:peer.
        #[arg(long, value_name = "PERSON", requires = "tenant")]
        person: Option<PersonKey>,
    },
    /// Set a limit in place of the configured one; it counts from the next call on.
    #[command(group = ArgGroup::new("limits").required(true).multiple(true)
        .args(["tokens", "money_per_day", "money_per_month"]))]
    Set {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Tokens in 24 hours: a number, unlimited, or default for what is configured.
        #[arg(long, value_name = "NUMBER")]
        tokens: Option<TokenChange>,
        /// Money in a day, in the tenant's currency: a number, unlimited or default.
        #[arg(long, value_name = "NUMBER")]
        money_per_day: Option<MoneyChange>,
        /// Money in a month, in the tenant's currency: a number, unlimited or default.
        #[arg(long, value_name = "NUMBER")]
        money_per_month: Option<MoneyChange>,
    },
    /// Begin budgets anew, as if nothing had been used.
    Reset {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Show what was used, day by day and model by model.
    History {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// For how many days, today included.
        #[arg(long, value_name = "DAYS", default_value_t = 7)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=40))]
        days: u32,
    },
    /// Let somebody who waits for approval go on up to the limit.
    Approve {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
}

/// A tenant, or one person who writes to it.
#[derive(Debug, Clone, Args)]
pub struct Whose {
    /// The tenant.
    pub tenant: TenantSlug,
    /// One person who writes to it, written account:peer; without it, the tenant as a whole.
    #[arg(long, value_name = "PERSON")]
    pub person: Option<PersonKey>,
}

/// Another limit of tokens; `None` for what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenChange(pub Option<Limit>);

/// Another limit of money, in millionths; `None` for what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyChange(pub Option<Limit>);

// === impl Whose ===

impl Whose {
    /// Whose budgets they are.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.person.clone().map_or(Subject::Tenant, Subject::Person)
    }
}

// === impl TokenChange ===

impl FromStr for TokenChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|most| *most <= MOST);
        change(text, number)
            .map(Self)
            .ok_or_else(|| format!("wants a whole number up to {MOST}, unlimited or default"))
    }
}

// === impl MoneyChange ===

impl FromStr for MoneyChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        change(text, millionths).map(Self).ok_or_else(|| {
            format!("wants an amount like 12.50 up to {}, unlimited or default", MOST / 1_000_000)
        })
    }
}

fn change(text: &str, number: impl FnOnce(&str) -> Option<u64>) -> Option<Option<Limit>> {
    match text {
        "default" => Some(None),
        "unlimited" => Some(Some(Limit::Unlimited)),
        other => number(other).map(|most| Some(Limit::Max(most))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_unlimited_takes_a_limit_away() {
        assert_eq!("0".parse(), Ok(TokenChange(Some(Limit::Max(0)))));
        assert_eq!("unlimited".parse(), Ok(TokenChange(Some(Limit::Unlimited))));
        assert_eq!("default".parse(), Ok(MoneyChange(None)));
        assert_eq!("12.5".parse(), Ok(MoneyChange(Some(Limit::Max(12_500_000)))));
        for bad in ["", "-1", "1.5", "none", "inf", "1000000000000001", "1e3"] {
            assert!(bad.parse::<TokenChange>().is_err(), "{bad}");
        }
        for bad in ["", "-1", "1,5", "Unlimited", "NaN", "1000000001"] {
            assert!(bad.parse::<MoneyChange>().is_err(), "{bad}");
        }
    }
}
