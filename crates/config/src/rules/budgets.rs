//! Budgets: limits that contradict each other, and money that nobody could count.

use std::collections::BTreeSet;

use domain::TenantSlug;
use domain::budget::{Currency, Limit};
use domain::tenant::Tier;

use super::Rules;
use crate::Config;
use crate::format::MoneyLimit;
use crate::key_path::KeyPath;
use crate::settings::budgets::{Budgets, TokensByTier};

pub(super) fn check(rules: &mut Rules<'_>, config: &Config) {
    let budgets = &config.budgets;
    let root = KeyPath::of(&["budgets"]);
    tiers(rules, &root, &budgets.tokens_per24h);
    tiers(rules, &root.key("persons"), &budgets.persons.tokens_per24h);
    money(rules, &root, budgets.money_per_day, budgets.money_per_month);
    let persons = &budgets.persons;
    money(rules, &root.key("persons"), persons.money_per_day, persons.money_per_month);
    percents(rules, &root, budgets.warn_at_percent, budgets.approve_at_percent);
    for (name, own) in &budgets.tenants {
        let path = root.key("tenants").key(name);
        if let Err(error) = name.parse::<TenantSlug>() {
            rules.refuse(&path.to_string(), error.to_string());
            continue;
        }
        let day = own.money_per_day.or(budgets.money_per_day);
        let month = own.money_per_month.or(budgets.money_per_month);
        money(rules, &path, day, month);
        let day = own.persons.money_per_day.or(persons.money_per_day);
        let month = own.persons.money_per_month.or(persons.money_per_month);
        money(rules, &path.key("persons"), day, month);
        let warn = own.warn_at_percent.unwrap_or(budgets.warn_at_percent);
        percents(rules, &path, warn, own.approve_at_percent.or(budgets.approve_at_percent));
    }
    rates(rules, config);
}

/// Each tier has everything that the one before has.
fn tiers(rules: &mut Rules<'_>, path: &KeyPath, tokens: &TokensByTier) {
    let path = path.key("tokensPer24h");
    for (lower, upper) in [
        (Tier::Free, Tier::Standard),
        (Tier::Standard, Tier::Premium),
        (Tier::Premium, Tier::Admin),
    ] {
        if exceeds(tokens.of(lower), tokens.of(upper)) {
            rules.refuse(
                &path.key(upper.as_str()).to_string(),
                format!("is less than {lower} has; a tier has at least what the one before has"),
            );
        }
    }
}

fn money(
    rules: &mut Rules<'_>,
    path: &KeyPath,
    day: Option<MoneyLimit>,
    month: Option<MoneyLimit>,
) {
    // A day without a limit beside a month with one is a choice: the month is the limit.
    if let (Some(MoneyLimit(day @ Limit::Max(_))), Some(MoneyLimit(month))) = (day, month)
        && exceeds(day, month)
    {
        rules.refuse(
            &path.key("moneyPerDay").to_string(),
            "is more than moneyPerMonth; a day cannot have more than its month",
        );
    }
}

fn percents(rules: &mut Rules<'_>, path: &KeyPath, warn: u8, approve: Option<u8>) {
    if approve.is_some_and(|approve| approve < warn) {
        rules.refuse(
            &path.key("approveAtPercent").to_string(),
            format!(
                "is below warnAtPercent ({warn}); nobody would be told before everything stops"
            ),
        );
    }
}

/// Where money is counted, every price can be said in the tenant's currency.
fn rates(rules: &mut Rules<'_>, config: &Config) {
    let budgets = &config.budgets;
    for name in budgets.rates.keys() {
        let path = KeyPath::of(&["budgets", "rates", name]);
        match name.parse::<Currency>() {
            Err(error) => rules.refuse(&path.to_string(), error.to_string()),
            Ok(currency) if currency == budgets.base_currency => {
                let message = "is baseCurrency itself, which is worth one; remove this";
                rules.refuse(&path.to_string(), message);
            }
            Ok(_) => {}
        }
    }
    let counted = counted(budgets);
    for (id, provider) in &config.models.providers {
        if !provider.models.iter().any(|model| model.cost.is_some()) {
            continue;
        }
        for currency in counted.iter().filter(|currency| **currency != provider.currency) {
            if budgets.rate(provider.currency, *currency).is_none() {
                rules.refuse(
                    &KeyPath::of(&["budgets", "rates"]).to_string(),
                    format!(
                        "lacks a rate: {id} is paid in {}, budgets are counted in {currency}, and rates are \
                         in {}",
                        provider.currency, budgets.base_currency
                    ),
                );
            }
        }
    }
}

/// The currencies that money limits are written in.
fn counted(budgets: &Budgets) -> BTreeSet<Currency> {
    let persons = &budgets.persons;
    let all = [
        budgets.money_per_day,
        budgets.money_per_month,
        persons.money_per_day,
        persons.money_per_month,
    ];
    let for_all = all.iter().any(Option::is_some);
    let mut counted: BTreeSet<Currency> = for_all.then_some(budgets.currency).into_iter().collect();
    for own in budgets.tenants.values() {
        let limits = [
            own.money_per_day,
            own.money_per_month,
            own.persons.money_per_day,
            own.persons.money_per_month,
        ];
        if for_all || limits.iter().any(Option::is_some) {
            counted.insert(own.currency.unwrap_or(budgets.currency));
        }
    }
    counted
}

fn exceeds(one: Limit, other: Limit) -> bool {
    match (one, other) {
        (_, Limit::Unlimited) => false,
        (Limit::Unlimited, Limit::Max(_)) => true,
        (Limit::Max(one), Limit::Max(other)) => one > other,
    }
}
