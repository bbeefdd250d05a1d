//! `openclaw workers`: who runs the turns, and how full the pool is. Only the running gateway knows.

use std::io;

use domain::Timestamp;
use domain::concurrency::ConcurrencyMetrics;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::{AddressArgs, WorkersArgs, WorkersCommand};
use crate::client::Socket;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago, span};

/// Asks the gateway and shows what it says.
///
/// # Errors
/// When the gateway cannot be asked, or knows no such worker.
pub async fn run(arguments: WorkersArgs, context: &Context) -> Result<(), Error> {
    match arguments.command {
        None => list(&arguments.address, context).await,
        Some(WorkersCommand::List { address }) => list(&address, context).await,
        Some(WorkersCommand::Recycle { id, address }) => recycle(id, &address, context).await,
    }
}

async fn list(address: &AddressArgs, context: &Context) -> Result<(), Error> {
    let answer: Answer = open(address).await?.ask_for("workers.list", json!({})).await?;
    context.print(&Listed { answer, now: context.now() })
}

async fn recycle(id: String, address: &AddressArgs, context: &Context) -> Result<(), Error> {
    let params = json!({ "workerId": id });
    let Found { ok } = open(address).await?.ask_for("workers.recycle", params).await?;
    if !ok {
        return Err(store::Error::Missing { what: "worker", name: id }.into());
    }
    context.print(&Recycled { recycled: id })
}

async fn open(address: &AddressArgs) -> Result<Socket, Error> {
    Ok(Installation::find()?.gateway(address)?.open().await?)
}

/// What the gateway says of its pool.
#[derive(Serialize, Deserialize)]
struct Answer {
    metrics: ConcurrencyMetrics,
    limits: Limits,
    workers: Vec<Worker>,
    queues: Vec<Queue>,
}

/// What waits of one tenant.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    tenant: String,
    tier: String,
    waiting: usize,
    oldest_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    min_workers: usize,
    max_workers: usize,
    max_queue_size: usize,
    backpressure_threshold: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Worker {
    id: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    request_count: u64,
    started_at: Timestamp,
    silent_ms: u64,
    memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
}

#[derive(Deserialize)]
struct Found {
    ok: bool,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    answer: Answer,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Recycled {
    recycled: String,
}

/// The figures in one line: what runs, what waits, how full that is.
#[must_use]
pub fn summary(metrics: &ConcurrencyMetrics) -> String {
    let ConcurrencyMetrics { active_workers, idle_workers, stuck_workers, queue_depth, .. } =
        metrics;
    let stuck = match stuck_workers {
        0 => String::new(),
        count => format!(", {count} stuck"),
    };
    format!(
        "{active_workers} busy, {idle_workers} idle{stuck}, {queue_depth} waiting, level {:.2}, saturation {:.2}",
        metrics.backpressure_level, metrics.saturation
    )
}

// === impl Answer ===

impl Answer {
    /// The figures against what they may be, and the times of the last five minutes.
    fn facts(&self) -> [(&'static str, String); 4] {
        let Self { metrics, limits, .. } = self;
        let workers = format!(
            "{} busy, {} idle, {} stuck, of {} to {}",
            metrics.active_workers,
            metrics.idle_workers,
            metrics.stuck_workers,
            limits.min_workers,
            limits.max_workers
        );
        let waiting = format!("{} of {}", metrics.queue_depth, limits.max_queue_size);
        let level = format!(
            "{:.2}, new work is refused from {:.2}; saturation {:.2}",
            metrics.backpressure_level, limits.backpressure_threshold, metrics.saturation
        );
        let turns = format!(
            "{} in the last minute, {} in all, {} failed; mean {}, p95 {}, p99 {}",
            metrics.throughput_per_minute,
            metrics.total_processed,
            metrics.total_errors,
            seconds(metrics.avg_latency_ms),
            seconds(metrics.p95_latency_ms),
            seconds(metrics.p99_latency_ms)
        );
        [("workers", workers), ("waiting", waiting), ("level", level), ("turns", turns)]
    }
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        self.answer.facts().iter().try_for_each(|(name, value)| screen.fact(name, value))?;
        screen.line("")?;
        self.show_workers(screen)?;
        if self.answer.queues.is_empty() {
            return Ok(());
        }
        screen.line("")?;
        self.show_queues(screen)
    }
}

impl Listed {
    fn show_workers(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&[
            "WORKER", "STATE", "SESSION", "STARTED", "SILENT", "TURNS", "MEMORY", "PID",
        ]);
        for worker in &self.answer.workers {
            let nothing = || "-".to_owned();
            let works = worker.session.is_some();
            table.row([
                worker.id.clone(),
                worker.state.clone(),
                worker.session.clone().unwrap_or_else(nothing),
                ago(self.now, worker.started_at),
                if works { span(worker.silent_ms / 1_000) } else { nothing() },
                worker.request_count.to_string(),
                match worker.memory_bytes {
                    0 => nothing(),
                    bytes => format!("{} MB", bytes.div_ceil(1 << 20)),
                },
                worker.pid.map_or_else(nothing, |pid| pid.to_string()),
            ]);
        }
        table.show(screen, "No worker is there; the next message starts one.")
    }

    fn show_queues(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["TENANT", "TIER", "WAITING", "LONGEST"]);
        for queue in &self.answer.queues {
            table.row([
                queue.tenant.clone(),
                queue.tier.clone(),
                queue.waiting.to_string(),
                span(queue.oldest_ms / 1_000),
            ]);
        }
        table.show(screen, "Nothing waits.")
    }
}

// === impl Recycled ===

impl Show for Recycled {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!(
            "{} ends after the turn that it runs; a new one takes its place.",
            self.recycled
        ))
    }
}

fn seconds(milliseconds: f64) -> String {
    format!("{:.1}s", milliseconds / 1_000.0)
}
