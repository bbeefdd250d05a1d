//! What happens without a message: leases are prolonged, left work is found, old rows go.
//!
//! Each loop ends when the engine is gone. A round that fails is logged and the next one comes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::budget::Limit;
use domain::{Occurrence, PlatformEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::Signal;
use crate::{LEASE, Shared};

const RENEWAL: Duration = Duration::from_secs(3);
const SEARCH: Duration = Duration::from_secs(1);
const TIDY: Duration = Duration::from_secs(60);
/// Sessions taken up in one round of search.
const FOUND: u32 = 1_000;

/// Prolongs the leases of running turns.
pub(super) async fn leases(shared: Weak<Shared>) {
    let mut ticks = ticks(RENEWAL);
    while let Some(shared) = next_round(&mut ticks, &shared).await {
        let claims = shared.running.claims();
        if !claims.is_empty()
            && let Err(error) = shared.store.renew(claims, LEASE).await
        {
            tracing::warn!(%error, "leases could not be renewed");
        }
    }
}

/// Looks for messages that nobody answers: left by a crash, replayed by a person, let go by another
/// instance.
pub(super) async fn search(shared: Weak<Shared>, tell: mpsc::WeakSender<Signal>) {
    let mut ticks = ticks(SEARCH);
    while let Some(shared) = next_round(&mut ticks, &shared).await {
        let Some(tell) = tell.upgrade() else { return };
        let asked = Instant::now();
        match shared.store.ready(FOUND).await {
            Ok(ready) => drop(tell.send(Signal::Found(asked, ready)).await),
            Err(error) => tracing::warn!(%error, "the store could not be searched for work"),
        }
    }
}

/// Expires sessions, forgets old rows, closes databases that nobody uses.
pub(super) async fn tidy(shared: Weak<Shared>) {
    let mut ticks = ticks(TIDY);
    while let Some(shared) = next_round(&mut ticks, &shared).await {
        match shared.store.upkeep().await {
            Ok(done) if done.expired + done.forgotten > 0 => {
                tracing::info!(expired = done.expired, forgotten = done.forgotten, "tidied up");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the store could not be tidied up"),
        }
        shared.store.close_idle().await;
    }
}

/// Tells of budgets that are nearly used up.
pub(super) async fn warnings(shared: Weak<Shared>) {
    loop {
        // The store alone is held while nothing comes, and not for ever, so that the engine can end.
        let Some(store) = shared.upgrade().map(|shared| shared.store.clone()) else { return };
        let Ok(warning) = tokio::time::timeout(SEARCH, store.budget_warning()).await else {
            continue;
        };
        let Some(shared) = shared.upgrade() else { return };
        let limit = match warning.standing.limit {
            Limit::Max(limit) => limit,
            Limit::Unlimited => continue,
        };
        tracing::warn!(
            tenant = %warning.tenant,
            unit = %warning.unit,
            period = warning.period.as_str(),
            percent = warning.standing.percent,
            "a budget is nearly used up"
        );
        let now = shared.clock.now();
        #[expect(clippy::cast_precision_loss, reason = "a percentage is small")]
        let what = Occurrence::TokenBudgetWarning {
            tenant_id: warning.tenant,
            person: warning.subject.person().map(ToString::to_string),
            used: warning.standing.used,
            limit,
            percent_used: warning.standing.percent as f64,
        };
        shared.bus.tell(PlatformEvent::new(what, now, shared.ids.uuid(now)));
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next round. `None` when the engine is gone.
async fn next_round(ticks: &mut Interval, shared: &Weak<Shared>) -> Option<Arc<Shared>> {
    ticks.tick().await;
    shared.upgrade()
}
