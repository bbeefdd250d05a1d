//! One walk along a chain: which model is next, and what is said when none is left.

use std::sync::Arc;
use std::time::Duration;

use domain::Coded;
use tokio::time::{Instant, sleep};

use super::attempt::Attempt;
use super::step::Step;
use super::{Ask, Hop, Opened, Route};
use crate::gate::Gate;
use crate::select::Requirements;
use crate::{Error, ModelEvent, Observer};

/// A provider that wants to be left alone for longer is not waited for here: whoever asked can do better.
const PATIENCE: Duration = Duration::from_secs(5);

/// A walk.
pub(super) struct Walk<'a> {
    route: &'a Route,
    ask: Ask,
    needs: Requirements,
    observer: Arc<dyn Observer>,
    failed: Vec<(String, Error)>,
    /// Keys that no model behind them can answer with.
    useless: Vec<Arc<Gate>>,
    /// The window that was too small.
    too_small: Option<u64>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(super) fn new(route: &'a Route, ask: Ask, observer: Arc<dyn Observer>) -> Self {
        let mut needs = Requirements::of(&ask.request);
        needs.capabilities.extend(ask.requires.iter().copied());
        let (failed, useless) = (Vec::new(), Vec::new());
        Self { route, ask, needs, observer, failed, useless, too_small: None }
    }

    pub(super) async fn walk(mut self) -> Result<Opened, Error> {
        for (index, hop) in self.route.hops.iter().enumerate() {
            if let Some(lacks) = self.lacking(hop) {
                self.failed.push((hop.name(), Error::Unsuitable { model: hop.name(), lacks }));
                continue;
            }
            if let Some((_, error)) = self.failed.last() {
                self.tell_fallback(hop, error.code());
            }
            let later = self.route.hops.iter().skip(index + 1);
            let left = later.filter(|hop| self.lacking(hop).is_none()).count();
            let error = match self.ask_until(hop, left).await {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            let step = Step::after(&error);
            match (step, &error) {
                (Step::OtherKey, _) => self.useless.push(Arc::clone(&hop.gate)),
                (Step::Larger, Error::ContextOverflow { limit, asked, .. }) => {
                    let window = hop.settings.context_window.max(*limit);
                    self.too_small = window.max(*asked).or(Some(self.needs.tokens));
                }
                _ => {}
            }
            self.failed.push((hop.name(), error));
            if step == Step::Stop {
                break;
            }
        }
        Err(self.conclusion())
    }

    /// Asks one model, again where that may help and nobody else is left.
    async fn ask_until(&self, hop: &Hop, left: usize) -> Result<Opened, Error> {
        let mut failures = 0;
        let mut before = None;
        loop {
            let attempt = Attempt { ask: &self.ask, hop, left, observer: &self.observer };
            let error = match attempt.open().await {
                Ok(opened) => return Ok(opened),
                // What the provider said tells more than that it is not asked any more.
                Err(error) => match before {
                    Some(before) if error.is_unsent() => return Err(before),
                    _ => error,
                },
            };
            failures += 1;
            let again = Step::after(&error) == Step::Again && left == 0;
            let soon = error.retry_after().is_none_or(|span| span <= PATIENCE);
            let delay = self.route.retries.delay(failures, self.ask.seed);
            match delay.filter(|_| again && soon) {
                Some(delay) if Instant::now() + delay < self.ask.deadline => {
                    sleep(delay).await;
                    self.ask.pulse.beat();
                }
                _ => return Err(error),
            }
            before = Some(error);
        }
    }

    /// Why a model need not be asked.
    fn lacking(&self, hop: &Hop) -> Option<String> {
        if self.useless.iter().any(|gate| Arc::ptr_eq(gate, &hop.gate)) {
            return Some("has the same key".to_owned());
        }
        if let Some(window) = self.too_small
            && hop.settings.context_window.is_none_or(|own| own <= window)
        {
            return Some(format!("is not known to hold more than {window} tokens"));
        }
        self.needs.lacking(&hop.settings)
    }

    fn tell_fallback(&self, hop: &Hop, reason: &'static str) {
        let Some((before, _)) = self.failed.last() else { return };
        crate::metrics::fell_back(before, &hop.name(), reason);
        let primary = self.route.hops.first().map(Hop::name).unwrap_or_default();
        self.observer.heard(ModelEvent::FellBack { primary, fallback: hop.name(), reason });
    }

    /// What is said in the end. One model speaks for itself, and so does one whose word is final.
    fn conclusion(mut self) -> Error {
        let is_final = |error: &Error| Step::after(error) == Step::Stop;
        let is_alone = self.failed.len() == 1 && self.route.missing.is_empty();
        if (is_alone || self.failed.last().is_some_and(|(_, error)| is_final(error)))
            && let Some((_, error)) = self.failed.pop()
        {
            return error;
        }
        let missing = self.route.missing.iter().map(|(name, why)| format!("{name}: {why}"));
        let said = self.failed.iter().map(|(name, error)| format!("{name}: {error}"));
        let reasons: Vec<String> = said.chain(missing).collect();
        let errors = || self.failed.iter().map(|(_, error)| error);
        Error::AllFailed {
            reasons: domain::text::one_line(&reasons.join("; "), MOST_WORDS),
            transient: errors().any(Error::is_transient),
            retry_after: errors().filter_map(Error::retry_after).min(),
        }
    }
}

/// Longest list of reasons, in bytes.
const MOST_WORDS: usize = 2_048;
