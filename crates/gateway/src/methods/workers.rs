//! `workers.*`: the pool, for operators.

use domain::concurrency::{ConcurrencyMetrics, TenantQueue, WorkerStanding};
use serde::{Deserialize, Serialize};

use super::{Call, Payload, payload};
use crate::Error;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    metrics: ConcurrencyMetrics,
    limits: Limits,
    workers: Vec<WorkerStanding>,
    queues: Vec<TenantQueue>,
}

/// What the figures are measured against.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    min_workers: usize,
    max_workers: usize,
    max_queue_size: usize,
    backpressure_threshold: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Recycle {
    worker_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recycled {
    ok: bool,
}

/// `workers.list {}` -> `{metrics, limits, workers: [{id, state, session, requestCount, ...}],
/// queues: [{tenant, tier, waiting, oldestMs}]}`
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let pool = &call.context.gateway.pool;
    let settings = pool.concurrency();
    payload(&Listed {
        metrics: pool.metrics(),
        limits: Limits {
            min_workers: settings.min_workers,
            max_workers: settings.max_workers,
            max_queue_size: settings.max_queue_size,
            backpressure_threshold: settings.backpressure_threshold,
        },
        workers: pool.workers(),
        queues: pool.queues(),
    })
}

/// `workers.recycle {workerId}` -> `{ok}`: it runs its turn to the end, then a new one takes its place.
/// `ok` is false when there is no such worker.
pub(super) async fn recycle(call: Call) -> Result<Payload, Error> {
    let Recycle { worker_id } = call.request.params()?;
    payload(&Recycled { ok: call.context.gateway.pool.recycle(&worker_id) })
}
