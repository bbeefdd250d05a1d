//! What the settings say about the budgets of one call: which limits it must keep, and what it can cost at most.
//!
//! Owns time zones and prices; refuses to know what has been used.

use domain::budget::{
    Currency, Limit, Line, Period, Price, Rate, Subject, Thresholds, Unit, Window,
};
use domain::tenant::Tier;
use domain::{Coded, Kind, PersonKey, TenantSlug, Timestamp};
use jiff::{ToSpan as _, Zoned};

use crate::Config;
use crate::format::{ModelRef, MoneyLimit, of_number};
use crate::settings::budgets::{Budgets, TenantBudgets};
use crate::settings::models::{Cost, Models};

/// A call to a model, before it is made.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// For which tenant.
    pub tenant: &'a TenantSlug,
    /// The tenant's tier.
    pub tier: Tier,
    /// For which person, and their tier; `None` when nobody is known.
    pub person: Option<(&'a PersonKey, Tier)>,
    /// Every model that may answer, `provider/model`; empty when none of them is paid for.
    pub models: &'a [ModelRef],
    /// Tokens that will be read, or a few more.
    pub prompt: u64,
    /// Tokens that may be written.
    pub output: u64,
    /// Now, by the time of budgets.
    pub at: Timestamp,
}

/// One limit that is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Of what.
    pub unit: Unit,
    /// In which span.
    pub period: Period,
    /// How much.
    pub limit: Limit,
}

/// Why nobody can say what a call costs. Where money is counted, it is then not made: a price that is not known
/// is not zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// The model has no price.
    #[error(
        "money is counted for the tenant {tenant}, and the model {model} has no price; write its cost under \
         models.providers, zero if it is free"
    )]
    Model {
        /// For whom.
        tenant: TenantSlug,
        /// Which model.
        model: String,
    },
    /// The price is in another currency, and no rate leads there.
    #[error(
        "money of the tenant {tenant} is counted in {to}, and the model {model} is paid in {from}; write \
         the rate under budgets.rates"
    )]
    Rate {
        /// For whom.
        tenant: TenantSlug,
        /// Which model.
        model: String,
        /// The currency of its price.
        from: Currency,
        /// The currency of the budget.
        to: Currency,
    },
}

// === impl Config ===

impl Config {
    /// The limits that a call must keep, and what it can use up of each at most.
    ///
    /// # Errors
    /// [`Unpriced`] when money is counted and the price of a model that may answer is not known.
    pub fn budget_lines(&self, call: &Call<'_>) -> Result<Vec<Line>, Unpriced> {
        let budgets = &self.budgets;
        let own = budgets.terms(call.tenant, call.tier);
        let mut lines = Vec::new();
        let mut add = |subject: Subject, terms: Vec<Term>| -> Result<(), Unpriced> {
            for Term { unit, period, limit } in terms {
                let amount = match unit {
                    Unit::Tokens => call.prompt.saturating_add(call.output),
                    Unit::Money(_) => self.dearest(call)?,
                };
                lines.push(Line {
                    subject: subject.clone(),
                    unit,
                    period,
                    limit,
                    thresholds: budgets.thresholds(call.tenant),
                    window: budgets.window(call.tenant, period, call.at),
                    amount,
                });
            }
            Ok(())
        };
        add(Subject::Tenant, own)?;
        if let Some((person, tier)) = call.person {
            add(Subject::Person(person.clone()), budgets.person_terms(call.tenant, tier))?;
        }
        Ok(lines)
    }

    /// What a model costs, in the currency of a tenant.
    ///
    /// # Errors
    /// When nobody can say.
    pub fn price(&self, tenant: &TenantSlug, model: &ModelRef) -> Result<Price, Unpriced> {
        let missing =
            || Unpriced::Model { tenant: tenant.clone(), model: model.as_str().to_owned() };
        let price = self.models.price(model).ok_or_else(missing)?;
        let to = self.budgets.currency_of(tenant);
        if price.currency == to {
            return Ok(price);
        }
        let rate = self.budgets.rate(price.currency, to).ok_or_else(|| Unpriced::Rate {
            tenant: tenant.clone(),
            model: model.as_str().to_owned(),
            from: price.currency,
            to,
        })?;
        Ok(price.exchanged(to, rate))
    }

    /// The most that a call costs, whichever of its models answers.
    fn dearest(&self, call: &Call<'_>) -> Result<u64, Unpriced> {
        call.models.iter().try_fold(0, |most: u64, model| {
            Ok(most.max(self.price(call.tenant, model)?.most(call.prompt, call.output)))
        })
    }
}

// === impl Budgets ===

impl Budgets {
    /// The limits of a tenant.
    #[must_use]
    pub fn terms(&self, tenant: &TenantSlug, tier: Tier) -> Vec<Term> {
        let own = self.own(tenant);
        let tokens = own.and_then(|own| own.tokens_per24h).map(|tokens| tokens.0);
        let day = own.and_then(|own| own.money_per_day).or(self.money_per_day);
        let month = own.and_then(|own| own.money_per_month).or(self.money_per_month);
        let tokens = tokens.unwrap_or_else(|| self.tokens_per24h.of(tier));
        terms(tokens, self.currency_of(tenant), day, month)
    }

