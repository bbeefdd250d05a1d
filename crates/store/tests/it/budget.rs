//! The ledger: what may be held, what is charged, what a crash leaves, and what an operator changes.

use std::time::Duration;

use domain::budget::{
    BudgetExceeded, Currency, Limit, Line, Period, Standing, Subject, Thresholds, Unit, Window,
};
use domain::event::Usage;
use domain::{Coded as _, PersonKey, Timestamp};
use futures::FutureExt as _;
use store::{Error, Hold, NewLimit, Outcome, Reservation, Settlement, Spent, Store};
use testkit::both_engines;
use uuid::Uuid;

use crate::words::{LEASE, THEM, US, admit, claim, message};

pub const HOUR: Duration = Duration::from_secs(3_600);

/// A limit of tokens in 24 hours, and what a call may need of it.
pub fn tokens(amount: u64, limit: u64, at: Timestamp) -> Line {
    Line {
        subject: Subject::Tenant,
        unit: Unit::Tokens,
        period: Period::Rolling,
        limit: Limit::Max(limit),
        thresholds: Thresholds::default(),
        window: Window::rolling(at),
        amount,
    }
}

fn anna() -> Subject {
    Subject::Person(PersonKey { account: "web".to_owned(), peer: "anna".to_owned() })
}

pub async fn hold(store: &Store, lines: Vec<Line>) -> store::Result<Reservation> {
    let at = store.budget_time().await?;
    let tenant = "main".parse().unwrap();
    store.reserve(Hold { tenant, instance: US, session: None, lines, at, longest: 4 * LEASE }).await
}

async fn hold_tokens(store: &Store, amount: u64, limit: u64) -> store::Result<Reservation> {
    let at = store.budget_time().await?;
    hold(store, vec![tokens(amount, limit, at)]).await
}

fn exceeded(result: store::Result<Reservation>) -> BudgetExceeded {
    match result {
        Err(Error::Budget(exceeded)) => *exceeded,
        other => panic!("{other:?}"),
    }
}

fn spent(tokens: u64) -> Option<Spent> {
    let usage = Usage { input: tokens / 2, cached: 0, output: tokens - tokens / 2 };
    Some(Spent { model: "simulator/echo".to_owned(), usage, money: None })
}

/// The tenant's own tokens: used and held.
pub async fn taken(store: &Store) -> (u64, u64) {
    let rows = store.budgets(&"main".parse().unwrap()).await.unwrap();
    let row = rows.iter().find(|row| row.subject == Subject::Tenant && row.unit == Unit::Tokens);
    row.map_or((0, 0), |row| (row.balance.used, row.balance.reserved))
}

