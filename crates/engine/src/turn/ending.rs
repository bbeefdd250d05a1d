//! How a turn is written down: the transcript first, then the end of the claim, then the world is told.
//!
//! The transcript is written in the tenant's database and the claim ends in the control database. Between
//! the two a crash may come; the next attempt then finds the answer in the transcript and ends the claim
//! with it.

use std::time::Duration;

use domain::backoff::Backoff;
use domain::queue::{QueueDrop, QueuePolicy};
use domain::{Answer, Event, EventBody, Failure, MessageId, Role, Timestamp};
use store::{Claimed, LineOutcome, NewLine, OutboundRow, Outcome, Settlement};

use super::Runs;
use super::machine::Conclusion;
use crate::pool::Worker;
use crate::{Shared, metrics};

/// A turn that is about to end.
pub(super) struct Ending<'a> {
    pub(super) shared: &'a Shared,
    pub(super) claimed: &'a Claimed,
    pub(super) runs: &'a Runs,
    /// The id that an answer is stored under.
    pub(super) reply: MessageId,
    pub(super) policy: QueuePolicy,
    pub(super) worker: &'a Worker,
}

/// How soon the end of a turn is tried again while the store does not answer, for as long as that lasts: later
/// each time, but never so late that anybody notices when it is back.
const STORE_AWAY: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(2),
    attempts: u32::MAX,
};

// === impl Ending ===

impl Ending<'_> {
    /// Ends the turn, and with it what it held of budgets. Returns when the session's next message is due.
    pub(super) async fn end(
        &self,
        conclusion: Conclusion,
        settlement: Option<Settlement>,
        took: Duration,
    ) -> Option<Timestamp> {
        let (outcome, told, how) = match conclusion {
            Conclusion::Answer { text, model, usage, aborted } => {
                metrics::used(usage);
                let now = self.shared.clock.now();
                let answer = Answer {
                    id: self.reply,
                    answers: self.claimed.messages.first()?.id,
                    run: self.runs.run.clone(),
                    merged: self.runs.merged.clone(),
                    text,
                    aborted,
                    model,
                    usage,
                };
                let Some(answer) = self.recorded(answer, now).await else {
                    self.settle(settlement).await;
                    return None;
                };
                let how = if answer.aborted { "aborted" } else { "answered" };
                let outcome = match self.shared.outbox.is_live(&self.claimed.key.account) {
                    true => Outcome::Told { answer },
                    false => Outcome::Done { answer: Some(answer) },
                };
                (outcome, None, how)
            }
            Conclusion::Retry { after, failure } => {
                let due_at = self.shared.clock.now().after(after);
                let (code, text) = (failure.code.to_owned(), failure.text.clone());
                let told = self.failed(failure, Some(due_at));
                (Outcome::Retry { due_at, code, text }, Some(told), "failed")
            }
            Conclusion::Postpone { after, failure } => {
                let due_at = self.shared.clock.now().after(after);
                let (code, text) = (failure.code.to_owned(), failure.text.clone());
                let told = self.failed(failure, Some(due_at));
                (Outcome::Postpone { due_at, code, text }, Some(told), "postponed")
            }
            Conclusion::Park { failure } => {
                metrics::parked(self.claimed.messages.len());
                let (code, text) = (failure.code.to_owned(), failure.text.clone());
                let told = self.failed(failure, None);
                (Outcome::Park { code, text }, Some(told), "parked")
            }
            Conclusion::Release => (Outcome::Release, None, "released"),
        };
        metrics::turn_ended(how, took);
        let answer = match &outcome {
            Outcome::Done { answer } => answer.clone(),
            Outcome::Told { answer } => Some(answer.clone()),
            _ => None,
        };
        let (store, claim) = (&self.shared.store, self.claimed.claim);
        let next = self
            .persist(|| store.finish_and_settle(claim, outcome.clone(), settlement.clone()))
            .await?;
        if let Some(answer) = answer {
            let (session, created_at) = (self.claimed.key.clone(), self.shared.clock.now());
            let row = OutboundRow { id: answer.id.0, session, answer, created_at };
            self.shared.outbox.deliver(row).await;
        }
        if let Some(body) = told {
            let session = self.claimed.key.clone();
            self.shared.bus.publish(Event { session, at: self.shared.clock.now(), body });
        }
        next
    }

    /// Writes the transcript; the answer as it stands there, which is an earlier one if there was one.
    async fn recorded(&self, mut answer: Answer, now: Timestamp) -> Option<Answer> {
        let said = self.said();
        let line = NewLine {
            id: answer.id,
            role: Role::Assistant,
            run: answer.run.clone(),
            peer: String::new(),
            text: answer.text.clone(),
            at: now,
            answers: Some(answer.answers),
            outcome: if answer.aborted { LineOutcome::Aborted } else { LineOutcome::Done },
            model: Some(answer.model.clone()),
            usage: Some(answer.usage),
        };
        let (key, epoch) = (&self.claimed.key, self.claimed.epoch);
        let there = self
            .persist(|| self.shared.store.record(key, epoch, said.clone(), Some(line.clone())))
            .await??;
        answer.id = there.answer.id;
        answer.text = there.answer.text;
        if let Some(mut runs) = there.earlier {
            // It may answer more than this attempt holds: after a crash messages are tried one by one.
            answer.run = there.answer.run;
            runs.retain(|run| *run != answer.run);
            answer.merged = runs;
        }
        Some(answer)
    }

    fn said(&self) -> Vec<NewLine> {
        let beyond = match self.policy.drop {
            QueueDrop::Old => self.claimed.messages.len().saturating_sub(self.policy.cap.max(1)),
            QueueDrop::Summarize | QueueDrop::New => 0,
        };
        let line = |(at, message): (usize, &store::InboxRow)| NewLine {
            id: message.id,
            role: Role::User,
            run: message.run.clone(),
            peer: message.peer.clone(),
            text: message.text.clone(),
            at: message.received_at,
            answers: None,
            outcome: if at < beyond { LineOutcome::Dropped } else { LineOutcome::Done },
            model: None,
            usage: None,
        };
        self.claimed.messages.iter().enumerate().map(line).collect()
    }

    fn failed(&self, failure: Failure, retry_at: Option<Timestamp>) -> EventBody {
        let (code, reason) = (failure.code, &failure.text);
        tracing::warn!(session = %self.claimed.key, code, reason, parked = retry_at.is_none(), "a turn failed");
        EventBody::Failed {
            run: self.runs.run.clone(),
            merged: self.runs.merged.clone(),
            failure,
            retry_at,
        }
    }

    /// What was used is written down even when the turn is not: its provider wants to be paid. When that
    /// fails too, the store lets go of what was held, as after a crash.
    async fn settle(&self, settlement: Option<Settlement>) {
        if let Some(settlement) = settlement
            && let Err(error) = self.shared.store.settle(settlement).await
        {
            tracing::warn!(session = %self.claimed.key, %error, "what a turn used is settled later");
        }
    }

    /// Tries until the store has taken it. `None` when it never will: the lease is lost, or the disk.
    async fn persist<T, F>(&self, mut attempt: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = store::Result<T>>,
    {
        let mut failed = 0;
        loop {
            // Waiting for a store that is away is no silence of the worker.
            self.worker.beat();
            match attempt().await {
                Ok(value) => return Some(value),
                Err(error) => {
                    tracing::warn!(session = %self.claimed.key, %error, "the end of a turn could not be stored");
                    failed += 1;
                    let pause = STORE_AWAY.delay(failed).filter(|_| error.is_passing())?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}
