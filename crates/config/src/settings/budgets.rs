//! `budgets`: how many tokens and how much money tenants and persons may use up.

use std::collections::BTreeMap;

use domain::budget::{Currency, Limit};
use domain::tenant::Tier;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::format::{Decimal, MoneyLimit, TimeZone, TokenLimit};

/// How many tokens and how much money may be used up. `openclaw budget set` goes before what is written here.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Budgets {
    /// Tokens of a tenant in 24 hours from the first use on, by its tier.
    pub tokens_per24h: TokensByTier,
    /// Money of a tenant in a day, in its currency; not counted when left out. `"unlimited"` counts it without
    /// a limit.
    pub money_per_day: Option<MoneyLimit>,
    /// Money of a tenant in a month, in its currency; not counted when left out. `"unlimited"` counts it
    /// without a limit.
    pub money_per_month: Option<MoneyLimit>,
    /// The currency of money limits.
    #[schemars(with = "String", extend("format" = "currency"))]
    pub currency: Currency,
    /// Where days and months begin at midnight, by its name in the IANA database.
    pub time_zone: TimeZone,
    /// Somebody is told when so much of a limit is used, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub warn_at_percent: u8,
    /// Nothing goes on when so much of a limit is used, in percent, until somebody approves. Off when left out.
    #[schemars(range(min = 1, max = 100))]
    pub approve_at_percent: Option<u8>,
    /// The same for each person who writes to a tenant.
    pub persons: PersonBudgets,
    /// What holds for single tenants instead, by their names.
    pub tenants: BTreeMap<String, TenantBudgets>,
    /// What the rates are counted in.
    #[schemars(with = "String", extend("format" = "currency"))]
    pub base_currency: Currency,
    /// How much of a currency makes one of `baseCurrency`, for example `{ RUB: 92.5 }`.
    #[schemars(with = "BTreeMap<String, Decimal>")]
    pub rates: BTreeMap<String, Decimal>,
}

/// Tokens by tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TokensByTier {
    /// For the tier `free`.
    pub free: TokenLimit,
    /// For the tier `standard`.
    pub standard: TokenLimit,
    /// For the tier `premium`.
    pub premium: TokenLimit,
    /// For the tier `admin`: a safety cap, off only with the word `"unlimited"`.
    pub admin: TokenLimit,
}

/// What each person may use up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PersonBudgets {
    /// Tokens of a person in 24 hours from the first use on, by their tier.
    pub tokens_per24h: TokensByTier,
    /// Money of a person in a day; not counted when left out.
    pub money_per_day: Option<MoneyLimit>,
    /// Money of a person in a month; not counted when left out.
    pub money_per_month: Option<MoneyLimit>,
}

/// What holds for one tenant instead.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantBudgets {
    /// Its tokens in 24 hours, whatever its tier.
    pub tokens_per24h: Option<TokenLimit>,
    /// Its money in a day.
    pub money_per_day: Option<MoneyLimit>,
    /// Its money in a month.
    pub money_per_month: Option<MoneyLimit>,
    /// Its currency.
    #[schemars(with = "Option<String>", extend("format" = "currency"))]
    pub currency: Option<Currency>,
    /// Its time zone.
    pub time_zone: Option<TimeZone>,
    /// When somebody is told, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub warn_at_percent: Option<u8>,
    /// When somebody must approve, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub approve_at_percent: Option<u8>,
    /// For each person who writes to it, whatever their tier.
    pub persons: OwnLimits,
}

/// Limits of each person of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnLimits {
    /// Tokens in 24 hours.
    pub tokens_per24h: Option<TokenLimit>,
    /// Money in a day.
    pub money_per_day: Option<MoneyLimit>,
    /// Money in a month.
    pub money_per_month: Option<MoneyLimit>,
}

// === impl Budgets ===

impl Default for Budgets {
    fn default() -> Self {
        Self {
            tokens_per24h: TokensByTier::default(),
            money_per_day: None,
            money_per_month: None,
            currency: Currency::USD,
            time_zone: TimeZone::default(),
            warn_at_percent: 75,
            approve_at_percent: None,
            persons: PersonBudgets::default(),
            tenants: BTreeMap::new(),
            base_currency: Currency::USD,
            rates: BTreeMap::new(),
        }
    }
}

// === impl TokensByTier ===

impl TokensByTier {
    /// The limit of a tier.
    #[must_use]
    pub fn of(&self, tier: Tier) -> Limit {
        match tier {
            Tier::Free => self.free.0,
            Tier::Standard => self.standard.0,
            Tier::Premium => self.premium.0,
            Tier::Admin => self.admin.0,
        }
    }
}

impl Default for TokensByTier {
    fn default() -> Self {
        let tokens = |most| TokenLimit(Limit::Max(most));
        Self {
            free: tokens(10_000),
            standard: tokens(100_000),
            premium: tokens(1_000_000),
            admin: tokens(10_000_000),
        }
    }
}
