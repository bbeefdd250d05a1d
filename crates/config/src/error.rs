//! What can go wrong with the configuration, told so that the reader knows where to look and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use domain::{Coded, Kind};

use crate::KeyPath;

/// One thing that is wrong, or doubtful, in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is written.
    pub place: Place,
    /// Which setting it is about; the root when it is about none.
    pub path: KeyPath,
    /// What is wrong and what to do.
    pub message: String,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// Its name, relative to the folder of the configuration.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// Nowhere: it is built in.
    Default,
}

/// Why the configuration cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file says something that cannot be.
    #[error("{}", all(path, problems))]
    Invalid {
        /// The file that was asked for; a problem may be in one that it includes.
        path: PathBuf,
        /// All that was found, in order; never empty.
        problems: Vec<Problem>,
    },
    /// A file could not be read.
    #[error("cannot read {}; check that it exists and that this user may read it", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be written; the one that was there is untouched.
    #[error("cannot write {}; check the rights of its folder and the space on the disk", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is a link, and a link is never written through.
    #[error("{} is a link and will not be written; name the file itself in OPENCLAW_CONFIG_PATH", path.display())]
    Link {
        /// Which file.
        path: PathBuf,
    },
    /// The path of a setting cannot be read.
    #[error("{path:?} does not name a setting; write it like gateway.port or agents.list[0].id")]
    BadPath {
        /// What was given.
        path: String,
    },
    /// The setting cannot be put where it was asked to go.
    #[error("cannot change {path}: {reason}")]
    Edit {
        /// Which setting.
        path: KeyPath,
        /// What stands in the way.
        reason: String,
    },
    /// No place for the configuration can be found.
    #[error("no home directory is known; set HOME or OPENCLAW_STATE_DIR")]
    NoHome,
}

// === impl Problem ===

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Default => f.write_str("built-in default"),
        }
    }
}

// === impl Error ===

impl Error {
    /// The problems in the file; empty when the failure is of another sort.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            _ => &[],
        }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } | Self::BadPath { .. } | Self::Edit { .. } => Kind::Invalid,
            Self::Link { .. } => Kind::Forbidden,
            Self::Read { .. } | Self::Write { .. } | Self::NoHome => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "config-invalid",
            Self::Read { .. } => "config-unreadable",
            Self::Write { .. } => "config-unwritable",
            Self::Link { .. } => "config-is-a-link",
            Self::BadPath { .. } => "config-bad-path",
            Self::Edit { .. } => "config-edit-refused",
            Self::NoHome => "config-no-home",
        }
    }
}

fn all(path: &std::path::Path, problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    let mut text = format!("{} cannot be used: {count}", path.display());
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
