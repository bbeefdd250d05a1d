//! One model asked once: through its circuit and its limits to the first word of its answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::Coded;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::opened::{Answering, Opened};
use super::step::{is_of_endpoint, is_too_much};
use super::{Ask, Hop};
use crate::circuit::{CircuitState, Turned, Verdict};
use crate::limit::{Permit, Wish};
use crate::{Error, EventStream, ModelEvent, Observer, StreamEvent, metrics};

/// How long a request waits for a model's limits while another model could answer.
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);
/// How often a waiting request says that it waits on purpose.
const BEAT: Duration = Duration::from_secs(5);

/// One attempt.
pub(super) struct Attempt<'a> {
    pub(super) ask: &'a Ask,
    pub(super) hop: &'a Hop,
    /// How many models could answer after this one.
    pub(super) left: usize,
    pub(super) observer: &'a Arc<dyn Observer>,
}

// === impl Attempt ===

impl Attempt<'_> {
    /// Returns when the first word is there.
    pub(super) async fn open(&self) -> Result<Opened, Error> {
        let gate = &self.hop.gate;
        // Nobody queues for a provider that will not be asked.
        if gate.circuit_state().0 == CircuitState::Open {
            drop(gate.pass()?);
        }
        let permit = self.permit().await.inspect_err(|error| self.limited(error))?;
        let passage = gate.pass()?;
        let since = Instant::now();
        gate.note_request(&self.hop.model);
        let (provider, model) = (self.provider(), self.hop.model.clone());
        let tokens = self.ask.request.expected_tokens();
        self.observer.heard(ModelEvent::Requested { provider, model, tokens });
        match self.first_word(since).await {
            Ok((first, rest)) => {
                let first_token = permit.began();
                self.turned(passage.judge(Verdict::Well));
                gate.note_first_token(&self.hop.model, first_token);
                metrics::first_token(&gate.provider, first_token);
                let answering =
                    Answering::new(self.hop, Arc::clone(self.observer), permit, since, first_token);
                Ok(Opened {
                    stream: answering.with(first, rest),
                    provider: self.hop.provider.id().to_owned(),
                    model: self.hop.model.clone(),
                    first_token,
                })
            }
            Err(error) => {
                let is_its_own = is_of_endpoint(&error);
                self.failed(&permit, &error);
                let verdict = if is_its_own { Verdict::Failed } else { Verdict::Well };
                self.turned(passage.judge(verdict));
                Err(error)
            }
        }
    }

    async fn permit(&self) -> Result<Permit, Error> {
        let patience = Instant::now() + QUEUE_PATIENCE;
        let deadline =
            if self.left > 0 { self.ask.deadline.min(patience) } else { self.ask.deadline };
        let mut acquiring = pin!(self.hop.gate.limiter.acquire(Wish {
            tenant: &self.ask.tenant,
            weight: self.ask.weight,
            model: &self.hop.model,
            tokens: self.ask.request.expected_tokens(),
            deadline,
        }));
        loop {
            tokio::select! {
                biased;
                acquired = &mut acquiring => return acquired,
                () = sleep(BEAT) => self.ask.pulse.beat(),
            }
        }
    }

    /// Asks, and waits for the first word. A model after which others could answer has its share of the time.
    async fn first_word(&self, since: Instant) -> Result<(StreamEvent, EventStream), Error> {
        let mut request = self.ask.request.clone();
        request.model.clone_from(&self.hop.model);
        request.max_tokens = match (request.max_tokens, self.hop.max_output) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        };
        let asking = async {
            let pulse = Arc::clone(&self.ask.pulse);
            let mut stream = self.hop.provider.stream(request, pulse).await?;
            match stream.next().await {
                Some(Ok(first)) => Ok((first, stream)),
                Some(Err(error)) => Err(error),
                None => Err(Error::Cut { provider: self.provider(), source: None }),
            }
        };
        let Some(others) = u32::try_from(self.left).ok().filter(|left| *left > 0) else {
            return asking.await;
        };
        let share = self.ask.deadline.saturating_duration_since(since) / (others + 1);
        let too_late = |_| Err(Error::Timeout { provider: self.provider(), source: None });
        timeout_at(since + share, asking).await.unwrap_or_else(too_late)
    }

    fn failed(&self, permit: &Permit, error: &Error) {
        let gate = &self.hop.gate;
        gate.note_failure(&self.hop.model, error);
        if is_too_much(error) {
            permit.refused();
        }
        if let Some(retry_after) = error.retry_after() {
            gate.limiter.pause(retry_after);
        }
        if let Error::RateLimited { retry_after, .. } = error {
            let (provider, retry_after) = (self.provider(), *retry_after);
            self.observer.heard(ModelEvent::RateLimited { provider, limit: None, retry_after });
        }
        metrics::ended(&gate.provider, gate.label(&self.hop.model), error.code());
        let (provider, model) = (self.provider(), self.hop.model.clone());
        let (code, transient) = (error.code(), error.is_transient());
        self.observer.heard(ModelEvent::Failed { provider, model, code, transient });
    }

    fn limited(&self, error: &Error) {
        if let Error::ProviderLimit { limit, retry_after, .. } = error {
            let (provider, retry_after) = (self.provider(), *retry_after);
            let limit = Some(*limit);
            self.observer.heard(ModelEvent::RateLimited { provider, limit, retry_after });
        }
    }

    fn turned(&self, turned: Option<Turned>) {
        let provider = self.hop.gate.provider.clone();
        match turned {
            Some(Turned::Opened(rest)) => {
                self.observer.heard(ModelEvent::CircuitOpened { provider, rest });
            }
            Some(Turned::Closed) => self.observer.heard(ModelEvent::CircuitClosed { provider }),
            None => {}
        }
    }

    fn provider(&self) -> String {
        self.hop.provider.id().to_owned()
    }
}
