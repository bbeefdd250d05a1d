//! Budgets from the command line, straight on the store and beside a running gateway.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use domain::budget::{Currency, Limit, Line, Period, Subject, Thresholds, Unit, Window};
use domain::event::Usage;
use domain::{Clock, PersonKey, Timestamp};
use serde_json::{Value, json};
use store::{Hold, Location, Settlement, Spent, Store};
use uuid::Uuid;

use crate::installation::Installation;
use crate::running::Running;

/// The clock that the binary goes by.
struct Real;

impl Clock for Real {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap())
    }
}

const MONEY: &str =
    "{ budgets: { moneyPerMonth: 'unlimited', tenants: { main: { moneyPerDay: 2 } },
    persons: { tokensPer24h: { free: 500 } } } }";

fn anna() -> Subject {
    Subject::Person(PersonKey { account: "web".to_owned(), peer: "anna".to_owned() })
}

/// An installation with the tenant `main`, whose money of a day is limited.
fn installed() -> Installation {
    let installation = Installation::new();
    std::fs::create_dir_all(installation.state()).unwrap();
    std::fs::write(installation.state().join("openclaw.json"), MONEY).unwrap();
    installation.json(&["tenants", "create", "main"]);
    installation
}

/// One call that used so many tokens at a dollar for a hundred, as the gateway makes it.
fn call(installation: &Installation, tokens: u64) -> store::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let location = Location::Directory(installation.state());
        let store =
            Store::open(location, Arc::new(Real), Arc::new(testkit::CountingIds::default()));
        let store = store.await.unwrap();
        let at = store.budget_time().await.unwrap();
        let line = |subject, unit, period, limit, amount| Line {
            subject,
            unit,
            period,
            limit: Limit::Max(limit),
            thresholds: Thresholds { warn: 75, approve: Some(90) },
            window: Window { from: Timestamp(0), ..Window::rolling(at) },
            amount,
        };
        let money = tokens * 10_000;
        let dollars = Unit::Money(Currency::USD);
        let lines = vec![
            line(Subject::Tenant, Unit::Tokens, Period::Rolling, 10_000, tokens),
            line(Subject::Tenant, dollars, Period::Day, 2_000_000, money),
            line(anna(), Unit::Tokens, Period::Rolling, 500, tokens),
        ];
        let hold = Hold {
            tenant: "main".parse().unwrap(),
            instance: Uuid::from_u128(1),
            session: None,
            lines,
            at,
            longest: std::time::Duration::from_secs(60),
        };
        let held = store.reserve(hold).await;
        if let Ok(reservation) = &held {
            let usage = Usage { input: tokens - 10, cached: 4, output: 6 };
            let money = Some((Currency::USD, money));
            let spent = Some(Spent { model: "simulator/echo".to_owned(), usage, money });
            let settlement = Settlement { reservation: *reservation, spent };
            store.settle(settlement).await.unwrap();
        }
        store.close().await;
        held.map(drop)
    })
}

fn entry<'a>(shown: &'a Value, subject: &str, unit: &str, period: &str) -> &'a Value {
    let all = shown["budgets"].as_array().unwrap();
    let is = |entry: &&Value| {
        (&entry["subject"], &entry["unit"], &entry["period"])
            == (&subject.into(), &unit.into(), &period.into())
    };
    all.iter().find(is).unwrap_or_else(|| panic!("{shown}"))
}

