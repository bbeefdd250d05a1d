//! The path of a message: [`intake`](Engine::intake), mailbox, turn, outbox.
//!
//! Owns order, retries and cancellation. Holds nothing in memory that the store could not give back: a
//! crash at any instruction leaves rows from which the next start goes on by itself.

mod admission;
mod error;
mod intake;
mod mailbox;
pub mod metrics;
mod outbox;
mod oversight;
mod pool;
mod running;
mod settings;
mod task;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use domain::concurrency::{Concurrency, ConcurrencyMetrics, TenantQueue, WorkerStanding};
use domain::{Channel, Clock, Ids, Intake, PartialAnswer, Pool, RunId, SessionKey, Turns};
use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

pub use error::Error;
#[cfg(feature = "measure")]
pub use mailbox::measure;
pub use settings::Settings;

use admission::Admission;
use mailbox::Mailbox;
use outbox::Outbox;
use pool::Workers;
use running::{Reason, Running};

/// What an engine is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// Where events are told.
    pub bus: Bus,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The maker of ids.
    pub ids: Arc<dyn Ids>,
    /// The ways out; the first that serves an account delivers its answers.
    pub channels: Vec<Arc<dyn Channel>>,
    /// What may change while it runs.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// This instance. The same after a restart, so that it finds what it held; never two at once.
    pub instance: Uuid,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    mailbox: Mailbox,
}

/// What every hop of the path uses.
struct Shared {
    store: Store,
    bus: Bus,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: watch::Receiver<Arc<Settings>>,
    instance: Uuid,
    running: Running,
    outbox: Outbox,
    admission: Admission,
    workers: Workers,
}

/// How long an instance holds a session without being heard of.
const LEASE: Duration = Duration::from_secs(10);
/// How long turns that were told to stop may take to let go of their sessions.
const LETTING_GO: Duration = Duration::from_secs(3);

// === impl Engine ===

impl Engine {
    /// Takes up what an earlier run of this instance left, and starts.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn start(parts: Parts) -> Result<Self, store::Error> {
        metrics::describe();
        llm::metrics::describe();
        let Parts { store, bus, clock, ids, channels, settings, instance } = parts;
        store.let_go(instance).await?;
        let outbox = Outbox::start(store.clone(), channels);
        let running = Running::default();
        let admission = Admission::default();
        let workers = {
            let settings = settings.clone();
            let now = move || settings.borrow().concurrency();
            Workers::new(now, admission.clone(), bus.clone(), Arc::clone(&clock), Arc::clone(&ids))
        };
        let shared = Arc::new(Shared {
            store,
            bus,
            clock,
            ids,
            settings,
            instance,
            running,
            outbox,
            admission,
            workers,
        });
        oversight::start(&shared).await?;
        let mailbox = Mailbox::start(Arc::clone(&shared));
        Ok(Self { shared, mailbox })
    }

    /// The door through which channels hand messages in.
    #[must_use]
    pub fn intake(&self) -> Arc<dyn Intake> {
        Arc::new(intake::Door { shared: Arc::clone(&self.shared), mailbox: self.mailbox.clone() })
    }

    /// What may change while it runs, as it is now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.shared.settings.borrow().clone()
    }

    /// Takes nothing more in, lets running turns finish for `grace`, and parks nothing: what is not
    /// finished by then goes back to the queue, for the next start or another instance.
    pub async fn stop(&self, grace: Duration) {
        self.mailbox.stop();
        if tokio::time::timeout(grace, self.mailbox.quiet()).await.is_err() {
            self.shared.running.cancel_all(Reason::Stopping);
            if tokio::time::timeout(LETTING_GO, self.mailbox.quiet()).await.is_err() {
                tracing::warn!(
                    "turns did not let go in time; their sessions are free again when leases end"
                );
            }
        }
        self.shared.outbox.flush().await;
    }
}

impl Pool for Engine {
    fn metrics(&self) -> ConcurrencyMetrics {
        self.shared.workers.metrics()
    }

    fn concurrency(&self) -> Concurrency {
        self.shared.workers.settings()
    }

    fn workers(&self) -> Vec<WorkerStanding> {
        self.shared.workers.standings()
    }

    fn queues(&self) -> Vec<TenantQueue> {
        self.shared.admission.queues(Instant::now())
    }

    fn recycle(&self, worker: &str) -> bool {
        self.shared.workers.recycle(worker)
    }
}

impl Turns for Engine {
    fn said(&self, session: &SessionKey) -> Option<PartialAnswer> {
        self.shared.running.said(session)
    }

    fn abort(&self, session: &SessionKey, run: Option<&RunId>) -> Vec<RunId> {
        self.shared.running.cancel(session, run, Reason::Person)
    }
}
