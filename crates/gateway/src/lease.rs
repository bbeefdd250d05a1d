//! Open connections and the credentials they were opened with.
//!
//! Owns the repeated look at every credential in use; refuses to leave a connection open whose credential
//! is worth less than it was. Connections with the same credential share one lease, so that thousands of
//! them cost one look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Coded, Kind, Secret};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Limits;
use crate::access::{Access, Admission, Keeper};
use crate::settings::Settings;

/// A credential in use.
#[derive(Debug)]
pub struct Lease {
    access: Access,
    credential: Option<Secret>,
    ended: CancellationToken,
}

/// Every credential in use.
#[derive(Debug, Default)]
pub struct Leases {
    held: Mutex<HashMap<Vec<u8>, Weak<Lease>>>,
}

/// Credentials that are looked at at the same time.
const AT_ONCE: usize = 16;

// === impl Lease ===

impl Lease {
    /// Returns when the credential is not worth any more what it was.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

// === impl Leases ===

impl Leases {
    /// The lease of a credential that was just found good.
    pub fn hold(&self, admission: &Admission) -> Arc<Lease> {
        let fresh = || {
            Arc::new(Lease {
                access: admission.access.clone(),
                credential: admission.credential.clone(),
                ended: CancellationToken::new(),
            })
        };
        let Some(credential) = &admission.credential else { return fresh() };
        let name = digest(&SHA256, credential.expose().as_bytes()).as_ref().to_vec();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = held.get(&name).and_then(Weak::upgrade) {
            if lease.access.is_worth(&admission.access) {
                return lease;
            }
            // What it was worth has changed since, and the next look has not come yet.
            lease.ended.cancel();
        }
        let lease = fresh();
        held.insert(name, Arc::downgrade(&lease));
        lease
    }

    /// Looks at all credentials again and again: at every interval, and when the settings change.
    pub async fn watch(
        self: Arc<Self>,
        keeper: Arc<Keeper>,
        mut settings: watch::Receiver<Arc<Settings>>,
        limits: Limits,
    ) {
        let mut ticks = interval(limits.lease_check);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                changed = settings.changed() => if changed.is_err() { ticks.tick().await; },
            }
            let held = self.in_use();
            futures::stream::iter(held)
                .for_each_concurrent(AT_ONCE, |lease| check(&keeper, lease))
                .await;
        }
    }

    fn in_use(&self) -> Vec<Arc<Lease>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, lease| lease.strong_count() > 0);
        held.values().filter_map(Weak::upgrade).collect()
    }
}

/// A store that does not answer says nothing about the credential, so the connection stays: whatever is
/// asked over it fails by itself.
async fn check(keeper: &Keeper, lease: Arc<Lease>) {
    let Some(credential) = &lease.credential else { return };
    let ended = match keeper.resolve(credential).await {
        Ok(access) => !access.is_worth(&lease.access),
        Err(error) => matches!(error.kind(), Kind::Unauthenticated | Kind::Forbidden),
    };
    if ended {
        lease.ended.cancel();
    }
}
