//! What stands in front of an endpoint, that is of one address with one key: its limiter, its circuit, and what
//! is known of how it did.
//!
//! Outlives the settings: a reload that keeps the endpoint keeps all of this. Refuses to know who is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::event::Usage;
use domain::{Coded, Secret};
use tokio::time::Instant;

use crate::circuit::{Circuit, CircuitState, Pass, Turned, Verdict};
use crate::limit::{Limiter, Limits};
use crate::standing::{LastError, ModelStanding};
use crate::{Error, ProviderSettings, metrics};

/// Models whose figures are kept apart; all others share theirs.
const MODELS: usize = 64;
/// The name they share.
pub(crate) const OTHERS: &str = "other";

/// What stands in front of an endpoint.
#[derive(Debug)]
pub(crate) struct Gate {
    identity: Identity,
    /// What it is called in errors and metrics: the provider that came first.
    pub(crate) provider: String,
    pub(crate) limiter: Arc<Limiter>,
    circuit: Mutex<Circuit>,
    figures: Mutex<Figures>,
}

/// What makes two providers the same endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The same address and the same key; without a key, the same headers.
    Address(String, Vec<Secret>),
    /// Made elsewhere, under this id.
    Provider(String),
}

/// The right to ask an endpoint. Dropped without a verdict, the request was given up.
#[derive(Debug)]
pub(crate) struct Passage {
    gate: Arc<Gate>,
    pass: Option<Pass>,
    since: Instant,
}

#[derive(Debug, Default)]
struct Figures {
    last_error: Option<(Instant, &'static str, String)>,
    models: BTreeMap<String, Figure>,
}

#[derive(Debug, Default, Clone)]
struct Figure {
    requests: u64,
    failures: u64,
    tokens: u64,
    first_token: Option<Duration>,
}

// === impl Identity ===

impl Identity {
    pub(crate) fn of(settings: &ProviderSettings) -> Self {
        let key = settings.key.iter().filter(|key| !key.is_blank());
        let mut secrets: Vec<Secret> = key.cloned().collect();
        if secrets.is_empty() {
            secrets = settings.headers.iter().map(|(_, value)| value.clone()).collect();
        }
        Self::Address(settings.base_url.trim().trim_end_matches('/').to_owned(), secrets)
    }
}

// === impl Gate ===

impl Gate {
    pub(crate) fn new(identity: Identity, provider: String, limits: Limits) -> Self {
        let limiter = Arc::new(Limiter::new(provider.clone(), limits));
        let (circuit, figures) = (Mutex::new(Circuit::new()), Mutex::new(Figures::default()));
        metrics::circuit(&provider, CircuitState::Closed);
        Self { identity, provider, limiter, circuit, figures }
    }

    pub(crate) fn is(&self, identity: &Identity) -> bool {
        self.identity == *identity
    }

    /// Where it is, without what may be secret in it.
    pub(crate) fn address(&self) -> Option<String> {
        let Identity::Address(address, _) = &self.identity else { return None };
        let address = address.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = address.split_once("://")?;
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |parts| parts);
        let host = authority.rsplit('@').next().unwrap_or_default();
        Some(if path.is_empty() {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}/{path}")
        })
    }

    /// Lets a request through.
    ///
    /// # Errors
    /// [`Error::CircuitOpen`] while it is left alone.
    pub(crate) fn pass(self: &Arc<Self>) -> Result<Passage, Error> {
        let now = Instant::now();
        let (pass, state) = {
            let mut circuit = self.circuit();
            (circuit.pass(now), circuit.state(now))
        };
        metrics::circuit(&self.provider, state);
        match pass {
            Ok(pass) => Ok(Passage { gate: Arc::clone(self), pass: Some(pass), since: now }),
            Err(retry_after) => Err(Error::CircuitOpen {
                provider: self.provider.clone(),
                retry_after,
                message: self
                    .figures()
                    .last_error
                    .as_ref()
                    .map_or("unknown", |last| last.1)
                    .to_owned(),
            }),
        }
    }

    /// What the circuit is doing, and for how much longer it stays open.
    pub(crate) fn circuit_state(&self) -> (CircuitState, Duration) {
        let now = Instant::now();
        let circuit = self.circuit();
        (circuit.state(now), circuit.rest_until(now))
    }

    pub(crate) fn note_request(&self, model: &str) {
        self.figure(model, |figure| figure.requests += 1);
    }

    pub(crate) fn note_failure(&self, model: &str, error: &Error) {
        self.figure(model, |figure| figure.failures += 1);
        let text = domain::text::one_line(&error.to_string(), domain::text::FIELD_LIMIT * 2);
        self.figures().last_error = Some((Instant::now(), error.code(), text));
    }

    pub(crate) fn note_first_token(&self, model: &str, after: Duration) {
        self.figure(model, |figure| {
            // One in five: quick to follow, slow enough to read.
            let before = figure.first_token.unwrap_or(after);
            figure.first_token = Some((before * 4 + after) / 5);
        });
    }

    pub(crate) fn note_usage(&self, model: &str, usage: Usage) {
        self.figure(model, |figure| figure.tokens = figure.tokens.saturating_add(total(usage)));
    }

    pub(crate) fn last_error(&self) -> Option<LastError> {
        let figures = self.figures();
        let (at, code, text) = figures.last_error.as_ref()?;
        Some(LastError { code, text: text.clone(), ago_ms: milliseconds(at.elapsed()) })
    }

    pub(crate) fn models(&self) -> Vec<ModelStanding> {
        let figures: Vec<(String, Figure)> =
            self.figures().models.iter().map(|(id, figure)| (id.clone(), figure.clone())).collect();
        figures.into_iter().map(|(id, figure)| self.standing(id, &figure)).collect()
    }

    /// A model that was not asked yet.
    pub(crate) fn model(&self, id: &str) -> ModelStanding {
        self.standing(id.to_owned(), &Figure::default())
    }

    fn standing(&self, id: String, figure: &Figure) -> ModelStanding {
        let (in_flight, adaptive_limit) = self.limiter.model(&id);
        ModelStanding {
            id,
            in_flight,
            adaptive_limit,
            requests: figure.requests,
            failures: figure.failures,
            tokens: figure.tokens,
            first_token_ms: figure.first_token.map(milliseconds),
        }
    }

    /// The model's name where labels must be few.
    pub(crate) fn label(&self, model: &str) -> String {
        let figures = self.figures();
        let known = figures.models.contains_key(model) || figures.models.len() < MODELS;
        if known { model.to_owned() } else { OTHERS.to_owned() }
    }

    fn figure(&self, model: &str, change: impl FnOnce(&mut Figure)) {
        let name = self.label(model);
        change(self.figures().models.entry(name).or_default());
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Passage ===

impl Passage {
    /// How it ended. Returns how that turned the circuit.
    pub(crate) fn judge(mut self, verdict: Verdict) -> Option<Turned> {
        self.end(verdict)
    }

    fn end(&mut self, verdict: Verdict) -> Option<Turned> {
        let pass = self.pass.take()?;
        let now = Instant::now();
        let (turned, state) = {
            let mut circuit = self.gate.circuit();
            (circuit.judge(pass, verdict, now), circuit.state(now))
        };
        metrics::circuit(&self.gate.provider, state);
        turned
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let silence = self.since.elapsed();
        self.end(Verdict::GivenUp(silence));
    }
}

/// Every token that a provider counts.
pub(crate) fn total(usage: Usage) -> u64 {
    usage.input.saturating_add(usage.cached).saturating_add(usage.output)
}

pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
