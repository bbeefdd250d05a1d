//! Budgets: how many tokens and how much money a tenant or a person may use up in a span of time.
//!
//! Owns the words, the sums and the refusal. Refuses to know where balances are kept, and every time zone:
//! the ends of calendar windows are handed in by whoever knows them.

mod balance;
mod exceeded;
mod price;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::tenant::UnknownWord;
use crate::{PersonKey, TenantSlug, Timestamp};

pub use balance::{Balance, Refused};
pub use exceeded::BudgetExceeded;
pub use price::{Price, Rate, millionths};

/// The largest limit, amount or price: sums of many of them still fit into 64 bits.
pub const MOST: u64 = 1_000_000_000_000_000;

/// A currency by its three letters (ISO 4217), such as `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The tenant's as a whole, whoever speaks.
    Tenant,
    /// One person's.
    Person(PersonKey),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Tokens: read, read from a cache, and written.
    Tokens,
    /// Money, in millionths of this currency.
    Money(Currency),
}

/// After what time a budget begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// 24 hours after its first use.
    Rolling,
    /// At midnight in the tenant's time zone.
    Day,
    /// At midnight before the first day of a month in the tenant's time zone.
    Month,
}

/// How much may be used up in one window. There is no word for "not said": what has no limit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this much.
    Max(u64),
    /// As much as is asked for. Only ever by explicit choice.
    Unlimited,
}

/// At which parts of a limit something happens before it is reached, in percent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Somebody is told.
    pub warn: u8,
    /// Nothing goes on until somebody approves.
    pub approve: Option<u8>,
}

/// The span in which use is counted together: from the first moment up to, not including, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: Timestamp,
    /// When the next one may begin.
    pub until: Timestamp,
}

/// One limit that a call must keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub subject: Subject,
    /// Of what.
    pub unit: Unit,
    /// In which span.
    pub period: Period,
    /// How much, unless an operator has changed it.
    pub limit: Limit,
    /// What happens before.
    pub thresholds: Thresholds,
    /// The window, should one begin now.
    pub window: Window,
    /// The most that the call can use up.
    pub amount: u64,
}

/// How a budget stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// What was used in this window.
    pub used: u64,
    /// What calls that are under way may still use.
    pub reserved: u64,
    /// How much there is in all.
    pub limit: Limit,
    /// What the next call may use; `None` where there is no limit.
    pub remaining: Option<u64>,
    /// What was used, in percent of the limit, rounded down; zero where there is no limit.
    pub percent: u64,
    /// When the window ends; `None` when none has begun.
    pub resets_at: Option<Timestamp>,
}

/// A threshold was crossed for the first time in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
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
}

/// Text that names nothing that is counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWord {
    /// Not a currency.
    #[error("a currency has three capital letters, for example USD; {0:?} has not")]
    Currency(String),
}

// === impl Currency ===

impl Default for Currency {
    fn default() -> Self {
        Self::USD
    }
}

impl Currency {
    /// The dollar, in which model providers name their prices unless they say otherwise.
    pub const USD: Self = Self(*b"USD");

    /// Its three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = BadWord;

    fn from_str(text: &str) -> Result<Self, BadWord> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(BadWord::Currency(crate::text::one_line(text, 32))),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

// === impl Subject ===

impl Subject {
    /// The person, when it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonKey> {
        match self {
            Self::Tenant => None,
            Self::Person(person) => Some(person),
        }
    }
}

impl Serialize for Subject {
    /// `"tenant"`, or `account:peer`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tenant => serializer.serialize_str("tenant"),
            Self::Person(person) => serializer.collect_str(person),
        }
    }
}

// === impl Unit ===

impl Unit {
    /// An amount as people write it: `1200 tokens`, `0.75 USD`.
    #[must_use]
    pub fn amount(self, amount: u64) -> String {
        match self {
            Self::Tokens => format!("{amount} tokens"),
            Self::Money(currency) => format!("{} {currency}", price::decimal(amount)),
        }
    }

    /// The number alone, as an operator types it.
    #[must_use]
    pub fn number(self, amount: u64) -> String {
        match self {
            Self::Tokens => amount.to_string(),
            Self::Money(_) => price::decimal(amount),
        }
    }

    /// The currency, when money is counted.
    #[must_use]
    pub fn currency(self) -> Option<Currency> {
        match self {
            Self::Tokens => None,
            Self::Money(currency) => Some(currency),
        }
    }
}

impl fmt::Display for Unit {
    /// `tokens`, or the letters of the currency; also in SQL, where what was counted in one currency is never
    /// taken for another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens => f.write_str("tokens"),
            Self::Money(currency) => currency.fmt(f),
        }
    }
}

impl FromStr for Unit {
    type Err = BadWord;

    fn from_str(text: &str) -> Result<Self, BadWord> {
        match text {
            "tokens" => Ok(Self::Tokens),
            other => other.parse().map(Self::Money),
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Period ===

impl Period {
    /// The length of a window that begins with its first use.
    pub const ROLLING: Duration = Duration::from_secs(24 * 60 * 60);

    /// The word used in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "24h",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// As it stands in a sentence.
    #[must_use]
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Rolling => "in 24 hours",
            Self::Day => "a day",
            Self::Month => "a month",
        }
    }
}

impl FromStr for Period {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Rolling, Self::Day, Self::Month]
            .into_iter()
            .find(|period| period.as_str() == text)
            .ok_or_else(|| UnknownWord {
                word: crate::text::one_line(text, 32),
                known: "24h, day, month",
            })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Limit ===

impl Limit {
    /// What is left of it; `None` where there is no limit.
    #[must_use]
    pub fn less(self, taken: u64) -> Option<u64> {
        match self {
            Self::Max(most) => Some(most.saturating_sub(taken)),
            Self::Unlimited => None,
        }
    }

    /// Whether that much of it, in percent, has been taken.
    #[must_use]
    pub fn is_at(self, percent: u8, taken: u64) -> bool {
        match self {
            Self::Max(most) => u128::from(taken) * 100 >= u128::from(most) * u128::from(percent),
            Self::Unlimited => false,
        }
    }
}

impl Serialize for Limit {
    /// A number, or the word `unlimited`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Max(most) => serializer.serialize_u64(*most),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

// === impl Thresholds ===

impl Default for Thresholds {
    fn default() -> Self {
        Self { warn: 75, approve: None }
    }
}

// === impl Window ===

impl Window {
    /// The window of [`Period::Rolling`] that begins at this moment.
    #[must_use]
    pub fn rolling(at: Timestamp) -> Self {
        Self { from: at, until: at.after(Period::ROLLING) }
    }
}

// === impl Standing ===

impl Standing {
    /// How these numbers stand against a limit.
    #[must_use]
    pub fn new(used: u64, reserved: u64, limit: Limit, resets_at: Option<Timestamp>) -> Self {
        let percent = match limit {
            Limit::Max(0) => 100,
            Limit::Max(most) => {
                u64::try_from(u128::from(used) * 100 / u128::from(most)).unwrap_or(u64::MAX)
            }
            Limit::Unlimited => 0,
        };
        let remaining = limit.less(used.saturating_add(reserved));
        Self { used, reserved, limit, remaining, percent, resets_at }
    }
}
