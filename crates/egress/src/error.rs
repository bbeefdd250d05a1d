//! What can go wrong between us and another machine, in words that are safe to show.
//!
//! Refuses to repeat paths, queries, headers or bodies: of a URL only scheme, host and port are named.

use std::time::Duration;

use domain::{Coded, Kind};

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one that we call.
    #[error("the address {address:?} cannot be used: {reason}; give one like https://host/path")]
    Address {
        /// The address as it was given, without what may be secret in it.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header is not one that HTTP can carry.
    #[error(
        "the header {name:?} has a name or value that HTTP cannot carry; remove line breaks and control characters"
    )]
    Header {
        /// Its name.
        name: String,
    },
    /// The bundle of extra certificate authorities cannot be used.
    #[error(
        "the extra CA bundle {path} cannot be used; give a readable PEM file with at least one certificate"
    )]
    Certificates {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The client could not be made.
    #[error(
        "the HTTP client could not be made; check the proxy address and that the system's CA certificates are installed (Debian: ca-certificates)"
    )]
    Client {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No connection, or it broke before an answer began.
    #[error("no answer from {origin}; check that it runs and can be reached from here")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing came for too long.
    #[error("{origin} was silent for {}s while we waited for {awaited}; try again, or raise the timeout", limit.as_secs_f32())]
    Timeout {
        /// Scheme, host and port.
        origin: String,
        /// What we waited for.
        awaited: &'static str,
        /// How long we waited.
        limit: Duration,
    },
    /// The answer began and broke off.
    #[error("{origin} broke off in the middle of its answer")]
    Cut {
        /// Scheme, host and port.
        origin: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is longer than we take.
    #[error("the answer of {origin} is longer than the {limit} bytes that are read of it")]
    TooLong {
        /// Scheme, host and port.
        origin: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
}

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Address { .. } | Self::Header { .. } => Kind::Invalid,
            Self::Certificates { .. } | Self::Client { .. } => Kind::Internal,
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::TooLong { .. } => Kind::Upstream,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "egress-address",
            Self::Header { .. } => "egress-header",
            Self::Certificates { .. } => "egress-certificates",
            Self::Client { .. } => "egress-client",
            Self::Unreachable { .. } => "egress-unreachable",
            Self::Timeout { .. } => "egress-timeout",
            Self::Cut { .. } => "egress-cut",
            Self::TooLong { .. } => "egress-too-long",
        }
    }
}
