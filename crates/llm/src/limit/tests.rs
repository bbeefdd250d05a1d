//! What must hold whatever is asked of a limiter, in whatever order, and however it is given up.

use std::collections::BTreeMap;
use std::future::Future;

use domain::Coded;
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn limiter(limits: Limits) -> Arc<Limiter> {
    Arc::new(Limiter::new("p".to_owned(), limits))
}

fn tenant(number: usize) -> TenantSlug {
    format!("tenant-{number}").parse().unwrap()
}

async fn acquire(
    limiter: &Arc<Limiter>,
    who: usize,
    tokens: u64,
    wait: Duration,
) -> Result<Permit, Error> {
    let (tenant, deadline) = (tenant(who), Instant::now() + wait);
    limiter.acquire(Wish { tenant: &tenant, weight: 1, model: "m", tokens, deadline }).await
}

/// Runs with a clock that jumps to the next thing that happens.
fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(test)
}

fn refused(result: Result<Permit, Error>) -> (LimitKind, u64, u64, Option<Duration>) {
    match result.unwrap_err() {
        Error::ProviderLimit { limit, used, allowed, retry_after, .. } => {
            (limit, used, allowed, retry_after)
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_five_calls_one_at_a_time_runs_one_at_a_time() {
    let limiter = limiter(Limits { concurrent_requests: Some(1), ..Limits::default() });
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..5 {
        let limiter = Arc::clone(&limiter);
        calls.spawn(async move {
            let permit = acquire(&limiter, 0, 1, MINUTE).await.unwrap();
            assert_eq!(limiter.remaining().in_flight, 1);
            sleep(SECOND).await;
            drop(permit);
        });
    }
    while calls.join_next().await.transpose().unwrap().is_some() {}
    assert_eq!(begun.elapsed().as_secs(), 5, "one after the other");
    let first = acquire(&limiter, 0, 1, MINUTE).await.unwrap();
    let (limit, used, allowed, _) = refused(acquire(&limiter, 0, 1, SECOND).await);
    assert_eq!((limit, used, allowed), (LimitKind::ConcurrentRequests, 1, 1));
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_which_limit_and_when() {
    let minute = limiter(Limits { requests_per_minute: Some(2), ..Limits::default() });
    for _ in 0..2 {
        drop(acquire(&minute, 0, 1, SECOND).await.unwrap());
    }
    let asked = Instant::now();
    let error = acquire(&minute, 0, 1, SECOND * 30).await.unwrap_err();
    assert_eq!(asked.elapsed(), Duration::ZERO, "nobody waits in vain");
    assert_eq!(
        (error.code(), error.is_transient(), error.is_unsent()),
        ("provider-limit", true, true)
    );
    let after = error.retry_after().unwrap();
    assert!(after >= MINUTE && after <= MINUTE + SECOND, "{after:?}");
    let text = error.to_string();
    assert!(text.contains("2 of 2 requests in 60s"), "{text}");
    assert!(text.contains("models.providers.p.limits.requestsPerMinute"), "{text}");
    drop(acquire(&minute, 0, 1, MINUTE + SECOND).await.unwrap());

    let tokens = limiter(Limits { tokens_per_minute: Some(100), ..Limits::default() });
    let error = acquire(&tokens, 0, 101, MINUTE * 9).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("larger"), "{error}");

    let queue = Limits { concurrent_requests: Some(1), queue: Some(1), ..Limits::default() };
    let queue = limiter(queue);
    let _running = acquire(&queue, 0, 1, SECOND).await.unwrap();
    let waiting = acquire(&queue, 0, 1, MINUTE);
    let late = async { refused(acquire(&queue, 1, 1, MINUTE).await) };
    let (_, late) = tokio::join!(timeout(SECOND, waiting), late);
    assert_eq!((late.0, late.1, late.2), (LimitKind::Queue, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_true_usage_takes_the_place_of_the_estimate() {
    let limiter = limiter(Limits { tokens_per_minute: Some(100), ..Limits::default() });
    acquire(&limiter, 0, 90, SECOND).await.unwrap().settle(10);
    assert_eq!(limiter.remaining().tokens.unwrap().remaining, 90);
    acquire(&limiter, 0, 50, SECOND).await.unwrap().settle(95);
    assert_eq!(limiter.remaining().tokens.unwrap(), Room { limit: 100, used: 105, remaining: 0 });
    let (limit, used, ..) = refused(acquire(&limiter, 0, 1, SECOND).await);
    assert_eq!((limit, used), (LimitKind::TokensPerMinute, 105));
    // What is corrected downwards makes room at once for one that waits.
    sleep(MINUTE + SECOND).await;
    let large = acquire(&limiter, 0, 100, SECOND).await.unwrap();
    let waiting = acquire(&limiter, 0, 60, MINUTE * 2);
    let begun = Instant::now();
    let correct = async {
        sleep(SECOND).await;
        large.settle(20);
    };
    let (granted, ()) = tokio::join!(waiting, correct);
    assert!(granted.is_ok() && begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_wants_to_be_left_alone_is_left_alone() {
    let limiter = limiter(Limits::default());
    limiter.pause(SECOND * 8);
    limiter.pause(SECOND * 3);
    assert_eq!(limiter.remaining().paused_ms, 8_000);
    let begun = Instant::now();
    assert_eq!(refused(acquire(&limiter, 0, 1, SECOND * 7).await).0, LimitKind::Pause);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drop(acquire(&limiter, 0, 1, MINUTE).await.unwrap());
    assert_eq!(begun.elapsed().as_secs(), 8);
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_lets_the_next_one_in() {
    let limiter = limiter(Limits { concurrent_requests: Some(1), ..Limits::default() });
    let running = acquire(&limiter, 0, 1, SECOND).await.unwrap();
    let mut gone = Box::pin(acquire(&limiter, 0, 1, MINUTE));
    let mut stays = Box::pin(acquire(&limiter, 0, 1, MINUTE));
    assert!(futures::poll!(&mut gone).is_pending() && futures::poll!(&mut stays).is_pending());
    assert_eq!(limiter.remaining().waiting, 2);
    // The grant is on its way to the first when that one leaves.
    drop(running);
    assert_eq!(limiter.remaining().in_flight, 1);
    drop(gone);
    drop(timeout(SECOND, stays).await.unwrap().unwrap());
    let quota = limiter.remaining();
    assert_eq!((quota.in_flight, quota.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_tenant_hardly_delays_another() {
    let limiter = limiter(Limits { requests_per_second: Some(10), ..Limits::default() });
    let mut flood = JoinSet::new();
    for _ in 0..200 {
        let limiter = Arc::clone(&limiter);
        flood.spawn(async move { acquire(&limiter, 0, 1_000, MINUTE).await.map(drop) });
    }
    sleep(SECOND).await;
    let begun = Instant::now();
    drop(acquire(&limiter, 1, 1_000, MINUTE).await.unwrap());
    assert!(begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
    while flood.join_next().await.transpose().unwrap().is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_brown_out_cuts_what_is_on_the_way_and_it_comes_back_within_thirty_seconds() {
    let limiter = limiter(Limits::default());
    let slow_from = Instant::now() + SECOND * 30;
    let slow_until = slow_from + SECOND * 60;
    let end = slow_until + SECOND * 30;
    let mut people = JoinSet::new();
    for who in 0..40 {
        let limiter = Arc::clone(&limiter);
        people.spawn(async move {
            while Instant::now() < end {
                let permit = acquire(&limiter, who, 100, MINUTE * 3).await.unwrap();
                let now = Instant::now();
                let usual = Duration::from_millis(500 + 5 * u64::try_from(who).unwrap());
                let is_slow = now >= slow_from && now < slow_until;
                sleep(if is_slow { usual * 10 } else { usual }).await;
                permit.began();
                sleep(SECOND).await;
            }
        });
    }
    let watch = async {
        sleep_until(slow_from).await;
        let before = limiter.model("m");
        sleep_until(slow_until).await;
        let during = limiter.model("m");
        sleep_until(end).await;
        (before, during, limiter.model("m"))
    };
    let (before, during, after) = watch.await;
    assert_eq!(before.0, 40, "everybody is served: {before:?}");
    assert!(during.0 <= 12 && during.1 <= 12, "cut: {before:?} to {during:?}");
    assert_eq!(after.0, 40, "and back: {during:?} to {after:?}");
    while people.join_next().await.transpose().unwrap().is_some() {}
}

/// One request of the property test.
#[derive(Debug, Clone)]
struct Step {
    who: usize,
    at: u64,
    tokens: u64,
    takes: u64,
    /// Gives up after so long.
    patience: u64,
    truth: Option<u64>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..4_usize,
        0..90_000_u64,
        1..400_u64,
        0..20_000_u64,
        1..150_000_u64,
        prop::option::of(1..400_u64),
    );
    let step = step.prop_map(|(who, at, tokens, takes, patience, truth)| Step {
        who,
        at,
        tokens,
        takes,
        patience,
        truth: truth.map(|truth| truth.min(tokens)),
    });
    prop::collection::vec(step, 1..80)
}

/// What was let go: when, and what it counted in the end.
type Sent = Arc<Mutex<Vec<(Instant, u64)>>>;

async fn play(limits: Limits, steps: Vec<Step>) -> (Vec<(Instant, u64)>, u64, Quota) {
    let (limiter, sent) = (limiter(limits), Sent::default());
    let most = Arc::new(Mutex::new(0));
    let mut tasks = JoinSet::new();
    for step in steps {
        let (limiter, sent, most) = (Arc::clone(&limiter), Arc::clone(&sent), Arc::clone(&most));
        tasks.spawn(async move {
            sleep(Duration::from_millis(step.at)).await;
            let wait = acquire(&limiter, step.who, step.tokens, MINUTE * 4);
            let Ok(Ok(permit)) = timeout(Duration::from_millis(step.patience), wait).await else {
                return;
            };
            let index = {
                let mut sent = sent.lock().unwrap();
                sent.push((Instant::now(), step.tokens));
                sent.len() - 1
            };
            let in_flight = limiter.remaining().in_flight;
            let now_most = (*most.lock().unwrap()).max(in_flight);
            *most.lock().unwrap() = now_most;
            sleep(Duration::from_millis(step.takes)).await;
            if let Some(truth) = step.truth {
                sent.lock().unwrap()[index].1 = truth;
                permit.settle(truth);
            }
        });
    }
    // Somebody who waits is let go or told so: nothing hangs.
    let all = async { while tasks.join_next().await.transpose().unwrap().is_some() {} };
    timeout(Duration::from_secs(3_600), all).await.unwrap();
    let sent = sent.lock().unwrap().clone();
    let most = *most.lock().unwrap();
    (sent, most, limiter.remaining())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_window_ever_holds_more_than_its_limit(
        steps in steps(),
        requests in 1..20_u64,
        second in 1..4_u64,
        tokens in 400..2_000_u64,
        concurrent in 1..6_u64,
    ) {
        let limits = Limits {
            requests_per_minute: Some(requests),
            tokens_per_minute: Some(tokens),
            concurrent_requests: Some(concurrent),
            requests_per_second: Some(second),
            queue: Some(1_000),
        };
        let (sent, most, rest) = run(play(limits, steps));
        prop_assert!(most <= concurrent);
        prop_assert_eq!((rest.in_flight, rest.waiting), (0, 0));
        for (from, _) in &sent {
            let within = |span: Duration| {
                sent.iter().filter(move |(at, _)| at >= from && *at < *from + span)
            };
            prop_assert!(within(MINUTE).count() as u64 <= requests);
            prop_assert!(within(SECOND).count() as u64 <= second);
            // What was corrected downwards counts as corrected; it can only have let more in later.
            prop_assert!(within(MINUTE).map(|(_, tokens)| tokens).sum::<u64>() <= tokens);
        }
    }

    #[test]
    fn everybody_with_time_is_served_and_equally(count in 4..24_usize, tenants in 1..4_usize) {
        let served = run(async {
            let limits = Limits { requests_per_second: Some(2), ..Limits::default() };
            let limiter = limiter(limits);
            let order = Arc::new(Mutex::new(Vec::new()));
            let mut tasks = JoinSet::new();
            for number in 0..count * tenants {
                let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
                tasks.spawn(async move {
                    drop(acquire(&limiter, number % tenants, 4_096, MINUTE * 60).await.unwrap());
                    order.lock().unwrap().push(number % tenants);
                });
            }
            while tasks.join_next().await.transpose().unwrap().is_some() {}
            order.lock().unwrap().clone()
        });
        prop_assert_eq!(served.len(), count * tenants);
        let mut each: BTreeMap<usize, usize> = BTreeMap::new();
        for who in served {
            *each.entry(who).or_default() += 1;
            let most = each.values().max().copied().unwrap_or(0);
            let least = (0..tenants).map(|who| each.get(&who).copied().unwrap_or(0)).min().unwrap_or(0);
            prop_assert!(most - least <= 3, "{each:?}");
        }
    }
}
