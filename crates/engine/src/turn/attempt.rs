//! One attempt at a turn: the prompt, the question, the answer as it comes.
//!
//! A thin driver around [`machine`](super::machine): it feeds in what happens and does what comes out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent::{Batch, Brief, Prompt};
use domain::message::Said;
use domain::queue::QueuePolicy;
use domain::{Event, EventBody, Role};
use futures::StreamExt as _;
use llm::EventStream;
use store::{Claimed, Line, LineOutcome};
use tokio::time::{Instant, timeout_at};

use super::Runs;
use super::machine::{Conclusion, Effect, Happening, Machine};
use super::meter::Meter;
use super::watcher::Watcher;
use crate::pool::Worker;
use crate::running::Place;
use crate::{Error, Settings, Shared, metrics};

/// One attempt, and everything it needs.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) shared: &'a Shared,
    pub(super) settings: &'a Settings,
    pub(super) policy: QueuePolicy,
    pub(super) claimed: &'a Claimed,
    pub(super) runs: &'a Runs,
    pub(super) place: &'a Place,
    pub(super) worker: &'a Worker,
    pub(super) meter: &'a Meter,
}

/// Lines of the transcript that a prompt may hold; their length is limited besides.
const HISTORY_LINES: u32 = 200;

// === impl Attempt ===

impl Attempt<'_> {
    /// Everything between the claim and the conclusion.
    pub(super) async fn run(&self) -> Conclusion {
        let Self { shared, settings, claimed, runs, place, worker, .. } = *self;
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
            stream = timeout_at(deadline, self.ask(deadline)) => match stream {
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
                    publish(
                        shared,
                        claimed,
                        EventBody::Delta { run: runs.run.clone(), offset, text },
                    );
                }
                // Returning drops the stream, which closes the connection: the provider stops at once.
                Effect::Conclude(conclusion) => return conclusion,
            }
        }
    }

    /// Asks the models until one has begun to answer. The prompt is made anew for each attempt, from files and
    /// transcript as they are now.
    async fn ask(&self, deadline: Instant) -> Result<(Happening, EventStream), Error> {
        let Self { shared, settings, policy, claimed, worker, meter, .. } = *self;
        let route = settings.models.chain(&settings.chain(&claimed.key))?;
        let brief = brief(settings, claimed).await?;
        let history = history(shared, claimed).await?;
        let texts = claimed.messages.iter().map(|message| message.text.as_str()).collect();
        let prompt = Prompt { brief: &brief, history: &history, batch: Batch { texts, policy } };
        let mut seed = [0; 8];
        shared.ids.fill(&mut seed);
        let mut request = prompt.request("");
        meter.reserve(shared, settings, claimed, &route, &mut request).await?;
        let ask = llm::Ask {
            request,
            tenant: claimed.key.tenant.clone(),
            weight: claimed.tier.weight(),
            deadline,
            requires: BTreeSet::new(),
            pulse: worker.pulse(),
            seed: u64::from_le_bytes(seed),
        };
        let opened = route.open(ask, Arc::new(Watcher::new(shared, claimed))).await?;
        meter.answers(&opened.provider, &opened.model);
        let asked = Happening::Asked { provider: opened.provider, model: opened.model };
        Ok((asked, opened.stream))
    }
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

pub(super) fn failed_before(claimed: &Claimed) -> u32 {
    claimed.messages.first().map_or(0, |message| message.attempts)
}

fn too_late(after: Duration) -> Happening {
    Happening::Failed(Error::Deadline { after })
}

pub(super) fn concluded(effect: Effect) -> Conclusion {
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
