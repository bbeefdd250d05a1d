//! The workers that run turns: how many there are, and whether each is alive.
//!
//! Owns their life cycle. A worker here is the right to run one turn at a time; where its turn is done by a
//! process, such as a program that thinks, the worker is watched through that process. What the workers run
//! is the mailbox's affair.

mod gauges;
mod history;
mod roster;
mod watch;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::Bus;
use domain::concurrency::{Concurrency, ConcurrencyMetrics, WorkerStanding};
use domain::worker::WorkerState;
use domain::{Clock, Ids, Occurrence, PlatformEvent, Pulse, SessionKey};
use tokio::time::Instant;

use crate::admission::{Admission, Outlook};
use crate::metrics;
use roster::{Change, Roster, name, number};
use window::Window;

pub(crate) use gauges::{describe, publish};
pub(crate) use history::record;
pub(crate) use watch::watch;

/// The workers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Workers {
    inner: Arc<Inner>,
}

/// A worker that runs one turn; free again when this is dropped.
pub(crate) struct Worker {
    workers: Workers,
    id: u64,
}

struct Inner {
    roster: Mutex<Roster>,
    window: Mutex<Window>,
    settings: Box<dyn Fn() -> Concurrency + Send + Sync>,
    admission: Admission,
    bus: Bus,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

// === impl Workers ===

impl Workers {
    pub(crate) fn new(
        settings: impl Fn() -> Concurrency + Send + Sync + 'static,
        admission: Admission,
        bus: Bus,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let settings = Box::new(settings);
        let (roster, window) = (Mutex::default(), Mutex::new(Window::new(Instant::now())));
        let inner = Inner { roster, window, settings, admission, bus, clock, ids };
        let workers = Self { inner: Arc::new(inner) };
        workers.resize();
        workers
    }

    /// Whether one more turn could begin.
    pub(crate) fn has_room(&self) -> bool {
        self.roster().busy() < self.settings().max_workers
    }

    /// A worker for a session's turn, while there are or may be any.
    pub(crate) fn hire(&self, session: &SessionKey) -> Option<Worker> {
        let (settings, mut told) = (self.settings(), Vec::new());
        let wall = self.inner.clock.now();
        let id = self.roster().hire(session, &settings, Instant::now(), wall, &mut told);
        self.tell(told);
        Some(Worker { workers: self.clone(), id: id? })
    }

    /// A turn ended after so long, with or without success.
    pub(crate) fn count(&self, took: Duration, failed: bool) {
        lock(&self.inner.window).count(took, failed, Instant::now());
    }

    /// The pool as the door sees it.
    pub(crate) fn outlook(&self) -> Outlook {
        let busy = self.roster().busy();
        let turn = lock(&self.inner.window).mean(Instant::now());
        Outlook { settings: self.settings(), busy, turn }
    }

    pub(crate) fn metrics(&self) -> ConcurrencyMetrics {
        let settings = self.settings();
        let (busy, idle, stuck) = {
            let roster = self.roster();
            (roster.busy(), roster.count(WorkerState::Idle), roster.count(WorkerState::Stuck))
        };
        let depth = self.inner.admission.depth();
        let window = lock(&self.inner.window).sum(Instant::now());
        let pressure = Outlook { settings, busy, turn: window.mean }.pressure(depth);
        ConcurrencyMetrics {
            active_workers: busy,
            idle_workers: idle,
            queue_depth: depth,
            total_processed: window.processed,
            total_errors: window.errors,
            avg_latency_ms: milliseconds(window.mean),
            p95_latency_ms: milliseconds(window.p95),
            p99_latency_ms: milliseconds(window.p99),
            throughput_per_minute: window.last_minute,
            backpressure_level: pressure.level(),
            stuck_workers: stuck,
            saturation: pressure.saturation(settings.backpressure_threshold),
        }
    }

    fn count_of(&self, state: WorkerState) -> usize {
        self.roster().count(state)
    }

    /// How long the request that waits longest has waited.
    fn queue_age(&self) -> Duration {
        self.inner.admission.oldest(Instant::now())
    }

    pub(crate) fn settings(&self) -> Concurrency {
        (self.inner.settings)()
    }

    pub(crate) fn standings(&self) -> Vec<WorkerStanding> {
        self.roster().standings(Instant::now())
    }

    /// Lets a worker end after its turn. Whether there is one of this name.
    pub(crate) fn recycle(&self, worker: &str) -> bool {
        let mut told = Vec::new();
        let there = number(worker).is_some_and(|id| self.roster().recycle(id, &mut told));
        self.tell(told);
        self.resize();
        there
    }

    /// As many workers as the level calls for.
    pub(crate) fn resize(&self) {
        let (settings, mut told) = (self.settings(), Vec::new());
        let wall = self.inner.clock.now();
        let depth = self.inner.admission.depth();
        {
            let mut roster = self.roster();
            let outlook = Outlook { settings, busy: roster.busy(), turn: Duration::ZERO };
            let wanted = outlook.pressure(depth).suggested_workers(settings.min_workers);
            roster.resize(&settings, wanted, Instant::now(), wall, &mut told);
        }
        self.tell(told);
    }

    fn release(&self, id: u64) {
        let (settings, mut told) = (self.settings(), Vec::new());
        let wall = self.inner.clock.now();
        self.roster().release(id, &settings, Instant::now(), wall, &mut told);
        self.tell(told);
    }

    fn tell(&self, changes: Vec<Change>) {
        for change in changes {
            let what = match change {
                Change::Spawned { worker } => {
                    Occurrence::WorkerSpawned { worker_id: name(worker), pid: None }
                }
                Change::Recycled { worker, reason, request_count } => {
                    metrics::recycled(reason);
                    Occurrence::WorkerRecycled { worker_id: name(worker), reason, request_count }
                }
            };
            self.publish(what);
        }
    }

    fn publish(&self, what: Occurrence) {
        let now = self.inner.clock.now();
        self.inner.bus.tell(PlatformEvent::new(what, now, self.inner.ids.uuid(now)));
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        lock(&self.inner.roster)
    }
}

// === impl Worker ===

impl Worker {
    /// Its name, as people see it.
    pub(crate) fn name(&self) -> String {
        name(self.id)
    }

    /// For whoever makes progress in its turn.
    pub(crate) fn pulse(&self) -> Arc<dyn Pulse> {
        Arc::new(Beat { workers: self.workers.clone(), id: self.id })
    }

    pub(crate) fn beat(&self) {
        self.workers.roster().beat(self.id, Instant::now());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.workers.release(self.id);
    }
}

/// The pulse of one worker. It may outlive the worker's turn; then it says nothing to anybody.
struct Beat {
    workers: Workers,
    id: u64,
}

impl Pulse for Beat {
    fn beat(&self) {
        self.workers.roster().beat(self.id, Instant::now());
    }

    fn process(&self, pid: Option<u32>) {
        self.workers.roster().process(self.id, pid);
    }
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
