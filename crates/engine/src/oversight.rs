//! What has to be noticed whoever did it: suspensions stop what runs, changes by other processes are told here
//! too, and what is worth knowing later goes into the audit.
//!
//! Budgets that were changed are looked at anew. Each loop ends when the engine is gone. A round that fails is logged and the next one comes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bus::{Missed, Subscription};
use domain::platform_event::Record;
use domain::{Occurrence, PlatformEvent, TenantSlug};
use store::Followed;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Shared;
use crate::running::Reason;
use crate::task::{TaskKind, spawn};

/// How soon a change by another process is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// How often what is worth knowing is written down.
const WRITE: Duration = Duration::from_secs(1);
/// Events that may wait to be written down; more are dropped and counted.
const PENDING: usize = 1_000;

/// Starts to watch.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn start(shared: &Arc<Shared>) -> Result<(), store::Error> {
    let followed = shared.store.follow().await?;
    let (told, kept) = (shared.bus.subscribe_all(), shared.bus.subscribe_all());
    spawn(TaskKind::Upkeep, look(Arc::downgrade(shared), told, followed));
    spawn(TaskKind::Upkeep, keep(Arc::downgrade(shared), kept));
    Ok(())
}

/// Stops what may no longer run: at once when this process suspends something, within a second when another
/// one does.
async fn look(shared: Weak<Shared>, mut told: Subscription<PlatformEvent>, mut followed: Followed) {
    let mut ticks = ticks(LOOK);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            event = told.next() => match event {
                Ok(event) if !suspends(&event.what) => {
                    if let (Some(tenant), Some(shared)) = (pays(&event.what), shared.upgrade()) {
                        shared.admission.budgets_changed(tenant);
                    }
                    continue;
                }
                // Whatever was missed may have been a suspension.
                Ok(_) | Err(Missed::Lagged(_)) => {}
                Err(Missed::Closed) => return,
            },
        }
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = follow(&shared, &mut followed).await {
            tracing::warn!(%error, "what other processes changed could not be read");
        }
        if let Err(error) = stop_suspended(&shared).await {
            tracing::warn!(%error, "what is suspended could not be read");
        }
    }
}

async fn follow(shared: &Shared, followed: &mut Followed) -> Result<(), store::Error> {
    for event in shared.store.changes(followed).await? {
        shared.bus.tell(event);
    }
    Ok(())
}

async fn stop_suspended(shared: &Shared) -> Result<(), store::Error> {
    for suspended in shared.store.suspended(shared.instance).await? {
        if !shared.running.cancel(&suspended.key, None, Reason::Suspended).is_empty() {
            tracing::info!(session = %suspended.key, "a turn is stopped, because it is suspended");
        }
    }
    shared.store.park_suspended().await
}

/// Writes down what is worth knowing later, at most one transaction a second.
async fn keep(shared: Weak<Shared>, mut told: Subscription<PlatformEvent>) {
    let (mut ticks, mut pending, mut dropped) = (ticks(WRITE), Vec::new(), 0_u64);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            event = told.next() => {
                match event {
                    Ok(event) if event.what.record() != Record::Note => {}
                    Ok(_) if pending.len() >= PENDING => dropped += 1,
                    Ok(event) => pending.push(PlatformEvent::clone(&event)),
                    Err(Missed::Lagged(missed)) => dropped += missed,
                    Err(Missed::Closed) => return,
                }
                continue;
            }
        }
        let Some(shared) = shared.upgrade() else { return };
        if dropped > 0 {
            crate::metrics::unaudited(dropped);
            tracing::warn!(
                dropped,
                "more happened than the audit could hold; it is in the log alone"
            );
            dropped = 0;
        }
        if pending.is_empty() {
            continue;
        }
        match shared.store.note(pending.clone()).await {
            Ok(()) => pending.clear(),
            Err(error) => {
                tracing::warn!(%error, waiting = pending.len(), "the audit could not be written");
            }
        }
    }
}

/// The tenant about whose budgets something changed.
fn pays(what: &Occurrence) -> Option<&TenantSlug> {
    match what {
        Occurrence::BudgetChanged { tenant_id, .. }
        | Occurrence::BudgetReset { tenant_id, .. }
        | Occurrence::BudgetApproved { tenant_id, .. }
        | Occurrence::TenantTierChanged { tenant_id, .. }
        | Occurrence::PersonTierChanged { tenant_id, .. } => Some(tenant_id),
        _ => None,
    }
}

fn suspends(what: &Occurrence) -> bool {
    matches!(
        what,
        Occurrence::TenantSuspended { .. }
            | Occurrence::SessionSuspended { .. }
            | Occurrence::PersonSuspended { .. }
    )
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
