//! What can go wrong with the simulator itself.
//!
//! Owns the crate's one error type. The failures it plays to its clients are not errors: they are in `refusal`.

use std::io;
use std::net::SocketAddr;

use domain::{Coded, Kind};

/// Why the simulator could not start or take an order.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error(
        "the simulator cannot listen on {address}: choose another port, or port 0 for any free one"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The simulator has no business outside this machine.
    #[error(
        "the simulator serves this machine only and {address} is not a loopback address: use 127.0.0.1"
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// A model name that the grammar does not know.
    #[error("model name `{name}`: `{word}` {problem}; `openclaw sim --help` lists every word")]
    ModelName {
        /// The whole name.
        name: String,
        /// The part that is wrong.
        word: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Listen { .. } => Kind::Internal,
            Self::NotLoopback { .. } | Self::ModelName { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "simulator-listen",
            Self::NotLoopback { .. } => "simulator-not-loopback",
            Self::ModelName { .. } => "simulator-model-name",
        }
    }
}
