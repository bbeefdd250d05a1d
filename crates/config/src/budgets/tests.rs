//! Limits, prices and windows, as an operator would count them.

use proptest::prelude::*;

use super::*;
use crate::{Env, Paths};

const HOUR: i64 = 3_600_000;

fn config(text: &str) -> Config {
    let paths = Paths { config: "/nowhere/openclaw.json".into(), state: "/nowhere".into() };
    crate::load::load_text(&paths, &Env::default(), text.to_owned()).unwrap().config
}

fn slug(text: &str) -> TenantSlug {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn call<'a>(tenant: &'a TenantSlug, models: &'a [ModelRef]) -> Call<'a> {
    Call {
        tenant,
        tier: Tier::Free,
        person: None,
        models,
        prompt: 6_000,
        output: 4_096,
        at: at("2026-11-20T12:00:00Z"),
    }
}

const PRICED: &str = "models: { providers: {
    dear: { baseUrl: 'http://h', models: [{ id: 'a/b', cost: { input: 3, output: 15 } }] },
    ru: { baseUrl: 'http://h', currency: 'RUB', models: [
        { id: 'm', cost: { input: 92.5, output: 185, cacheRead: 0, cacheWrite: 100 } }, { id: 'unknown' }] },
} }";

#[test]
fn without_a_word_the_tiers_of_the_platform_hold() {
    let budgets = Config::default().budgets;
    let limit = |tier| budgets.terms(&slug("main"), tier);
    for (tier, most) in [
        (Tier::Free, 10_000),
        (Tier::Standard, 100_000),
        (Tier::Premium, 1_000_000),
        (Tier::Admin, 10_000_000),
    ] {
        let tokens = Term { unit: Unit::Tokens, period: Period::Rolling, limit: Limit::Max(most) };
        assert_eq!(limit(tier), [tokens]);
        assert_eq!(budgets.person_terms(&slug("main"), tier), [tokens]);
    }
}

#[test]
fn what_is_written_for_a_tenant_goes_first() {
    let config = config(
        "{ budgets: { tokensPer24h: { admin: 'unlimited' }, moneyPerDay: 5, warnAtPercent: 60,
            persons: { moneyPerMonth: 1.5 },
            tenants: { aliya: { tokensPer24h: 42, moneyPerDay: 'unlimited', moneyPerMonth: 100, currency: 'KZT',
                approveAtPercent: 90, persons: { tokensPer24h: 7 } } } } }",
    );
    let budgets = config.budgets;
    assert_eq!(budgets.terms(&slug("main"), Tier::Admin)[0].limit, Limit::Unlimited);
    assert_eq!(budgets.terms(&slug("main"), Tier::Free).len(), 2);
    let own = budgets.terms(&slug("aliya"), Tier::Admin);
    let limits: Vec<_> =
        own.iter().map(|term| (term.unit.to_string(), term.period, term.limit)).collect();
    assert_eq!(
        limits,
        [
            ("tokens".to_owned(), Period::Rolling, Limit::Max(42)),
            ("KZT".to_owned(), Period::Day, Limit::Unlimited),
            ("KZT".to_owned(), Period::Month, Limit::Max(100_000_000)),
        ]
    );
    let persons = budgets.person_terms(&slug("aliya"), Tier::Premium);
    let limits: Vec<_> = persons.iter().map(|term| term.limit).collect();
    assert_eq!(limits, [Limit::Max(7), Limit::Max(1_500_000)]);
    assert_eq!(budgets.thresholds(&slug("aliya")), Thresholds { warn: 60, approve: Some(90) });
}

#[test]
fn a_call_holds_its_prompt_and_its_longest_answer_at_the_dearest_price() {
    let config =
        config(&format!("{{ budgets: {{ moneyPerDay: 5, rates: {{ RUB: 92.5 }} }}, {PRICED} }}"));
    let (main, models) = (slug("main"), [ModelRef::new("ru/m"), ModelRef::new("dear/a/b")]);
    let person = PersonKey { account: "web".into(), peer: "anna".into() };
    let asked = Call { person: Some((&person, Tier::Premium)), ..call(&main, &models) };
    let lines = config.budget_lines(&asked).unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.subject.person().is_some(), line.unit, line.amount))
        .collect();
    // 6000 at 3 and 4096 at 15 dollars for a million, in millionths.
    let dollars = 18_000 + 61_440;
    assert_eq!(
        told,
        [
            (false, Unit::Tokens, 10_096),
            (false, Unit::Money(Currency::USD), dollars),
            (true, Unit::Tokens, 10_096),
        ]
    );
    assert_eq!(lines[2].limit, Limit::Max(1_000_000));
    let roubles = config.price(&main, &models[0]).unwrap();
    assert_eq!((roubles.input, roubles.output), (1_000_000, 2_000_000));
    assert_eq!((roubles.cache_read, roubles.cache_write), (0, 1_081_082), "rounded up");
    let dear = config.price(&main, &models[1]).unwrap();
    assert_eq!(dear.cache_read, 3_000_000, "what is not written costs what reading costs");
}

