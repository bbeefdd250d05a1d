//! What happens without a message: leases are prolonged, left work is found, old rows go.
//!
//! Each loop ends when the engine is gone. A round that fails is logged and the next one comes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::Signal;
use crate::{LEASE, Shared};

const RENEWAL: Duration = Duration::from_secs(3);
const SEARCH: Duration = Duration::from_secs(1);
const TIDY: Duration = Duration::from_secs(60);
/// Sessions taken up in one round of search.
const FOUND: u32 = 1_000;

/// Prolongs the leases of running turns.
pub(super) async fn leases(shared: Weak<Shared>) {
    rounds(shared, RENEWAL, async |shared| {
        if !shared.running.is_empty()
            && let Err(error) = shared.store.renew(shared.instance, LEASE).await
        {
            tracing::warn!(%error, "leases could not be renewed");
        }
        true
    })
    .await;
}

/// Looks for messages that nobody answers: left by a crash, replayed by a person, let go by another
/// instance.
pub(super) async fn search(shared: Weak<Shared>, tell: mpsc::WeakSender<Signal>) {
    rounds(shared, SEARCH, async |shared| {
        let Some(tell) = tell.upgrade() else { return false };
        match shared.store.ready(FOUND).await {
            Ok(ready) if ready.is_empty() => true,
            Ok(ready) => tell.send(Signal::Found(ready)).await.is_ok(),
            Err(error) => {
                tracing::warn!(%error, "the store could not be searched for work");
                true
            }
        }
    })
    .await;
}

/// Expires sessions, forgets old rows, closes databases that nobody uses.
pub(super) async fn tidy(shared: Weak<Shared>) {
    rounds(shared, TIDY, async |shared| {
        match shared.store.upkeep().await {
            Ok(done) if done.expired + done.forgotten > 0 => {
                tracing::info!(expired = done.expired, forgotten = done.forgotten, "tidied up");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the store could not be tidied up"),
        }
        shared.store.close_idle().await;
        true
    })
    .await;
}

async fn rounds(
    shared: Weak<Shared>,
    every: Duration,
    mut round: impl AsyncFnMut(&Arc<Shared>) -> bool,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        if !round(&shared).await {
            return;
        }
    }
}
