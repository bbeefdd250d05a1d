//! The fourth hop: one turn, from the claim of a session to the stored answer.
//!
//! A thin driver around [`machine`]: it feeds in what happens and does what comes out.

mod ending;
mod machine;
mod told;
mod watcher;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use agent::{Batch, Brief, Prompt};
use domain::message::Said;
use domain::queue::{QueueMode, QueuePolicy};
use domain::{Event, EventBody, MessageId, PartialAnswer, Role, RunId, SessionId, Timestamp};
use futures::{FutureExt as _, StreamExt as _};
use llm::EventStream;
use store::{Claimed, Line, LineOutcome};
use tokio::time::{Instant, timeout_at};

use crate::pool::Worker;
use crate::running::Place;
use crate::{Error, LEASE, Settings, Shared, metrics};
use ending::Ending;
use machine::{Conclusion, Effect, Happening, Machine};
use told::Told;
use watcher::Watcher;

/// Lines of the transcript that a prompt may hold; their length is limited besides.
const HISTORY_LINES: u32 = 200;

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
    let turn = answer(shared, &settings, policy, &claimed, &runs, &place, &worker);
    // A panic in a turn is a failed attempt of its messages, not the end of the session.
    let conclusion = AssertUnwindSafe(turn).catch_unwind().await.unwrap_or_else(|_| {
        match Machine::new(failed_before(&claimed), settings.retry, String::new())
            .step(Happening::Failed(Error::Defect))
        {
            Effect::Conclude(conclusion) => conclusion,
            Effect::Wait | Effect::Publish(_) => Conclusion::Release,
        }
    });
    place.conclude();
    let cost = conclusion.cost();
    told.ended(&conclusion, started.elapsed(), settings.concurrency().worker_timeout);
    let ending = Ending { shared, claimed: &claimed, runs: &runs, reply, policy, worker: &worker };
    let next = ending.end(conclusion, started.elapsed()).await;
    Turned { next, cost }
}

/// Everything between the claim and the conclusion.
async fn answer(
    shared: &Shared,
    settings: &Settings,
    policy: QueuePolicy,
    claimed: &Claimed,
    runs: &Runs,
    place: &Place,
    worker: &Worker,
) -> Conclusion {
    let (started, stop) = (Instant::now(), place.stop());
    let mut machine =
        Machine::new(failed_before(claimed), settings.retry, settings.model(&claimed.key));
    match earlier_answer(shared, claimed).await {
        Ok(Some(earlier)) => return earlier,
        Ok(None) => {}
        Err(error) => return concluded(machine.step(Happening::Failed(error.into()))),
    }
    // Every attempt ended with the process: the next one may do so too, and nobody else would be answered.
    if failed_before(claimed) >= settings.retry.attempts {
        return concluded(machine.step(Happening::Failed(Error::Defect)));
    }
    publish(
        shared,
        claimed,
        EventBody::Started { run: runs.run.clone(), merged: runs.merged.clone() },
    );
    let timeout = settings.concurrency().worker_timeout;
    let deadline = started + timeout;
    let mut stream = tokio::select! {
        stream = timeout_at(deadline, ask(shared, settings, policy, claimed, worker, deadline)) => match stream {
            Ok(Ok((asked, stream))) => {
                machine.step(asked);
                stream
            }
            Ok(Err(error)) => return concluded(machine.step(Happening::Failed(error))),
            Err(_) => return concluded(machine.step(too_late(timeout))),
        },
        reason = stop.told() => return concluded(machine.step(Happening::Stopped(reason))),
    };
    let mut first = true;
    loop {
        let happening = tokio::select! {
            biased;
            reason = stop.told() => Happening::Stopped(reason),
            next = timeout_at(deadline, stream.next()) => match next {
                Ok(Some(Ok(event))) => Happening::Said(event),
                Ok(Some(Err(error))) => Happening::Failed(error.into()),
                Ok(None) => Happening::Failed(Error::Defect),
                Err(_) => too_late(timeout),
            },
        };
        worker.beat();
        match machine.step(happening) {
            Effect::Wait => {}
            Effect::Publish(text) => {
                if std::mem::take(&mut first) {
                    metrics::first_word(started.elapsed());
                }
                let offset = place.say(&text);
                publish(shared, claimed, EventBody::Delta { run: runs.run.clone(), offset, text });
            }
            // Returning drops the stream, which closes the connection: the provider stops at once.
            Effect::Conclude(conclusion) => return conclusion,
        }
    }
}

