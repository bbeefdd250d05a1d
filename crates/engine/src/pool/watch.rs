//! The watch over the workers: at every heartbeat each is looked at, and what has fallen silent is ended.

use std::sync::Weak;

use agent::child::Processes;
use domain::{Occurrence, PlatformEvent};
use tokio::time::{Instant, sleep};

use super::name;
use super::roster::Finding;
use crate::running::Reason;
use crate::{Shared, metrics};

/// Looks at the workers for as long as there is an engine.
pub(crate) async fn watch(shared: Weak<Shared>) {
    loop {
        let Some(interval) = shared.upgrade().map(|s| s.workers.settings().heartbeat_interval)
        else {
            return;
        };
        sleep(interval).await;
        let Some(shared) = shared.upgrade() else { return };
        round(&shared).await;
    }
}

async fn round(shared: &Shared) {
    let workers = &shared.workers;
    let processes = workers.roster().processes();
    let memory = memory_of(processes).await;
    let settings = workers.settings();
    let (found, standings) = {
        let mut roster = workers.roster();
        let found = roster.examine(&settings, &memory, Instant::now());
        (found, roster.standings(Instant::now()))
    };
    let session = |worker: u64| {
        let name = name(worker);
        standings.iter().find(|standing| standing.id == name)?.session.clone()
    };
    for finding in found {
        match finding {
            Finding::Stuck { worker, silent } => {
                metrics::stuck();
                let session = session(worker);
                let heartbeat_age_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    worker = name(worker),
                    silent_ms = heartbeat_age_ms,
                    "a worker is stuck; its turn is ended"
                );
                let tenant_id = session.as_ref().map(|key| key.tenant.clone());
                let now = shared.clock.now();
                let what = Occurrence::WorkerStuck {
                    worker_id: name(worker),
                    tenant_id,
                    request_id: None,
                    heartbeat_age_ms,
                };
                shared.bus.tell(PlatformEvent::new(what, now, shared.ids.uuid(now)));
                if let Some(key) = session {
                    drop(shared.running.cancel(&key, None, Reason::Stuck(silent)));
                }
            }
            Finding::OverMemory { worker, bytes } => {
                tracing::warn!(
                    worker = name(worker),
                    bytes,
                    "a worker's process uses too much memory"
                );
                if let Some(key) = session(worker) {
                    let limit = settings.memory_limit;
                    drop(shared.running.cancel(&key, None, Reason::Memory { bytes, limit }));
                }
            }
        }
    }
    workers.resize();
    shared.admission.tidy(Instant::now());
}

/// The memory of each worker's process, in bytes. One look at all processes serves every worker; it is taken
/// elsewhere, because reading /proc waits for the kernel.
pub(super) async fn memory_of(processes: Vec<(u64, u32)>) -> Vec<(u64, u64)> {
    if processes.is_empty() {
        return Vec::new();
    }
    let read = tokio::task::spawn_blocking(move || {
        let all = Processes::read();
        processes.into_iter().map(|(worker, pid)| (worker, all.resident(pid))).collect()
    });
    read.await.unwrap_or_default()
}