both_engines! {
    async fn three_calls_of_6000_on_10000_are_one(world: &World) {
        world.tenant("main").await;
        let first = hold_tokens(&world.store, 6_000, 10_000).await.unwrap();
        for _ in 0..2 {
            let refused = exceeded(hold_tokens(&world.store, 6_000, 10_000).await);
            assert_eq!((refused.code(), refused.asked), ("token-budget-exceeded", 6_000));
            let Standing { used, reserved, remaining, .. } = refused.standing;
            assert_eq!((used, reserved, remaining), (0, 6_000, Some(4_000)));
        }
        world.store.settle(Settlement { reservation: first, spent: spent(4_000) }).await.unwrap();
        assert_eq!(taken(&world.store).await, (4_000, 0));
        hold_tokens(&world.store, 6_000, 10_000).await.unwrap();
    }

    async fn the_end_of_a_reservation_happens_once(world: &World) {
        world.tenant("main").await;
        let held = hold_tokens(&world.store, 100, 1_000).await.unwrap();
        for _ in 0..3 {
            world.store.settle(Settlement { reservation: held, spent: spent(250) }).await.unwrap();
            world.store.release(held).await.unwrap();
            assert_eq!(taken(&world.store).await, (250, 0), "more than was held is recorded too");
        }
        let held = hold_tokens(&world.store, 100, 1_000).await.unwrap();
        world.store.release(held).await.unwrap();
        world.store.settle(Settlement { reservation: held, spent: spent(50) }).await.unwrap();
        assert_eq!(taken(&world.store).await, (250, 0));
    }

    async fn a_call_holds_all_it_needs_or_nothing(world: &World) {
        world.tenant("main").await;
        let at = world.store.budget_time().await.unwrap();
        let person = Line { subject: anna(), ..tokens(600, 500, at) };
        let refused = exceeded(hold(&world.store, vec![tokens(600, 10_000, at), person]).await);
        assert_eq!(refused.subject, anna());
        assert_eq!(taken(&world.store).await, (0, 0));
        let person = Line { subject: anna(), ..tokens(400, 500, at) };
        hold(&world.store, vec![person, tokens(400, 10_000, at)]).await.unwrap();
        assert_eq!(taken(&world.store).await, (0, 400));
        let rows = world.store.budgets(&"main".parse().unwrap()).await.unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| (row.subject, row.balance.reserved)).collect();
        assert_eq!(rows, [(Subject::Tenant, 400), (anna(), 400)]);
    }

    async fn the_warning_is_told_once_in_a_window(world: &World) {
        world.tenant("main").await;
        let second = world.reopened().await;
        for _ in 0..9 {
            let held = hold_tokens(&world.store, 100, 1_000).await.unwrap();
            world.store.settle(Settlement { reservation: held, spent: spent(100) }).await.unwrap();
        }
        let warning = world.store.budget_warning().await;
        assert_eq!((warning.tenant.as_str(), warning.standing.percent), ("main", 80), "by the eighth");
        world.clock.advance(24 * HOUR);
        let held = hold_tokens(&second, 800, 1_000).await.unwrap();
        second.settle(Settlement { reservation: held, spent: spent(790) }).await.unwrap();
        assert_eq!(second.budget_warning().await.standing.percent, 79, "whoever books it tells it");
        let never = world.store.budget_warning().now_or_never();
        assert!(never.is_none() && second.budget_warning().now_or_never().is_none());
        second.close().await;
    }

    async fn nothing_goes_on_beyond_ninety_percent_until_somebody_approves(world: &World) {
        world.tenant("main").await;
        let main = "main".parse().unwrap();
        let thresholds = Thresholds { warn: 75, approve: Some(90) };
        let ask = async |amount| {
            let at = world.store.budget_time().await.unwrap();
            hold(&world.store, vec![Line { thresholds, ..tokens(amount, 100, at) }]).await
        };
        assert_eq!(world.store.approve_budget(&main, &Subject::Tenant).await.unwrap(), 0);
        let held = ask(95).await.unwrap();
        world.store.settle(Settlement { reservation: held, spent: spent(90) }).await.unwrap();
        let refused = exceeded(ask(5).await);
        assert_eq!((refused.code(), refused.needs_approval), ("budget-approval-needed", true));
        assert_eq!(refused.retry_after, 24 * HOUR);
        assert_eq!(world.store.approve_budget(&main, &Subject::Tenant).await.unwrap(), 1);
        let held = ask(10).await.unwrap();
        assert_eq!(exceeded(ask(1).await).code(), "token-budget-exceeded");
        world.store.release(held).await.unwrap();
        world.clock.advance(24 * HOUR);
        let held = ask(95).await.unwrap();
        world.store.settle(Settlement { reservation: held, spent: spent(90) }).await.unwrap();
        assert!(exceeded(ask(5).await).needs_approval, "an approval is for one window");
    }

    async fn an_operator_changes_limits_while_calls_go_on(world: &World) {
        world.tenant("main").await;
        let main = "main".parse().unwrap();
        let set = async |limit| {
            let new = NewLimit { unit: Unit::Tokens, period: Period::Rolling, limit };
            world.store.set_budget(&main, &Subject::Tenant, vec![new]).await.unwrap();
        };
        set(Some(Limit::Max(50))).await;
        exceeded(hold_tokens(&world.store, 60, 1_000).await);
        set(Some(Limit::Unlimited)).await;
        let held = hold_tokens(&world.store, 6_000, 1_000).await.unwrap();
        world.store.settle(Settlement { reservation: held, spent: spent(6_000) }).await.unwrap();
        set(None).await;
        exceeded(hold_tokens(&world.store, 1, 1_000).await);
        assert_eq!(world.store.reset_budget(&main, &Subject::Tenant).await.unwrap(), 1);
        hold_tokens(&world.store, 1_000, 1_000).await.unwrap();
        assert_eq!(taken(&world.store).await, (0, 1_000));
        let nobody = "nobody".parse().unwrap();
        assert_eq!(world.store.set_budget(&nobody, &Subject::Tenant, vec![NewLimit {
            unit: Unit::Tokens, period: Period::Rolling, limit: None,
        }]).await.unwrap_err().code(), "not-found");
    }

    async fn money_of_another_currency_or_without_a_price_is_charged_as_held(world: &World) {
        world.tenant("main").await;
        let (at, rouble) = (world.store.budget_time().await.unwrap(), "RUB".parse().unwrap());
        let line = |amount| Line {
            unit: Unit::Money(rouble), period: Period::Day, ..tokens(amount, 1_000_000, at)
        };
        for (money, used) in [
            (Some((rouble, 700)), 700), (Some((Currency::USD, 7)), 1_700), (None, 2_700),
        ] {
            let held = hold(&world.store, vec![line(1_000)]).await.unwrap();
            let spent = spent(10).map(|spent| Spent { money, ..spent });
            world.store.settle(Settlement { reservation: held, spent }).await.unwrap();
            let rows = world.store.budgets(&"main".parse().unwrap()).await.unwrap();
            assert_eq!((rows.len(), rows[0].balance.used), (1, used));
        }
        let used = world.store.usage_since(&"main".parse().unwrap(), Timestamp(0), 10).await.unwrap();
        let used: Vec<_> = used.iter().map(|row| (row.currency.as_str(), row.money, row.calls)).collect();
        assert_eq!(used, [("", 0, 1), ("RUB", 700, 1), ("USD", 7, 1)]);
    }

    async fn a_turn_ends_and_is_paid_for_in_one_transaction(world: &World) {
        world.tenant("main").await;
        let claimed = claim(&world.store, &admit(&world.store, message("a", "r-1")).await).await;
        let held = hold_tokens(&world.store, 100, 100).await.unwrap();
        let settlement = Settlement { reservation: held, spent: spent(80) };
        let done = Outcome::Done { answer: None };
        let finish = world.store.finish_and_settle(claimed.claim, done.clone(), Some(settlement));
        assert_eq!(finish.await.unwrap(), None);
        assert_eq!(world.store.budget_warning().await.standing.percent, 80);
        assert_eq!(taken(&world.store).await, (80, 0));

        world.tenant("aliya").await;
        let held = hold_tokens(&world.store, 20, 100).await.unwrap();
        let late = Settlement { reservation: held, spent: spent(7) };
        let fenced = world.store.finish_and_settle(claimed.claim, done, Some(late)).await;
        assert_eq!(fenced.unwrap_err().code(), "session-fenced");
        assert_eq!(taken(&world.store).await, (87, 0), "the provider has been paid all the same");
    }

    async fn a_crash_gives_back_what_had_just_been_held_and_charges_what_had_left(world: &World) {
        world.tenant("main").await;
        let claimed = claim(&world.store, &admit(&world.store, message("a", "r-1")).await).await;
        let reserve = async |session, instance, amount| {
            let at = world.store.budget_time().await.unwrap();
            let (tenant, lines) = ("main".parse().unwrap(), vec![tokens(amount, 1_000, at)]);
            world.store.reserve(Hold { tenant, instance, session, lines, at, longest: HOUR }).await.unwrap()
        };
        let sent = reserve(Some(claimed.claim.session), US, 300).await;
        world.store.renew(vec![claimed.claim], LEASE).await.unwrap();
        let fresh = reserve(Some(claimed.claim.session), US, 200).await;
        let theirs = reserve(None, THEM, 100).await;
        assert_eq!(taken(&world.store).await, (0, 600));

        world.store.let_go(US).await.unwrap();
        assert_eq!(taken(&world.store).await, (300, 100), "another instance's calls go on");
        world.store.let_go(US).await.unwrap();
        assert_eq!(taken(&world.store).await, (300, 100), "once");

        // The instance was only slow: what its calls say after all replaces what was assumed.
        world.store.settle(Settlement { reservation: sent, spent: spent(120) }).await.unwrap();
        world.store.settle(Settlement { reservation: fresh, spent: spent(80) }).await.unwrap();
        assert_eq!(taken(&world.store).await, (200, 100));

        world.clock.advance(HOUR - Duration::from_millis(1));
        assert_eq!(world.store.upkeep().await.unwrap().lapsed, 0);
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.store.upkeep().await.unwrap().lapsed, 1, "and ends when it is overdue");
        assert_eq!(taken(&world.store).await, (200, 0));
        world.clock.advance(25 * HOUR);
        world.store.upkeep().await.unwrap();
        world.store.settle(Settlement { reservation: theirs, spent: spent(9) }).await.unwrap();
        assert_eq!(taken(&world.store).await, (200, 0), "a day later nobody remembers it");
    }

    async fn a_clock_that_jumps_neither_ends_a_window_early_nor_twice(world: &World) {
        world.tenant("main").await;
        let hours = |hours: i64| hours * 3_600_000;
        let full = async |store: &Store| {
            assert!(exceeded(hold_tokens(store, 100, 100).await).standing.used > 0);
        };
        let spend = async |store: &Store| {
            let held = hold_tokens(store, 100, 100).await.unwrap();
            store.settle(Settlement { reservation: held, spent: spent(100) }).await.unwrap();
        };
        spend(&world.store).await;
        world.clock.jump(hours(2));
        world.clock.advance(23 * HOUR);
        full(&world.store).await;
        world.store.upkeep().await.unwrap();
        // The next process starts while the wall clock is two hours ahead.
        let second = world.reopened().await;
        full(&second).await;
        world.clock.advance(HOUR);
        spend(&second).await;
        world.clock.jump(hours(-4));
        full(&second).await;
        world.clock.advance(3 * HOUR);
        full(&second).await;
        let third = world.reopened().await;
        full(&third).await;
        world.clock.advance(21 * HOUR + Duration::from_secs(60));
        spend(&third).await;
        second.close().await;
        third.close().await;
    }

    async fn what_was_used_is_remembered_for_forty_days(world: &World) {
        world.tenant("main").await;
        let main = "main".parse().unwrap();
        let at = world.store.budget_time().await.unwrap();
        for _ in 0..2 {
            let line = Line { subject: anna(), ..tokens(10, 1_000, at) };
            let held = hold(&world.store, vec![line]).await.unwrap();
            world.store.settle(Settlement { reservation: held, spent: spent(9) }).await.unwrap();
        }
        let used = world.store.usage_since(&main, Timestamp(0), 10).await.unwrap();
        assert_eq!((used.len(), used[0].calls, used[0].usage.output), (1, 2, 10));
        assert_eq!((&used[0].subject, used[0].model.as_str()), (&anna(), "simulator/echo"));
        assert_eq!(used[0].began_at.0 % 900_000, 0);
        world.clock.advance(39 * 24 * HOUR);
        world.store.upkeep().await.unwrap();
        assert_eq!(world.store.usage_since(&main, Timestamp(0), 10).await.unwrap(), used);
        world.clock.advance(3 * 24 * HOUR);
        world.store.upkeep().await.unwrap();
        assert_eq!(world.store.usage_since(&main, Timestamp(0), 10).await.unwrap(), []);
        assert_eq!(world.store.budgets(&main).await.unwrap(), [], "nor is a budget nobody uses");
    }

    async fn an_unknown_tenant_holds_nothing(world: &World) {
        let none = hold_tokens(&world.store, 1, 10).await.unwrap_err();
        assert_eq!(none.code(), "not-found");
        world.tenant("main").await;
        let held = hold(&world.store, Vec::new()).await.unwrap();
        world.store.release(held).await.unwrap();
        let foreign = Reservation(Uuid::from_u128(404));
        world.store.release(foreign).await.unwrap();
    }
}
