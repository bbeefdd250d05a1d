//! Waiting for the answer to one message.
//!
//! Owns the listening and the promise to stop the turn when the caller leaves; refuses to stop a turn that
//! somebody else has asked for too.

use std::sync::Arc;
use std::time::Duration;

use bus::{Missed, Subscription};
use domain::event::Usage;
use domain::{Event, EventBody, MessageId, Refusal, RunId, SessionKey};

use crate::Error;
use crate::gateway::Context;
use crate::lease::Lease;

/// A caller who waits.
pub struct Waiting {
    context: Context,
    lease: Arc<Lease>,
    events: Subscription,
    session: SessionKey,
    /// The run whose turn answers: the caller's own, until it turns out to be merged into another.
    carrier: RunId,
    run: RunId,
    message: MessageId,
    /// Whether leaving stops the turn.
    stops: bool,
    /// Whether the transcript was asked already.
    asked: bool,
    begun: bool,
}

/// What came next.
#[derive(Debug)]
pub enum Piece {
    /// More words.
    Words(String),
    /// A turn failed and will be tried again, from its first word on.
    Again,
    /// The whole answer.
    Whole(Whole),
}

/// A whole answer.
#[derive(Debug)]
pub struct Whole {
    /// The words.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

// === impl Waiting ===

impl Waiting {
    /// A caller whose message was just taken; `is_new` unless it had been taken before.
    pub fn new(
        context: Context,
        lease: Arc<Lease>,
        events: Subscription,
        session: SessionKey,
        run: RunId,
        message: MessageId,
        is_new: bool,
    ) -> Self {
        let carrier = run.clone();
        Self {
            context,
            lease,
            events,
            session,
            carrier,
            run,
            message,
            stops: is_new,
            asked: is_new,
            begun: false,
        }
    }

    /// The longest time to wait.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.context.gateway.limits.completion_timeout
    }

    /// The whole answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn whole(mut self) -> Result<Whole, Error> {
        loop {
            if let Piece::Whole(whole) = self.next().await? {
                return Ok(whole);
            }
        }
    }

    /// What comes next.
    ///
    /// # Errors
    /// Why nothing more comes. A caller who asks too slowly is told [`Error::BrokenOff`].
    pub async fn next(&mut self) -> Result<Piece, Error> {
        loop {
            if !self.asked {
                self.asked = true;
                if let Some(whole) = self.stored().await? {
                    return Ok(Piece::Whole(whole));
                }
            }
            let stopping = self.context.tasks.stopping();
            let event = tokio::select! {
                event = self.events.next() => event,
                () = self.lease.ended() => return Err(Error::BadCredential),
                () = stopping.cancelled(), if !self.begun => return Err(Refusal::Stopping.into()),
            };
            match event {
                Ok(event) if event.session == self.session => {
                    if let Some(piece) = self.hear(&event)? {
                        return Ok(piece);
                    }
                }
                Ok(_) => {}
                // The answer may have been among what was missed.
                Err(Missed::Lagged(_)) if !self.begun => self.asked = false,
                Err(Missed::Lagged(_)) => match self.stored().await? {
                    Some(whole) => return Ok(Piece::Whole(whole)),
                    None => return Err(Error::BrokenOff),
                },
                Err(Missed::Closed) => return Err(Refusal::Stopping.into()),
            }
        }
    }

    fn hear(&mut self, event: &Event) -> Result<Option<Piece>, Error> {
        let mine = |run: &RunId, merged: &[RunId]| *run == self.run || merged.contains(&self.run);
        match &event.body {
            EventBody::Started { run, merged } if mine(run, merged) => {
                self.carrier = run.clone();
                self.begun = true;
                Ok(None)
            }
            EventBody::Delta { run, text, .. } if *run == self.carrier => {
                self.begun = true;
                Ok(Some(Piece::Words(text.clone())))
            }
            EventBody::Replied { run, merged, text, usage, .. } if mine(run, merged) => {
                Ok(Some(self.end(text, *usage)))
            }
            EventBody::Aborted { run, merged, text } if mine(run, merged) => {
                Ok(Some(self.end(text, Usage::default())))
            }
            EventBody::Failed { run, merged, failure, retry_at } if mine(run, merged) => {
                self.begun = false;
                if retry_at.is_some() {
                    return Ok(Some(Piece::Again));
                }
                self.stops = false;
                Err(Error::Turn(failure.clone()))
            }
            _ => Ok(None),
        }
    }

    fn end(&mut self, text: &str, usage: Usage) -> Piece {
        self.stops = false;
        Piece::Whole(Whole { text: text.to_owned(), usage })
    }

    /// The answer, when it is in the transcript already.
    async fn stored(&mut self) -> Result<Option<Whole>, Error> {
        let store = &self.context.gateway.store;
        let line = store.answer_to(&self.session.tenant, self.message).await?;
        self.stops &= line.is_none();
        Ok(line.map(|line| Whole { text: line.text, usage: line.usage.unwrap_or_default() }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.stops {
            self.context.gateway.turns.abort(&self.session, Some(&self.run));
        }
    }
}
