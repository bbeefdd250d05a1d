//! What to do after a failure. One table, and nothing else.

use std::time::Duration;

use crate::{Error, ProgramError};

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// No other model would fare better, or the request is to blame.
    Stop,
    /// It may pass: another model where there is one, at once; the same again where there is none.
    Again,
    /// The same model will not answer, another may.
    Elsewhere,
    /// The same, and neither will any other model behind this key.
    OtherKey,
    /// Only a model that holds more.
    Larger,
}

/// How often and when the same model is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Calls after the first one. Two means three calls.
    pub most: u32,
    /// Before the first of them; it doubles each time, and a random half of it is left out.
    pub delay: Duration,
}

/// No delay is longer.
const LONGEST: Duration = Duration::from_secs(60);

// === impl Step ===

impl Step {
    pub(super) fn after(error: &Error) -> Self {
        match error {
            Error::RateLimited { .. }
            | Error::Overloaded { .. }
            | Error::Server { .. }
            | Error::Timeout { .. }
            | Error::Cut { .. }
            | Error::Malformed { .. }
            | Error::Transport { .. } => Self::Again,
            Error::NotFound { .. }
            | Error::Settings { .. }
            | Error::Unsuitable { .. }
            | Error::ProviderLimit { .. }
            | Error::CircuitOpen { .. } => Self::Elsewhere,
            Error::Authentication { .. } | Error::Payment { .. } => Self::OtherKey,
            Error::ContextOverflow { .. } => Self::Larger,
            Error::Invalid { .. }
            | Error::Unwritable { .. }
            | Error::DuplicateProvider { .. }
            | Error::UnknownModel { .. }
            | Error::AmbiguousModel { .. }
            | Error::AllFailed { .. } => Self::Stop,
            Error::Program(error) => Self::after_program(error),
        }
    }

    /// A program that is not there or not logged in is so for each of its models.
    fn after_program(error: &ProgramError) -> Self {
        match error {
            ProgramError::Settings { .. }
            | ProgramError::Missing { .. }
            | ProgramError::Authentication { .. } => Self::OtherKey,
            ProgramError::Start { .. }
            | ProgramError::Failed { .. }
            | ProgramError::Killed { .. }
            | ProgramError::Unreadable { .. }
            | ProgramError::Timeout { .. }
            | ProgramError::Busy { .. } => Self::Again,
        }
    }
}

/// Whether the failure is the endpoint's own: it could not be reached, was silent, broke, or broke off before
/// the first word. A refusal with a status below 500 is an answer.
pub(super) fn is_of_endpoint(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport { .. }
            | Error::Timeout { .. }
            | Error::Server { .. }
            | Error::Overloaded { .. }
            | Error::Cut { .. }
            | Error::Program(
                ProgramError::Start { .. }
                    | ProgramError::Failed { .. }
                    | ProgramError::Killed { .. }
                    | ProgramError::Timeout { .. }
            )
    )
}

/// Whether the failure says that there is too much on the way.
pub(super) fn is_too_much(error: &Error) -> bool {
    matches!(error, Error::RateLimited { .. } | Error::Overloaded { .. } | Error::Timeout { .. })
}

// === impl Retries ===

impl Retries {
    /// Asks once.
    pub const NONE: Self = Self { most: 0, delay: Duration::ZERO };

    /// The delay after so many failures, at least one; `None`: it is not asked again. The seed is random.
    pub(super) fn delay(&self, failures: u32, seed: u64) -> Option<Duration> {
        if failures > self.most {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(16);
        let whole = self.delay.saturating_mul(1 << doublings).min(LONGEST);
        let share = u32::try_from(mixed(seed.wrapping_add(u64::from(failures))) >> 32).unwrap_or(0);
        Some(whole / 2 + (whole / 2).mul_f64(f64::from(share) / f64::from(u32::MAX)))
    }
}

impl Default for Retries {
    /// The platform's: two, after one second and after two.
    fn default() -> Self {
        Self { most: 2, delay: Duration::from_secs(1) }
    }
}

/// Spreads a seed over all bits (the finisher of `SplitMix64`).
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitKind;

