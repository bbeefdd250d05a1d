//! What one tenant's flood does to the others.

use domain::concurrency::Share;

use super::*;

/// Tenants of one size. The pool is as large as they need when each sends its share and no more.
const TENANTS: usize = 10;
/// What a tenant sends when it sends its share, in millionths of a message per second: the ten of them together
/// keep four workers busy for 95 of 100 seconds. A turn takes just under four seconds.
const SHARE: u32 = 95_000;
const HOUR: u64 = 3_600;

/// How long the others wait (95 of 100 of their messages), when one sends so many times its share.
async fn others_wait(settings: Concurrency, times: u32) -> Duration {
    let members = (0..TENANTS).map(|number| Member::new(number, Tier::Free)).collect();
    let mut messages = Vec::new();
    for number in 0..TENANTS {
        messages.extend(Member::messages(number, 1, 0..HOUR, |_| SHARE));
    }
    let more = Member::messages(0, 2, 0..HOUR, |_| (times - 1) * SHARE);
    // Each of the others' people has a conversation; the flood has as many as it has messages.
    let flood = more.into_iter().zip(PEOPLE..).map(|(message, conversation)| Message {
        conversation,
        kept: false,
        ..message
    });
    messages.extend(flood);
    let policy = QueuePolicy { debounce: Duration::ZERO, ..QueuePolicy::default() };
    let seen = Rehearsal::new(settings, policy, members).run(messages).await;
    assert!(seen.samples.iter().all(|sample| sample.busy <= settings.max_workers));
    p95(seen.waits.iter().filter(|wait| wait.tenant > 0).map(|wait| wait.waited).collect())
}

async fn holds(settings: Concurrency) {
    let calm = others_wait(settings, 1).await;
    let flooded = others_wait(settings, 100).await;
    assert!(calm > Duration::from_secs(1), "the pool was never full: {calm:?}");
    assert!(flooded < calm.mul_f64(1.2), "{flooded:?} instead of {calm:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_a_hundred_shares_is_hardly_noticed_with_caps() {
    holds(Concurrency::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_a_hundred_shares_is_hardly_noticed_without_caps() {
    // Nobody is refused, so nothing but the order of turns stands between the flood and the others.
    holds(Concurrency {
        max_queue_size: 1_000_000,
        share: Share::UNLIMITED,
        ..Concurrency::default()
    })
    .await;
}
