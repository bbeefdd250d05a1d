//! What can go wrong with a program that answers in a model's place, in words that say what to do.
//!
//! Refuses to repeat what the program printed beyond one safe line.

use std::io;
use std::time::Duration;

use domain::{Coded, Kind};

/// When a line of waiting calls is full.
const RETRY: Duration = Duration::from_secs(5);

/// What could not be done. `provider` is the backend's name below `agents.defaults.cliBackends`; where there is
/// a `message` it is the program's, on one line.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields mean the same in every variant: see the type")]
pub enum ProgramError {
    /// Its settings cannot be used.
    #[error(
        "the settings of the backend {provider} cannot be used: {message}; correct agents.defaults.cliBackends.{provider}"
    )]
    Settings { provider: String, message: String },
    /// The program is not there. `remedy` says how to install it.
    #[error("the program {command:?} of the backend {provider} is not there; {remedy}")]
    Missing { provider: String, command: String, remedy: String },
    /// The system did not start it.
    #[error(
        "the program {command:?} of the backend {provider} could not be started; free memory and processes, or raise the limits of the service"
    )]
    Start {
        provider: String,
        command: String,
        #[source]
        source: io::Error,
    },
    /// The program has no valid key or login.
    #[error(
        "{provider} is not logged in ({message}); log in with the program as the user of this service, or put a key into agents.defaults.cliBackends.{provider}.env"
    )]
    Authentication { provider: String, message: String },
    /// It ended with a status that says so.
    #[error(
        "{provider} ended with status {status} ({message}); run the program by hand to see more"
    )]
    Failed { provider: String, status: i32, message: String },
    /// It was killed from outside.
    #[error("{provider} was killed by signal {signal}{}", hint(*signal))]
    Killed { provider: String, signal: i32 },
    /// What it printed is not what was expected.
    #[error(
        "{provider} printed what cannot be understood ({message}); check args and output of agents.defaults.cliBackends.{provider}"
    )]
    Unreadable { provider: String, message: String },
    /// It took too long; `setting` is the limit.
    #[error(
        "{provider} was stopped after {}s; try again, or raise agents.defaults.cliBackends.{provider}.{setting}", after.as_secs_f64()
    )]
    Timeout { provider: String, after: Duration, setting: &'static str },
    /// Too many wait for it.
    #[error(
        "{waiting} calls wait for {provider} already; try again later, or set agents.defaults.cliBackends.{provider}.serialize to false"
    )]
    Busy { provider: String, waiting: usize },
}

// === impl ProgramError ===

impl ProgramError {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Settings { .. } | Self::Missing { .. } | Self::Authentication { .. })
    }
}

impl Coded for ProgramError {
    fn kind(&self) -> Kind {
        match self {
            Self::Settings { .. } => Kind::Invalid,
            Self::Busy { .. } => Kind::Overloaded { retry_after: RETRY },
            Self::Missing { .. }
            | Self::Start { .. }
            | Self::Authentication { .. }
            | Self::Failed { .. }
            | Self::Killed { .. }
            | Self::Unreadable { .. }
            | Self::Timeout { .. } => Kind::Upstream,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "backend-settings",
            Self::Missing { .. } => "backend-not-found",
            Self::Start { .. } => "backend-not-started",
            Self::Authentication { .. } => "backend-authentication",
            Self::Failed { .. } => "backend-failed",
            Self::Killed { .. } => "backend-killed",
            Self::Unreadable { .. } => "backend-unreadable",
            Self::Timeout { .. } => "backend-timeout",
            Self::Busy { .. } => "backend-busy",
        }
    }
}

/// The system kills with 9 whoever takes its last memory.
fn hint(signal: i32) -> &'static str {
    if signal == 9 {
        ", which the system does when memory runs out; give the machine or the container more, or run fewer turns at a time"
    } else {
        "; try again"
    }
}
