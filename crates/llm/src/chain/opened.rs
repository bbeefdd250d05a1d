//! An answer that has begun, and what is settled when it ends.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::Coded;
use domain::event::Usage;
use futures::Stream;
use tokio::time::Instant;

use super::Hop;
use crate::gate::{Gate, total};
use crate::limit::Permit;
use crate::{Error, EventStream, ModelEvent, Observer, StreamEvent, metrics};

/// An answer that has begun.
pub struct Opened {
    /// The answer, from its first event on.
    pub stream: EventStream,
    /// The provider that gives it.
    pub provider: String,
    /// The model that gives it, as the provider's settings name it.
    pub model: String,
    /// From the request to the first event.
    pub first_token: Duration,
}

/// Watches an answer to its end. Dropped before, it gives its permit back.
pub(super) struct Answering {
    gate: Arc<Gate>,
    observer: Arc<dyn Observer>,
    permit: Option<Permit>,
    provider: String,
    model: String,
    since: Instant,
    first_token: Duration,
}

struct Watched {
    first: Option<StreamEvent>,
    rest: EventStream,
    answering: Answering,
}

// === impl Opened ===

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

// === impl Answering ===

impl Answering {
    pub(super) fn new(
        hop: &Hop,
        observer: Arc<dyn Observer>,
        permit: Permit,
        since: Instant,
        first_token: Duration,
    ) -> Self {
        let (gate, permit) = (Arc::clone(&hop.gate), Some(permit));
        let (provider, model) = (hop.provider.id().to_owned(), hop.model.clone());
        Self { gate, observer, permit, provider, model, since, first_token }
    }

    pub(super) fn with(self, first: StreamEvent, rest: EventStream) -> EventStream {
        Box::pin(Watched { first: Some(first), rest, answering: self })
    }

    fn saw(&mut self, event: Option<&Result<StreamEvent, Error>>) {
        match event {
            Some(Ok(StreamEvent::Done { usage, .. })) => self.done(*usage),
            Some(Ok(_)) => {}
            Some(Err(error)) => self.failed(error),
            None => drop(self.permit.take()),
        }
    }

    fn done(&mut self, usage: Usage) {
        let Some(permit) = self.permit.take() else { return };
        permit.settle(total(usage));
        self.gate.note_usage(&self.model, usage);
        metrics::ended(&self.gate.provider, self.gate.label(&self.model), "answered");
        let (provider, model) = (self.provider.clone(), self.model.clone());
        let (first_token, took) = (self.first_token, self.since.elapsed());
        self.observer.heard(ModelEvent::Responded { provider, model, usage, first_token, took });
    }

    /// The circuit is not asked: the endpoint did answer.
    fn failed(&mut self, error: &Error) {
        if self.permit.take().is_none() {
            return;
        }
        self.gate.note_failure(&self.model, error);
        metrics::ended(&self.gate.provider, self.gate.label(&self.model), error.code());
        let (provider, model) = (self.provider.clone(), self.model.clone());
        let (code, transient) = (error.code(), error.is_transient());
        self.observer.heard(ModelEvent::Failed { provider, model, code, transient });
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.permit.take().is_some() {
            metrics::ended(&self.gate.provider, self.gate.label(&self.model), "given-up");
        }
    }
}

// === impl Watched ===

impl Stream for Watched {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let watched = &mut *self;
        let event = match watched.first.take() {
            Some(first) => Some(Ok(first)),
            None => ready!(watched.rest.as_mut().poll_next(cx)),
        };
        watched.answering.saw(event.as_ref());
        Poll::Ready(event)
    }
}