/// Asks the models until one has begun to answer. The prompt is made anew for each attempt, from files and transcript as they are now.
async fn ask(
    shared: &Shared,
    settings: &Settings,
    policy: QueuePolicy,
    claimed: &Claimed,
    worker: &Worker,
    deadline: Instant,
) -> Result<(Happening, EventStream), Error> {
    let route = settings.models.chain(&settings.chain(&claimed.key))?;
    let brief = brief(settings, claimed).await?;
    let history = history(shared, claimed).await?;
    let texts = claimed.messages.iter().map(|message| message.text.as_str()).collect();
    let prompt = Prompt { brief: &brief, history: &history, batch: Batch { texts, policy } };
    let mut seed = [0; 8];
    shared.ids.fill(&mut seed);
    let ask = llm::Ask {
        request: prompt.request(""),
        tenant: claimed.key.tenant.clone(),
        weight: shared.admission.tier(&claimed.key.tenant).weight(),
        deadline,
        requires: BTreeSet::new(),
        pulse: worker.pulse(),
        seed: u64::from_le_bytes(seed),
    };
    let opened = route.open(ask, Arc::new(Watcher::new(shared, claimed))).await?;
    let asked = Happening::Asked { provider: opened.provider, model: opened.model };
    Ok((asked, opened.stream))
}

/// What was said before. A caller that keeps the history gave it with the message; instructions alone
/// come in front of the history that we keep.
async fn history(shared: &Shared, claimed: &Claimed) -> Result<Vec<Said>, Error> {
    let given =
        claimed.messages.first().map(|message| message.context.as_slice()).unwrap_or_default();
    let mut history = given.to_vec();
    if given.iter().all(|said| said.role == Role::System) {
        let lines = shared.store.transcript(&claimed.key, claimed.epoch, HISTORY_LINES).await?;
        history.extend(lines.into_iter().filter_map(said));
    }
    Ok(history)
}

async fn brief(settings: &Settings, claimed: &Claimed) -> Result<Brief, Error> {
    let workspace = settings.workspace(&claimed.key.tenant);
    let read = tokio::task::spawn_blocking(move || {
        // A tenant that was created from afar has none before its first turn.
        if !workspace.root().is_dir() {
            workspace.create()?;
        }
        workspace.brief()
    });
    Ok(read.await.map_err(|_| Error::Defect)??)
}

/// An attempt that came as far as the transcript and no further has given its answer already.
async fn earlier_answer(
    shared: &Shared,
    claimed: &Claimed,
) -> Result<Option<Conclusion>, store::Error> {
    let Some(first) = claimed.messages.first().filter(|message| message.attempts > 0) else {
        return Ok(None);
    };
    let line = shared.store.answer_to(&claimed.key.tenant, first.id).await?;
    Ok(line.map(|line| Conclusion::Answer {
        text: line.text,
        model: line.model.unwrap_or_default(),
        usage: line.usage.unwrap_or_default(),
        aborted: line.outcome == LineOutcome::Aborted,
    }))
}

fn said(line: Line) -> Option<Said> {
    (line.outcome != LineOutcome::Dropped && !line.text.is_empty())
        .then_some(Said { role: line.role, text: line.text })
}

fn failed_before(claimed: &Claimed) -> u32 {
    claimed.messages.first().map_or(0, |message| message.attempts)
}

fn too_late(after: Duration) -> Happening {
    Happening::Failed(Error::Deadline { after })
}

fn concluded(effect: Effect) -> Conclusion {
    match effect {
        Effect::Conclude(conclusion) => conclusion,
        Effect::Wait | Effect::Publish(_) => Conclusion::Release,
    }
}

fn publish(shared: &Shared, claimed: &Claimed, body: EventBody) {
    if shared.bus.is_heard(&claimed.key) {
        shared.bus.publish(Event { session: claimed.key.clone(), at: shared.clock.now(), body });
    }
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