#[test]
fn what_is_used_is_shown_with_what_is_left() {
    let installation = installed();
    let unused = installation.run(&["budget", "show"]).out;
    let empty = "░".repeat(20);
    assert_eq!(
        unused,
        format!(
            "main\n  tokens in 24 hours   {empty}   0 %  0 of 10000\n  \
             USD a day            {empty}   0 %  0.00 of 2.00\n  \
             USD a month          {empty}    -   0.00, unlimited\n"
        )
    );
    call(&installation, 160).unwrap();
    let shown = installation.json(&["budget", "show", "main"]);
    let dollars = entry(&shown, "tenant", "USD", "day");
    assert_eq!(
        (&dollars["used"], &dollars["limit"], &dollars["remaining"], &dollars["percent"]),
        (&1_600_000.into(), &2_000_000.into(), &400_000.into(), &80.into())
    );
    let month = entry(&shown, "tenant", "USD", "month");
    assert_eq!((&month["limit"], &month["remaining"]), (&"unlimited".into(), &Value::Null));
    assert_eq!(entry(&shown, "web:anna", "tokens", "24h")["remaining"], 340);

    let text = installation.run(&["budget", "show", "main", "--person", "web:anna"]).out;
    assert_eq!(
        text,
        format!(
            "main web:anna\n  tokens in 24 hours   {}{}  32 %  160 of 500, anew in 23h\n",
            "█".repeat(7),
            "░".repeat(13)
        )
    );
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn limits_are_set_by_hand_and_given_back() {
    let installation = installed();
    let set = ["budget", "set", "main", "--tokens", "50", "--money-per-day", "0.5"];
    let shown = installation.json(&set);
    let tokens = entry(&shown, "tenant", "tokens", "24h");
    assert_eq!((&tokens["limit"], &tokens["set"]), (&50.into(), &true.into()));
    assert_eq!(entry(&shown, "tenant", "USD", "day")["limit"], 500_000);
    let refused = call(&installation, 60).unwrap_err().to_string();
    assert!(refused.contains("is 50 tokens in 24 hours: 0 used"), "{refused}");
    let set = ["budget", "set", "main", "--tokens", "unlimited", "--money-per-day", "default"];
    assert!(installation.run(&set).out.contains("0, unlimited, set by hand"));
    call(&installation, 60).unwrap();
    let set = ["budget", "set", "main", "--person", "web:anna", "--tokens", "60"];
    installation.json(&set);
    assert!(call(&installation, 60).is_err());

    let money = ["budget", "set", "main", "--person", "web:anna", "--money-per-day", "1", "--json"];
    let refused = installation.run(&money);
    assert_eq!(refused.error()["code"], "money-not-counted");
    for bad in [
        &["budget", "set", "main"][..],
        &["budget", "set", "main", "--tokens", "-5"],
        &["budget", "set", "main", "--tokens", "lots"],
        &["budget", "set", "main", "--person", "anna", "--tokens", "5"],
        &["budget", "history", "main", "--days", "41"],
    ] {
        assert_eq!(installation.run(bad).code, Some(2), "{bad:?}");
    }
    for command in ["show", "reset", "approve", "history"] {
        let run = installation.run(&["budget", command, "nobody", "--json"]);
        assert_eq!((run.code, &run.error()["code"]), (Some(3), &"not-found".into()), "{command}");
    }
}

#[test]
fn somebody_approves_or_forgets_what_was_used() {
    let installation = installed();
    let none = installation.run(&["budget", "approve", "main"]);
    assert_eq!(none.out, "No budget of main is in use; nothing was changed.\n");
    call(&installation, 185).unwrap();
    let refused = call(&installation, 10).unwrap_err();
    assert_eq!(domain::Coded::code(&refused), "budget-approval-needed");
    let approved = installation.run(&["budget", "approve", "main"]);
    assert_eq!(approved.out, "2 budgets of main are approved.\n");
    call(&installation, 10).unwrap();
    assert_eq!(installation.run(&["budget", "reset", "main"]).code, Some(2), "it asks");
    let reset = installation.json(&["budget", "reset", "main", "--yes"]);
    assert_eq!(reset, json!({ "who": "main", "budgets": 2 }));
    let shown = installation.json(&["budget", "show", "main"]);
    assert_eq!(entry(&shown, "tenant", "USD", "day")["used"], 0);
    assert_eq!(entry(&shown, "web:anna", "tokens", "24h")["used"], 195, "persons keep theirs");
}

#[test]
fn a_person_with_a_tier_of_their_own_has_its_budget() {
    let installation = Installation::new();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let said = installation.run(&["agent", "--message", "hi", "--url", &url]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let listed = installation.json(&["persons", "list"]);
    let person = listed["persons"][0]["person"].as_str().unwrap().to_owned();
    let strangers = installation.json(&["budget", "show", "main", "--person", "web:nobody"]);
    let tenants = installation.json(&["budget", "show", "main"]);
    assert_eq!(
        entry(&strangers, "web:nobody", "tokens", "24h")["limit"],
        entry(&tenants, "tenant", "tokens", "24h")["limit"],
        "whoever has not written yet has the tenant's"
    );
    installation.json(&["persons", "tier", "main", &person, "premium"]);
    let shown = installation.json(&["budget", "show", "main", "--person", &person]);
    assert_eq!(entry(&shown, &person, "tokens", "24h")["limit"], 1_000_000);
    assert!(entry(&shown, &person, "tokens", "24h")["used"].as_u64().unwrap() > 0);
    running.stop();
}

#[test]
fn the_history_adds_up_days_and_models() {
    let installation = installed();
    assert_eq!(installation.run(&["budget", "history", "main"]).out, "Nothing was used.\n");
    call(&installation, 50).unwrap();
    call(&installation, 30).unwrap();
    let days = installation.json(&["budget", "history", "main", "--days", "2"])["days"].clone();
    let sum = |key: &str| {
        days.as_array().unwrap().iter().map(|day| day[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(["calls", "input", "cached", "output", "money"].map(sum), [2, 60, 8, 12, 800_000]);
    let text = installation.run(&["budget", "history", "main", "--days", "2"]).out;
    assert!(
        text.starts_with("DAY         MODEL           CALLS  READ  FROM CACHE  WRITTEN  COST\n"),
        "{text}"
    );
    let nobody = ["budget", "history", "main", "--person", "web:bert"];
    assert_eq!(installation.run(&nobody).out, "Nothing was used.\n");
}

#[test]
fn budgets_are_changed_beside_a_running_gateway() {
    let installation = installed();
    let mut running = Running::start(&installation, "up");
    running.event();
    let shown = installation.json(&["budget", "set", "main", "--tokens", "77"]);
    assert_eq!(entry(&shown, "tenant", "tokens", "24h")["limit"], 77);
    assert_eq!(
        entry(&installation.json(&["budget", "show"]), "tenant", "tokens", "24h")["limit"],
        77
    );
    running.stop();
}
