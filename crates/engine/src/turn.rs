//! The fourth hop: one turn, from the claim of a session to the stored answer.
//!
//! Owns the order of it: claim, [`attempt`], [`ending`]; and what a turn may spend, in [`meter`].

mod attempt;
mod ending;
mod machine;
mod meter;
mod told;
mod watcher;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::queue::QueueMode;
use domain::{MessageId, PartialAnswer, RunId, SessionId, Timestamp};
use futures::FutureExt as _;
use store::Claimed;
use tokio::time::Instant;

use crate::pool::Worker;
use crate::{Error, LEASE, Shared, metrics};
use attempt::Attempt;
use ending::Ending;
use machine::{Happening, Machine};
use meter::Meter;
use told::Told;

/// One turn's runs: the newest message gives the turn its name.
#[derive(Debug, Clone)]
struct Runs {
    run: RunId,
    merged: Vec<RunId>,
}

/// What a turn leaves behind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turned {
    /// When the session's next message is due, if one waits.
    pub(crate) next: Option<Timestamp>,
    /// Tokens that it cost.
    pub(crate) cost: u64,
}

/// Runs a session's next turn on a worker.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    session: SessionId,
    account: &str,
    worker: Worker,
) -> Turned {
    let settings = shared.settings.borrow().clone();
    let policy = settings.policy(account);
    let most = (policy.mode == QueueMode::Followup).then_some(1);
    let claimed = match shared.store.claim(session, shared.instance, LEASE, most).await {
        Ok(Some(claimed)) => claimed,
        Ok(None) => return Turned::default(),
        Err(error) => {
            tracing::warn!(%error, "a session could not be claimed; it is found again");
            return Turned::default();
        }
    };
    let started = Instant::now();
    let runs = Runs::of(&claimed);
    for message in &claimed.messages {
        metrics::waited(shared.clock.now().since(message.received_at));
    }
    let all = std::iter::once(&runs.run).chain(&runs.merged).cloned().collect();
    let since = shared.clock.now();
    let reply = MessageId(shared.ids.uuid(since));
    let partial = PartialAnswer { id: reply, run: runs.run.clone(), since, text: String::new() };
    let place = shared.running.enter(claimed.claim, claimed.key.clone(), all, partial);
    let told = Told { shared, claimed: &claimed, worker: &worker };
    told.started();
    let meter = Meter::default();
    let attempt = Attempt {
        shared,
        settings: &settings,
        policy,
        claimed: &claimed,
        runs: &runs,
        place: &place,
        worker: &worker,
        meter: &meter,
    };
    // A panic in a turn is a failed attempt of its messages, not the end of the session.
    let conclusion = AssertUnwindSafe(attempt.run()).catch_unwind().await.unwrap_or_else(|_| {
        let failed = attempt::failed_before(&claimed);
        let mut machine = Machine::new(failed, settings.retry, String::new());
        attempt::concluded(machine.step(Happening::Failed(Error::Defect)))
    });
    place.conclude();
    let said = shared.running.said(&claimed.key).map(|answer| answer.text).unwrap_or_default();
    let settlement = meter.settlement(&settings, &claimed, &conclusion, &said);
    let cost = conclusion.cost();
    told.ended(&conclusion, started.elapsed(), settings.concurrency().worker_timeout);
    let ending = Ending { shared, claimed: &claimed, runs: &runs, reply, policy, worker: &worker };
    let next = ending.end(conclusion, settlement, started.elapsed()).await;
    Turned { next, cost }
}

// === impl Runs ===

impl Runs {
    fn of(claimed: &Claimed) -> Self {
        let mut merged: Vec<RunId> =
            claimed.messages.iter().map(|message| message.run.clone()).collect();
        let run = merged.pop().unwrap_or_else(|| RunId(String::new()));
        Self { run, merged }
    }
}
