//! The third hop: which session has its turn next.
//!
//! One loop owns the order. It keeps at most one turn running in a session and as many in all as there are
//! workers, waits for people to finish writing, and looks for work that a crash or another instance left.
//! What it holds in memory is only a plan; the store decides in `claim`.

mod fair;
#[cfg(feature = "measure")]
pub mod measure;
mod plan;
#[cfg(test)]
mod rehearsal;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::tenant::Tier;
use domain::{SessionId, SessionKey, Timestamp};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::task::{TaskKind, spawn};
use crate::{Shared, metrics, pool, turn};
use fair::Standing;
use plan::{Plan, Start, Wish};

/// A message that was stored a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) session: SessionId,
    pub(crate) key: SessionKey,
    pub(crate) tier: Tier,
    /// Estimated tokens of its words.
    pub(crate) tokens: u64,
    /// `None`: as configured for the account.
    pub(crate) debounce: Option<Duration>,
}

/// Tells the loop what happened. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mailbox {
    signals: mpsc::Sender<Signal>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    running: AtomicUsize,
    ended: Notify,
}

enum Signal {
    Arrived(Arrival),
    /// Rows that nobody answers, and when each may be tried; and when that was asked.
    Found(Instant, Vec<store::Ready>),
    /// A turn is over.
    Ended(Box<Ended>),
    Stop,
}

/// A turn that is over.
struct Ended {
    wish: Wish,
    /// Tokens that it cost.
    cost: u64,
    /// When the session's next message is due.
    next: Option<Timestamp>,
}

/// Signals that may wait. A lost one costs a second: the store is searched for what nobody answers.
const SIGNALS: usize = 4_096;

// === impl Mailbox ===

impl Mailbox {
    pub(crate) fn start(shared: Arc<Shared>) -> Self {
        let (signals, inbox) = mpsc::channel(SIGNALS);
        let state = Arc::new(State::default());
        let mailbox = Self { signals, state };
        let tell = mailbox.signals.downgrade();
        spawn(TaskKind::Upkeep, upkeep::leases(Arc::downgrade(&shared)));
        spawn(TaskKind::Upkeep, upkeep::search(Arc::downgrade(&shared), tell.clone()));
        spawn(TaskKind::Upkeep, upkeep::tidy(Arc::downgrade(&shared)));
        spawn(TaskKind::Upkeep, pool::watch(Arc::downgrade(&shared)));
        spawn(TaskKind::Upkeep, pool::publish(Arc::downgrade(&shared)));
        spawn(TaskKind::Upkeep, pool::record(Arc::downgrade(&shared)));
        spawn(TaskKind::Upkeep, upkeep::warnings(Arc::downgrade(&shared)));
        spawn(TaskKind::Mailbox, run(shared, inbox, tell, Arc::clone(&mailbox.state)));
        mailbox
    }

    /// Tells that a message was stored.
    pub(crate) fn arrived(&self, arrival: Arrival) {
        if self.signals.try_send(Signal::Arrived(arrival)).is_err() {
            tracing::debug!("the mailbox is behind; the message is found in the store");
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state.stopping.load(Ordering::Relaxed)
    }

    /// Begins no more turns.
    pub(crate) fn stop(&self) {
        self.state.stopping.store(true, Ordering::Relaxed);
        drop(self.signals.try_send(Signal::Stop));
    }

    /// Returns when no turn runs.
    pub(crate) async fn quiet(&self) {
        loop {
            let ended = self.state.ended.notified();
            if self.state.running.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// The loop. It ends when every handle is gone.
async fn run(
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Signal>,
    tell: mpsc::WeakSender<Signal>,
    state: Arc<State>,
) {
    let mut plan = Plan::default();
    loop {
        let wake = plan.next_due().filter(|_| may_begin(&shared, &state));
        let signal = tokio::select! {
            signal = inbox.recv() => match signal {
                Some(signal) => Some(signal),
                None => return,
            },
            () = sleep_until(wake) => None,
        };
        if let Some(signal) = signal {
            note(&mut plan, &shared, signal);
        }
        begin_due(&mut plan, &shared, &tell, &state);
        state.running.store(plan.running(), Ordering::Release);
        state.ended.notify_waiters();
        metrics::load(plan.running(), plan.waiting());
    }
}

fn note(plan: &mut Plan, shared: &Shared, signal: Signal) {
    let now = Instant::now();
    match signal {
        Signal::Arrived(Arrival { session, key, tier, tokens, debounce }) => {
            let mut policy = shared.settings.borrow().policy(&key.account);
            policy.debounce = debounce.unwrap_or(policy.debounce);
            plan.arrived(wish(shared, session, key, tier, tokens), policy, now);
        }
        Signal::Found(asked, ready) => {
            let wall = shared.clock.now();
            for store::Ready { session, key, tier, due_at } in ready {
                shared.admission.learn(&key.tenant, tier);
                let wish = wish(shared, session, key.clone(), tier, 0);
                if plan.found(wish, now + due_at.since(wall), asked) {
                    shared.admission.found(key, now);
                }
            }
            plan.searched(asked);
        }
        Signal::Ended(ended) => {
            let Ended { wish, cost, next } = *ended;
            let key = wish.key.clone();
            let due = next.map(|due| (now + due.since(shared.clock.now()), wish.clone()));
            if plan.ended(wish.session, cost, due, now) {
                shared.admission.found(key, now);
            }
        }
        Signal::Stop => {}
    }
}

fn wish(shared: &Shared, session: SessionId, key: SessionKey, tier: Tier, tokens: u64) -> Wish {
    let settings = shared.settings.borrow();
    let priority = settings.priority(&key.account);
    let standing =
        Standing { weight: tier.weight(), running: settings.concurrency().share.of(tier).running };
    Wish { session, key, tokens, priority, standing }
}

/// Whether one more turn could begin.
fn may_begin(shared: &Shared, state: &State) -> bool {
    !state.stopping.load(Ordering::Relaxed) && shared.workers.has_room()
}

fn begin_due(
    plan: &mut Plan,
    shared: &Arc<Shared>,
    tell: &mpsc::WeakSender<Signal>,
    state: &Arc<State>,
) {
    while may_begin(shared, state) {
        let Some(Start { wish, .. }) = plan.take_due(Instant::now()) else { return };
        let Some(worker) = shared.workers.hire(&wish.key) else {
            // The settings shrank in this very moment.
            let now = Instant::now();
            plan.ended(wish.session, 0, Some((now, wish)), now);
            return;
        };
        shared.admission.served(&wish.key);
        state.running.store(plan.running(), Ordering::Release);
        let (shared, tell) = (Arc::clone(shared), tell.clone());
        spawn(TaskKind::Turn, async move {
            let turn::Turned { next, cost } =
                turn::run(&shared, wish.session, &wish.key.account, worker).await;
            if let Some(tell) = tell.upgrade() {
                // Unlike an arrival, the end of a turn must not get lost: it frees the session's place.
                let ended = Box::new(Ended { wish, cost, next });
                drop(tell.send(Signal::Ended(ended)).await);
            }
        });
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
