//! The circuit of one endpoint: who keeps failing is left alone for a while, then tried with one request.
//!
//! Pure: the time is handed in. Counts what failed in a row; refuses to know what a failure is.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// So many failures in a row open it.
const FAILURES: u32 = 5;
/// How long it stays open the first time.
const FIRST_REST: Duration = Duration::from_secs(5);
/// How long it stays open at most: an endpoint that is back must be found out soon.
const LONGEST_REST: Duration = Duration::from_secs(20);
/// A request that was given up after so long without a word counts as failed.
const SILENCE: Duration = Duration::from_secs(30);

/// Whether an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitState {
    /// It is.
    Closed,
    /// One request finds out whether it is well again.
    HalfOpen,
    /// It is not.
    Open,
}

/// What a change means to whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It has opened, for so long.
    Opened(Duration),
    /// It has closed.
    Closed,
}

/// How one request ended, as far as the endpoint is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered; a refusal is an answer.
    Well,
    /// It failed.
    Failed,
    /// The request was given up after waiting so long for the first word.
    GivenUp(Duration),
}

/// The right to try. It must be given back with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    is_probe: bool,
}

/// A circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    failures: u32,
    open_until: Option<Instant>,
    rest: Duration,
    probing: bool,
}

// === impl CircuitState ===

impl CircuitState {
    /// The number used in metrics.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

// === impl Circuit ===

impl Circuit {
    pub(crate) fn new() -> Self {
        Self { failures: 0, open_until: None, rest: FIRST_REST, probing: false }
    }

    pub(crate) fn state(&self, now: Instant) -> CircuitState {
        match self.open_until {
            None => CircuitState::Closed,
            Some(until) if until > now && !self.probing => CircuitState::Open,
            Some(_) => CircuitState::HalfOpen,
        }
    }

    /// For how much longer nobody may try.
    pub(crate) fn rest_until(&self, now: Instant) -> Duration {
        self.open_until.map(|until| until.saturating_duration_since(now)).unwrap_or_default()
    }

    /// Lets one try, or says for how long nobody may.
    pub(crate) fn pass(&mut self, now: Instant) -> Result<Pass, Duration> {
        match self.open_until {
            None => Ok(Pass { is_probe: false }),
            Some(until) if until > now => Err(until - now),
            Some(_) if self.probing => Err(FIRST_REST),
            Some(_) => {
                self.probing = true;
                Ok(Pass { is_probe: true })
            }
        }
    }

    /// Takes the verdict on a try.
    pub(crate) fn judge(&mut self, pass: Pass, verdict: Verdict, now: Instant) -> Option<Turned> {
        self.probing &= !pass.is_probe;
        match verdict {
            Verdict::GivenUp(silence) if silence < SILENCE => None,
            Verdict::Well => self.well(pass),
            Verdict::Failed | Verdict::GivenUp(_) => self.failed(pass, now),
        }
    }

    fn well(&mut self, pass: Pass) -> Option<Turned> {
        // What was sent before it opened proves nothing about now.
        if self.open_until.is_some() && !pass.is_probe {
            return None;
        }
        let was_open = self.open_until.is_some();
        *self = Self::new();
        was_open.then_some(Turned::Closed)
    }

    fn failed(&mut self, pass: Pass, now: Instant) -> Option<Turned> {
        if self.open_until.is_some() {
            if !pass.is_probe {
                return None;
            }
            self.rest = (self.rest * 2).min(LONGEST_REST);
        } else {
            self.failures += 1;
            if self.failures < FAILURES {
                return None;
            }
        }
        self.open_until = Some(now + self.rest);
        Some(Turned::Opened(self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fail(circuit: &mut Circuit, now: Instant) -> Option<Turned> {
        let pass = circuit.pass(now).unwrap();
        circuit.judge(pass, Verdict::Failed, now)
    }

    fn opened(now: Instant) -> Circuit {
        let mut circuit = Circuit::new();
        for _ in 1..FAILURES {
            assert_eq!(fail(&mut circuit, now), None);
        }
        assert_eq!(fail(&mut circuit, now), Some(Turned::Opened(FIRST_REST)));
        circuit
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_success_between_them_does_not() {
        let now = Instant::now();
        let mut circuit = Circuit::new();
        for _ in 0..10 {
            for _ in 1..FAILURES {
                assert_eq!(fail(&mut circuit, now), None);
            }
            let pass = circuit.pass(now).unwrap();
            assert_eq!(circuit.judge(pass, Verdict::Well, now), None);
        }
        let mut circuit = opened(now);
        assert_eq!(circuit.state(now), CircuitState::Open);
        assert_eq!(circuit.pass(now + SECOND), Err(FIRST_REST - SECOND));
    }

    #[test]
    fn one_request_finds_out_and_closes_it() {
        let now = Instant::now();
        let mut circuit = opened(now);
        let later = now + FIRST_REST;
        assert_eq!(circuit.state(later), CircuitState::HalfOpen);
        let probe = circuit.pass(later).unwrap();
        assert!(circuit.pass(later).is_err(), "one is enough");
        assert_eq!(circuit.judge(probe, Verdict::Well, later), Some(Turned::Closed));
        assert_eq!(circuit.state(later), CircuitState::Closed);
    }

    #[test]
    fn it_rests_longer_each_time_but_never_long() {
        let mut now = Instant::now();
        let mut circuit = opened(now);
        for rest in [10, 20, 20, 20] {
            now += LONGEST_REST;
            assert_eq!(fail(&mut circuit, now), Some(Turned::Opened(SECOND * rest)));
        }
    }

    #[test]
    fn a_probe_that_is_given_up_lets_the_next_one_try() {
        let now = Instant::now();
        let mut circuit = opened(now);
        let later = now + FIRST_REST;
        let probe = circuit.pass(later).unwrap();
        assert_eq!(circuit.judge(probe, Verdict::GivenUp(SECOND), later), None);
        assert!(circuit.pass(later).is_ok());
    }

    #[test]
    fn long_silence_is_a_failure_and_short_silence_is_none() {
        let now = Instant::now();
        let mut circuit = Circuit::new();
        for round in 0..20 {
            let pass = circuit.pass(now).unwrap();
            assert_eq!(circuit.judge(pass, Verdict::GivenUp(SECOND), now), None, "{round}");
        }
        for _ in 1..FAILURES {
            let pass = circuit.pass(now).unwrap();
            assert_eq!(circuit.judge(pass, Verdict::GivenUp(SILENCE), now), None);
        }
        let pass = circuit.pass(now).unwrap();
        let turned = circuit.judge(pass, Verdict::GivenUp(SILENCE), now);
        assert_eq!(turned, Some(Turned::Opened(FIRST_REST)));
    }

    #[test]
    fn answers_to_what_was_sent_before_it_opened_change_nothing() {
        let now = Instant::now();
        let mut circuit = Circuit::new();
        let early = circuit.pass(now).unwrap();
        for _ in 0..FAILURES {
            fail(&mut circuit, now);
        }
        assert_eq!(circuit.judge(early, Verdict::Well, now), None);
        assert_eq!(circuit.state(now), CircuitState::Open);
    }
}
