//! How the process ends: one number for each thing a script may want to tell apart.

use std::process::ExitCode;

use domain::Kind;

/// The exit codes. They are part of the interface: a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It failed in a way that has no number of its own.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// It exists, but this is not allowed.
    Refused = 4,
    /// The gateway does not answer, or cannot take it now.
    Unavailable = 5,
    /// The configuration is not valid.
    Config = 6,
    /// The disk or the database cannot be read or written.
    Storage = 74,
    /// Stopped with Ctrl-C.
    Interrupted = 130,
}

// === impl Exit ===

impl Exit {
    /// Every code with what it means, as `--help` and docs/cli.md show them.
    pub const MEANINGS: [(Self, &'static str); 9] = [
        (Self::Ok, "done"),
        (Self::Failure, "failed"),
        (Self::Usage, "the command line is wrong"),
        (Self::NotFound, "what was named does not exist"),
        (Self::Refused, "not allowed"),
        (Self::Unavailable, "the gateway does not answer or cannot take it now"),
        (Self::Config, "the configuration is not valid"),
        (Self::Storage, "the disk or the database cannot be read or written"),
        (Self::Interrupted, "stopped with Ctrl-C"),
    ];

    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The usual code for a kind of failure.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::NotFound => Self::NotFound,
            Kind::Unauthenticated | Kind::Forbidden => Self::Refused,
            Kind::Exhausted { .. } | Kind::Overloaded { .. } | Kind::Upstream => Self::Unavailable,
            Kind::Conflict | Kind::Invalid | Kind::Internal => Self::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
