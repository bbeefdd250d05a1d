//! Why a command failed.
//!
//! Failures of other crates pass through with their own words and codes.

use std::io;

use domain::{Coded, Kind};

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The standard output cannot be written.
    #[error("the output cannot be written; check the disk or the program that reads it")]
    Output(#[source] io::Error),
    /// The standard input cannot be read.
    #[error("the input cannot be read; it must be UTF-8 text")]
    Input(#[source] io::Error),
    /// The process cannot begin.
    #[error("the process cannot start its threads; check the limits of this user (ulimit -u)")]
    Runtime(#[source] io::Error),
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
    /// Something would be destroyed and nobody can be asked.
    #[error("{question} Nobody can be asked here: repeat the command with --yes")]
    Unconfirmed {
        /// What would have been asked.
        question: String,
    },
    /// Somebody was asked and said no.
    #[error("nothing was changed")]
    Declined,
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
    /// How the process ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Output(_) | Self::LogUnreadable(_) | Self::Log(_) => Exit::Storage,
            Self::Unconfirmed { .. } => Exit::Usage,
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
            Self::Input(_) | Self::Unconfirmed { .. } => Kind::Invalid,
            Self::UnknownCode { .. } => Kind::NotFound,
            Self::Declined => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Output(_) => "output-unwritable",
            Self::Input(_) => "input-unreadable",
            Self::Runtime(_) => "process-limits",
            Self::Log(error) => error.code(),
            Self::LogUnreadable(_) => "log-unreadable",
            Self::UnknownCode { .. } => "unknown-code",
            Self::Unconfirmed { .. } => "confirmation-needed",
            Self::Declined => "declined",
            Self::Interrupted => "interrupted",
            Self::Panic => "panic",
        }
    }
}
