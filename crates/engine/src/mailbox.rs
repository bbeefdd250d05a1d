//! The third hop: which session has its turn next.
//!
//! One loop owns the order. It keeps at most one turn running in a session and at most
//! [`Settings::turns`](crate::Settings::turns) in all, waits for people to finish writing, and looks for
//! work that a crash or another instance left. What it holds in memory is only a plan; the store decides
//! in `claim`.

mod plan;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::{SessionId, Timestamp};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::task::{TaskKind, spawn};
use crate::{Shared, metrics, turn};
use plan::Plan;

/// A message that was stored a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) session: SessionId,
    pub(crate) account: String,
    /// `None`: as configured for the account.
    pub(crate) debounce: Option<Duration>,
}

/// How busy the engine is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Turns that run now.
    pub running: usize,
    /// Sessions that wait for a turn.
    pub waiting: usize,
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
    waiting: AtomicUsize,
    ended: Notify,
}

enum Signal {
    Arrived(Arrival),
    /// Rows that nobody answers, and when each may be tried.
    Found(Vec<store::Ready>),
    /// A turn is over; the session's next message is due then.
    Ended {
        session: SessionId,
        account: String,
        next: Option<Timestamp>,
    },
    Stop,
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
        spawn(TaskKind::Mailbox, run(shared, inbox, tell, Arc::clone(&mailbox.state)));
        mailbox
    }

    /// Tells that a message was stored.
    pub(crate) fn arrived(&self, arrival: Arrival) {
        if self.signals.try_send(Signal::Arrived(arrival)).is_err() {
            tracing::debug!("the mailbox is behind; the message is found in the store");
        }
    }

    pub(crate) fn load(&self) -> Load {
        Load {
            running: self.state.running.load(Ordering::Relaxed),
            waiting: self.state.waiting.load(Ordering::Relaxed),
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
        let wake = plan.next_due(most(&shared, &state));
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
        state.waiting.store(plan.waiting(), Ordering::Relaxed);
        state.running.store(plan.running(), Ordering::Release);
        state.ended.notify_waiters();
        metrics::load(plan.running(), plan.waiting());
    }
}

fn note(plan: &mut Plan, shared: &Shared, signal: Signal) {
    let now = Instant::now();
    match signal {
        Signal::Arrived(Arrival { session, account, debounce }) => {
            let mut policy = shared.settings.borrow().policy(&account);
            policy.debounce = debounce.unwrap_or(policy.debounce);
            plan.arrived(session, &account, policy, now);
        }
        Signal::Found(ready) => {
            let wall = shared.clock.now();
            for store::Ready { session, account, due_at } in ready {
                plan.found(session, &account, now + due_at.since(wall));
            }
        }
        Signal::Ended { session, account, next } => {
            let due = next.map(|due| now + due.since(shared.clock.now()));
            plan.ended(session, &account, due);
        }
        Signal::Stop => {}
    }
}

/// How many turns may run now.
fn most(shared: &Shared, state: &State) -> usize {
    if state.stopping.load(Ordering::Relaxed) {
        return 0;
    }
    shared.settings.borrow().turns().max(1)
}

fn begin_due(
    plan: &mut Plan,
    shared: &Arc<Shared>,
    tell: &mpsc::WeakSender<Signal>,
    state: &Arc<State>,
) {
    let most = most(shared, state);
    while plan.running() < most {
        let Some((session, account)) = plan.take_due(Instant::now()) else { return };
        state.running.store(plan.running(), Ordering::Release);
        let (shared, tell) = (Arc::clone(shared), tell.clone());
        spawn(TaskKind::Turn, async move {
            let next = turn::run(&shared, session, &account).await;
            if let Some(tell) = tell.upgrade() {
                // Unlike an arrival, the end of a turn must not get lost: it frees the session's place.
                drop(tell.send(Signal::Ended { session, account, next }).await);
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
