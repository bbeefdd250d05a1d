//! What the decisions cost that every message waits for: to be let in, and to be next.
//!
//! Only with the feature `measure`, so that the decisions stay private in what is shipped.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use domain::concurrency::{Concurrency, Priority, Share};
use domain::queue::QueuePolicy;
use domain::tenant::Tier;
use domain::{Clock, Ids, SessionId, SessionKey};
use tokio::time::Instant;
use uuid::Uuid;

use super::fair::Standing;
use super::plan::{Plan, Wish};
use crate::admission::Admission;
use crate::pool::Workers;

/// Tenants at the door.
const TENANTS: usize = 100;
/// Sessions of each tenant.
const SESSIONS: usize = 4;

/// How long one message takes to be let in and to leave the queue again, on average, with a few hundred others
/// that wait.
pub fn admission(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, messages: usize) -> Duration {
    let settings = Concurrency {
        max_workers: 16,
        max_queue_size: 100_000,
        share: Share::UNLIMITED,
        ..Concurrency::default()
    };
    let admission = Admission::default();
    let workers = Workers::new(move || settings, admission.clone(), Bus::default(), clock, ids);
    let keys = keys(TENANTS);
    for key in &keys {
        admission.learn(&key.tenant, Tier::Standard);
        workers.count(Duration::from_secs(4), false);
    }
    // Half of them wait; each message comes to one that does not, and one that does has its turn.
    let waiting = keys.len() / 2;
    let pairs = keys.iter().cycle().zip(keys.iter().cycle().skip(waiting));
    for key in keys.iter().take(waiting) {
        admission.found(key.clone(), Instant::now());
    }
    let began = Instant::now();
    for (served, key) in pairs.take(messages) {
        let now = Instant::now();
        if let Ok(ticket) =
            black_box(&admission).decide(black_box(key), "anna", workers.outlook(), now)
        {
            ticket.keep();
        }
        admission.served(black_box(served));
    }
    each(began, messages)
}

/// How long one message takes to be planned, chosen and noted as over, on average, while each of so many
/// tenants always has something that waits.
#[must_use]
pub fn scheduling(tenants: usize, messages: usize) -> Duration {
    let (mut plan, policy) = (Plan::default(), QueuePolicy::default());
    let policy = QueuePolicy { debounce: Duration::ZERO, ..policy };
    let wish = |(number, key): (u128, &SessionKey)| Wish {
        session: SessionId(Uuid::from_u128(number)),
        key: key.clone(),
        tokens: 20,
        priority: Priority::Normal,
        standing: Standing { weight: 1, running: usize::MAX },
    };
    for wish in (0..).zip(&keys(tenants)).map(wish) {
        plan.arrived(wish, policy, Instant::now());
    }
    let began = Instant::now();
    for number in 0..messages {
        let now = Instant::now();
        let Some(start) = black_box(&mut plan).take_due(now) else { break };
        // Between 400 and 2,000 tokens, in no order.
        let cost = 400 + (number as u64).wrapping_mul(7_919) % 1_600;
        plan.ended(start.wish.session, cost, None, now);
        plan.arrived(start.wish, policy, now);
    }
    each(began, messages)
}

/// Sessions of so many tenants, one of each in turn.
fn keys(tenants: usize) -> Vec<SessionKey> {
    let key = |number: usize| {
        let tenant = format!("tenant-{}", number % tenants.max(1)).parse().ok()?;
        SessionKey::new(tenant, "web", &number.to_string()).ok()
    };
    (0..tenants * SESSIONS).filter_map(key).collect()
}

fn each(began: Instant, messages: usize) -> Duration {
    began.elapsed() / u32::try_from(messages).unwrap_or(u32::MAX).max(1)
}