    #[test]
    fn every_failure_has_its_step() {
        let (p, m) = (|| "p".to_owned(), || "m".to_owned());
        let settings = || {
            let reason = "it is a test";
            Box::new(egress::Error::Address { address: p(), reason })
        };
        let json = serde_json::from_str::<u8>("x").unwrap_err();
        let limit = LimitKind::TokensPerMinute;
        let table = [
            (Error::RateLimited { provider: p(), message: m(), retry_after: None }, Step::Again),
            (Error::Overloaded { provider: p(), message: m(), retry_after: None }, Step::Again),
            (Error::Server { provider: p(), message: m(), status: 500 }, Step::Again),
            (Error::Timeout { provider: p(), source: None }, Step::Again),
            (Error::Cut { provider: p(), source: None }, Step::Again),
            (Error::Malformed { provider: p(), message: m() }, Step::Again),
            (Error::Transport { provider: p(), source: settings() }, Step::Again),
            (Error::NotFound { provider: p(), model: m(), message: m() }, Step::Elsewhere),
            (Error::Settings { provider: p(), source: settings() }, Step::Elsewhere),
            (Error::Unsuitable { model: m(), lacks: m() }, Step::Elsewhere),
            (
                Error::ProviderLimit {
                    provider: p(),
                    limit,
                    used: 1,
                    allowed: 1,
                    retry_after: None,
                },
                Step::Elsewhere,
            ),
            (
                Error::CircuitOpen { provider: p(), message: m(), retry_after: Duration::ZERO },
                Step::Elsewhere,
            ),
            (Error::Authentication { provider: p(), message: m() }, Step::OtherKey),
            (Error::Payment { provider: p(), message: m() }, Step::OtherKey),
            (
                Error::ContextOverflow { provider: p(), message: m(), limit: None, asked: None },
                Step::Larger,
            ),
            (Error::Invalid { provider: p(), message: m(), status: 400 }, Step::Stop),
            (Error::Unwritable { provider: p(), source: json }, Step::Stop),
            (Error::DuplicateProvider { provider: p() }, Step::Stop),
            (Error::UnknownModel { asked: m(), nearest: None }, Step::Stop),
            (Error::AmbiguousModel { asked: m(), candidates: Vec::new() }, Step::Stop),
            (Error::AllFailed { reasons: m(), transient: true, retry_after: None }, Step::Stop),
            (ProgramError::Settings { provider: p(), message: m() }.into(), Step::OtherKey),
            (
                ProgramError::Missing { provider: p(), command: m(), remedy: m() }.into(),
                Step::OtherKey,
            ),
            (ProgramError::Authentication { provider: p(), message: m() }.into(), Step::OtherKey),
            (ProgramError::Failed { provider: p(), status: 1, message: m() }.into(), Step::Again),
            (ProgramError::Killed { provider: p(), signal: 9 }.into(), Step::Again),
            (ProgramError::Unreadable { provider: p(), message: m() }.into(), Step::Again),
            (ProgramError::Busy { provider: p(), waiting: 64 }.into(), Step::Again),
        ];
        for (error, expected) in &table {
            assert_eq!(Step::after(error), *expected, "{error:?}");
            // What the endpoint did wrong may pass, and nothing that will not pass opens its circuit.
            assert!(!is_of_endpoint(error) || error.is_transient(), "{error:?}");
            assert!(!is_too_much(error) || *expected == Step::Again, "{error:?}");
        }
    }

    #[test]
    fn two_retries_are_three_calls_each_later_than_the_one_before() {
        let retries = Retries::default();
        for seed in 0..200 {
            let first = retries.delay(1, seed).unwrap().as_millis();
            let second = retries.delay(2, seed).unwrap().as_millis();
            assert!((500..=1_000).contains(&first) && (1_000..=2_000).contains(&second));
            assert_eq!(retries.delay(3, seed), None);
        }
        let spread: std::collections::BTreeSet<_> =
            (0..200).filter_map(|seed| retries.delay(1, seed)).collect();
        assert!(spread.len() > 150, "they do not all come back at once: {}", spread.len());
        assert_eq!(Retries::NONE.delay(1, 0), None);
        let long = Retries { most: u32::MAX, delay: Duration::from_secs(9) };
        assert!(long.delay(u32::MAX, 7).unwrap() <= LONGEST);
    }
}
