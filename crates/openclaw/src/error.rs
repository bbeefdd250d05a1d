//! Why a command failed.
//!
//! Failures of other crates pass through with their own words and codes.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use domain::{Coded, Kind};

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is wrong.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
    },
    /// The standard output cannot be written.
    #[error("the output cannot be written; check the disk or the program that reads it")]
    Output(#[source] io::Error),
    /// The standard input cannot be read.
    #[error("the input cannot be read; it must be UTF-8 text")]
    Input(#[source] io::Error),
    /// The process cannot begin.
    #[error("the process cannot start its threads; check the limits of this user (ulimit -u)")]
    Runtime(#[source] io::Error),
    /// The gateway could not be asked.
    #[error(transparent)]
    Client(#[from] crate::client::Error),
    /// The configuration cannot be used or changed.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The gateway cannot open its door.
    #[error(transparent)]
    Gateway(#[from] gateway::Error),
    /// The gateway broke off.
    #[error("the gateway cannot go on; the log says why. Start it again and report this")]
    GatewayFailed,
    /// A model provider cannot be used.
    #[error(transparent)]
    Model(#[from] llm::Error),
    /// The client for other machines cannot be made.
    #[error(transparent)]
    Egress(#[from] egress::Error),
    /// Figures cannot be recorded.
    #[error("the recorder of figures cannot be installed; report this")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another process uses the state directory.
    #[error("another OpenClaw runs on {}; stop it first, or give this one its own OPENCLAW_STATE_DIR", state.display())]
    AlreadyRunning {
        /// The directory.
        state: PathBuf,
    },
    /// A file of the state directory cannot be used.
    #[error("{} cannot be used; check who owns it and whether the disk is full", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The simulator cannot start.
    #[error(transparent)]
    Simulator(#[from] simulator::Error),
    /// A workspace cannot be made.
    #[error(transparent)]
    Agent(#[from] agent::Error),
    /// A name that cannot be one.
    #[error(transparent)]
    Name(#[from] domain::id::BadName),
    /// The log cannot begin.
    #[error(transparent)]
    Log(#[from] crate::logging::Error),
    /// The log cannot be read.
    #[error("the log cannot be read; check who owns it")]
    LogUnreadable(#[source] io::Error),
    /// No page explains this code.
    #[error("no error has the code {code:?}; the nearest are {nearest}")]
    UnknownCode {
        /// What was asked for.
        code: String,
        /// Codes that look like it.
        nearest: String,
    },
    /// There is no such setting.
    #[error("no setting is called {key:?}; `openclaw config schema --markdown` lists all of them")]
    UnknownSetting {
        /// What was asked for.
        key: String,
    },
    /// A limit of money would count nothing.
    #[error(
        "money of {who} is not counted; write budgets.{key} first, for example \"unlimited\", for persons under \
         budgets.persons"
    )]
    NotCounted {
        /// Whose money.
        who: String,
        /// The setting that counts it.
        key: &'static str,
    },
    /// Something would be destroyed and nobody can be asked.
    #[error("{question} Nobody can be asked here: repeat the command with --yes")]
    Unconfirmed {
        /// What would have been asked.
        question: String,
    },
    /// Somebody was asked and said no.
    #[error("nothing was changed")]
    Declined,
    /// There is nothing to apply.
    #[error(
        "nothing was changed: the history is too short to propose anything; see above, and come back later"
    )]
    TooLittleHistory,
    /// The gateway runs but says that it is not well.
    #[error(
        "the gateway is not well (HTTP {status}); `openclaw status --deep` and `openclaw logs` say more"
    )]
    Unwell {
        /// The HTTP status of its answer.
        status: u16,
    },
    /// The turn failed.
    #[error("there is no answer: {reason}")]
    NoAnswer {
        /// What the gateway said.
        reason: String,
    },
    /// Somebody stopped the answer elsewhere.
    #[error("the answer was stopped before it was complete; what was said so far is kept")]
    Stopped,
    /// Ctrl-C.
    #[error("stopped")]
    Interrupted,
    /// Our own fault, told already.
    #[error(
        "the program failed in a way that its authors did not foresee; the lines above say where"
    )]
    Panic,
}

// === impl Error ===

impl Error {
    /// The code to look up: the gateway's own when it was the gateway that refused.
    #[must_use]
    pub fn stable_code(&self) -> &str {
        match self {
            Self::Client(error) => error.stable_code(),
            other => other.code(),
        }
    }

    /// Whether the program that reads our output has had enough, as `head` has: no failure of ours.
    #[must_use]
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// How the process ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Output(_) | Self::LogUnreadable(_) | Self::Log(_) => Exit::Storage,
            Self::Unconfirmed { .. } | Self::Client(crate::client::Error::Address(_)) => {
                Exit::Usage
            }
            Self::Store(error) => of_store(error),
            Self::Config(_) => Exit::Config,
            Self::Agent(_) => Exit::Storage,
            Self::Interrupted => Exit::Interrupted,
            _ => Exit::of(self.kind()),
        }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Output(_)
            | Self::Runtime(_)
            | Self::Log(_)
            | Self::LogUnreadable(_)
            | Self::Interrupted
            | Self::Panic => Kind::Internal,
            Self::Usage { .. } | Self::Name(_) | Self::Input(_) | Self::Unconfirmed { .. } => {
                Kind::Invalid
            }
            Self::UnknownCode { .. } | Self::UnknownSetting { .. } => Kind::NotFound,
            Self::NotCounted { .. } => Kind::Conflict,
            Self::Client(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Agent(error) => error.kind(),
            Self::Simulator(error) => error.kind(),
            Self::Gateway(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Egress(error) => error.kind(),
            Self::GatewayFailed | Self::Metrics(_) | Self::State { .. } => Kind::Internal,
            Self::AlreadyRunning { .. } => Kind::Conflict,
            Self::Declined => Kind::Forbidden,
            Self::TooLittleHistory => Kind::Conflict,
            Self::Unwell { .. } => Kind::Overloaded { retry_after: Duration::from_secs(2) },
            Self::NoAnswer { .. } => Kind::Upstream,
            Self::Stopped => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "command-line",
            Self::Output(_) => "output-unwritable",
            Self::Input(_) => "input-unreadable",
            Self::Runtime(_) => "process-limits",
            Self::Client(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Agent(error) => error.code(),
            Self::Simulator(error) => error.code(),
            Self::Gateway(error) => error.code(),
            Self::Model(error) => error.code(),
            Self::Egress(error) => error.code(),
            Self::GatewayFailed => "gateway-failed",
            Self::Metrics(_) => "metrics-recorder",
            Self::AlreadyRunning { .. } => "already-running",
            Self::State { .. } => "state-unusable",
            Self::Log(error) => error.code(),
            Self::LogUnreadable(_) => "log-unreadable",
            Self::UnknownCode { .. } => "unknown-code",
            Self::UnknownSetting { .. } => "unknown-setting",
            Self::NotCounted { .. } => "money-not-counted",
            Self::Name(_) => "bad-name",
            Self::Unconfirmed { .. } => "confirmation-needed",
            Self::Declined => "command-declined",
            Self::TooLittleHistory => "history-too-short",
            Self::Unwell { .. } => "gateway-unwell",
            Self::NoAnswer { .. } => "no-answer",
            Self::Stopped => "answer-stopped",
            Self::Interrupted => "command-interrupted",
            Self::Panic => "process-panic",
        }
    }
}

/// A store that is away can come back; one that is broken must be looked at.
fn of_store(error: &store::Error) -> Exit {
    match error {
        store::Error::Open { .. }
        | store::Error::Migrate { .. }
        | store::Error::Full
        | store::Error::Disk { .. }
        | store::Error::Unavailable { .. }
        | store::Error::Statement { .. } => Exit::Storage,
        other => Exit::of(other.kind()),
    }
}