#[test]
fn a_price_that_is_not_known_is_not_zero() {
    let main = slug("main");
    for model in ["ru/unknown", "nobody/x", "alias"] {
        let models = [ModelRef::new("dear/a/b"), ModelRef::new(model)];
        let counting = config(&format!(
            "{{ budgets: {{ moneyPerDay: 'unlimited', rates: {{ RUB: 1 }} }}, {PRICED} }}"
        ));
        let refused = counting.budget_lines(&call(&main, &models)).unwrap_err();
        assert_eq!(refused.code(), "model-price-missing");
        assert!(refused.to_string().contains(model), "{refused}");
        let plain = config(&format!("{{ {PRICED} }}"));
        assert_eq!(
            plain.budget_lines(&call(&main, &models)).unwrap().len(),
            1,
            "nobody counts money"
        );
        assert!(counting.budget_lines(&call(&main, &[])).is_ok(), "nothing of it is paid for");
    }
    let refused =
        config(&format!("{{ {PRICED} }}")).price(&main, &ModelRef::new("ru/m")).unwrap_err();
    assert_eq!(refused.code(), "exchange-rate-missing");
}

#[test]
fn days_and_months_end_at_midnight_where_the_tenant_is() {
    let config = config(
        "{ budgets: { timeZone: 'America/New_York', tenants: {
            almaty: { timeZone: 'Asia/Almaty' }, beirut: { timeZone: 'Asia/Beirut' } } } }",
    );
    let window = |tenant: &str, period, moment: &str| {
        config.budgets.window(&slug(tenant), period, at(moment))
    };
    let hours = |window: Window| (window.until.0 - window.from.0) / HOUR;
    // The clocks go forward on 8 March 2026 and back on 1 November.
    for (moment, wanted) in
        [("2026-03-08T15:00:00Z", 23), ("2026-11-01T12:00:00Z", 25), ("2026-06-01T12:00:00Z", 24)]
    {
        assert_eq!(hours(window("main", Period::Day, moment)), wanted, "{moment}");
    }
    // In Beirut there is no midnight on the day that the clocks go forward.
    let beirut = window("beirut", Period::Day, "2026-03-29T10:00:00Z");
    assert_eq!((beirut.from, hours(beirut)), (at("2026-03-28T22:00:00Z"), 23));
    let leap = window("almaty", Period::Month, "2028-02-29T18:59:59Z");
    assert_eq!((leap.from, leap.until), (at("2028-01-31T19:00:00Z"), at("2028-02-29T19:00:00Z")));
    assert_eq!(hours(leap), 29 * 24);
    let march = window("almaty", Period::Month, "2028-02-29T19:00:00Z");
    assert_eq!(march.from, leap.until);
    assert_eq!(hours(window("main", Period::Month, "2026-03-15T00:00:00Z")), 31 * 24 - 1);
}

proptest! {
    /// Every moment lies in its window, and the next window begins where this one ends.
    #[test]
    fn windows_stand_in_one_row(
        zone in prop::sample::select(vec!["UTC", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Apia"]),
        period in prop::sample::select(vec![Period::Day, Period::Month]),
        moment in 0_i64..4_000_000_000_000,
    ) {
        let budgets = Budgets { time_zone: zone.parse().unwrap(), ..Budgets::default() };
        let window = budgets.window(&slug("main"), period, Timestamp(moment));
        prop_assert!(window.from.0 <= moment && moment < window.until.0);
        let last = budgets.window(&slug("main"), period, Timestamp(window.until.0 - 1));
        prop_assert_eq!(last, window);
        let next = budgets.window(&slug("main"), period, window.until);
        prop_assert_eq!(next.from, window.until);
    }
}