    /// The limits of each person of that tier who writes to a tenant.
    #[must_use]
    pub fn person_terms(&self, tenant: &TenantSlug, tier: Tier) -> Vec<Term> {
        let own = self.own(tenant).map(|own| &own.persons);
        let tokens = own.and_then(|own| own.tokens_per24h).map(|tokens| tokens.0);
        let day = own.and_then(|own| own.money_per_day).or(self.persons.money_per_day);
        let month = own.and_then(|own| own.money_per_month).or(self.persons.money_per_month);
        let tokens = tokens.unwrap_or_else(|| self.persons.tokens_per24h.of(tier));
        terms(tokens, self.currency_of(tenant), day, month)
    }

    /// What happens before a limit of a tenant is reached.
    #[must_use]
    pub fn thresholds(&self, tenant: &TenantSlug) -> Thresholds {
        let own = self.own(tenant);
        Thresholds {
            warn: own.and_then(|own| own.warn_at_percent).unwrap_or(self.warn_at_percent),
            approve: own.and_then(|own| own.approve_at_percent).or(self.approve_at_percent),
        }
    }

    /// The currency that a tenant's money is counted in.
    #[must_use]
    pub fn currency_of(&self, tenant: &TenantSlug) -> Currency {
        self.own(tenant).and_then(|own| own.currency).unwrap_or(self.currency)
    }

    /// The window of a period that holds this moment, or begins with it.
    #[must_use]
    pub fn window(&self, tenant: &TenantSlug, period: Period, at: Timestamp) -> Window {
        let zone = self.zone(tenant);
        let local = || jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(zone.clone()));
        let calendar = match period {
            Period::Rolling => return Window::rolling(at),
            Period::Day => local().and_then(|local| day(&local)),
            Period::Month => local().and_then(|local| month(&local)),
        };
        // Only at the end of all calendars.
        calendar.unwrap_or_else(|_| Window::rolling(at))
    }

    /// The date at a tenant at that moment, `2026-11-20`.
    #[must_use]
    pub fn date(&self, tenant: &TenantSlug, at: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(at.0)
            .map(|at| at.to_zoned(self.zone(tenant).clone()).date().to_string())
            .unwrap_or_default()
    }

    /// What leads from one currency to another.
    pub(crate) fn rate(&self, from: Currency, to: Currency) -> Option<Rate> {
        let worth = |currency: Currency| match self.rates.get(currency.as_str()) {
            Some(rate) => Some(rate.0),
            None => (currency == self.base_currency).then_some(1_000_000),
        };
        Some(Rate { from: worth(from)?, to: worth(to)? })
    }

    fn zone(&self, tenant: &TenantSlug) -> &jiff::tz::TimeZone {
        let own = self.own(tenant).and_then(|own| own.time_zone.as_ref());
        own.unwrap_or(&self.time_zone).rules()
    }

    fn own(&self, tenant: &TenantSlug) -> Option<&TenantBudgets> {
        self.tenants.get(tenant.as_str())
    }
}

// === impl Models ===

impl Models {
    /// What is written of a model's price; `None` when nothing is.
    #[must_use]
    pub fn price(&self, model: &ModelRef) -> Option<Price> {
        let (provider, model) = model.split()?;
        let provider = self.providers.get(provider)?;
        let Cost { input, output, cache_read, cache_write } = provider.model(model)?.cost?;
        let input = of_number(input).ok()?;
        let part = |part: Option<f64>| part.map_or(Ok(input), of_number).ok();
        Some(Price {
            currency: provider.currency,
            input,
            output: of_number(output).ok()?,
            cache_read: part(cache_read)?,
            cache_write: part(cache_write)?,
        })
    }
}

// === impl Unpriced ===

impl Coded for Unpriced {
    fn kind(&self) -> Kind {
        Kind::Forbidden
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Model { .. } => "model-price-missing",
            Self::Rate { .. } => "exchange-rate-missing",
        }
    }
}

fn terms(
    tokens: Limit,
    currency: Currency,
    day: Option<MoneyLimit>,
    month: Option<MoneyLimit>,
) -> Vec<Term> {
    let money = |period| {
        move |limit: MoneyLimit| Term { unit: Unit::Money(currency), period, limit: limit.0 }
    };
    let tokens = Term { unit: Unit::Tokens, period: Period::Rolling, limit: tokens };
    let (day, month) = (day.map(money(Period::Day)), month.map(money(Period::Month)));
    [Some(tokens), day, month].into_iter().flatten().collect()
}

fn day(local: &Zoned) -> Result<Window, jiff::Error> {
    span(&local.start_of_day()?, &local.tomorrow()?.start_of_day()?)
}

fn month(local: &Zoned) -> Result<Window, jiff::Error> {
    let first = local.first_of_month()?;
    span(&first.start_of_day()?, &first.checked_add(1.month())?.start_of_day()?)
}

fn span(from: &Zoned, until: &Zoned) -> Result<Window, jiff::Error> {
    let moment = |at: &Zoned| Timestamp(at.timestamp().as_millisecond());
    Ok(Window { from: moment(from), until: moment(until) })
}

#[cfg(test)]
mod tests;
