//! Why the door refuses, one variant per reason.
//!
//! Owns wording and codes; how a kind looks on the wire is decided in [`crate::problem`].

use std::net::SocketAddr;
use std::time::Duration;

use domain::text::one_line;
use domain::{Coded, Failure, Kind, Refusal};

use crate::protocol::Scope;

/// A request that was not served, or a listener that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening socket could not be opened.
    #[error("cannot listen on {address}; choose another gateway.port or gateway.bind")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },

    /// The request names no host, or several.
    #[error("a request names exactly one host; send one Host header")]
    NoHost,
    /// The request was meant for somebody else.
    #[error(
        "this gateway is not called {0:?}; open it by its own address, or list its public address in gateway.controlUi.allowedOrigins"
    )]
    WrongHost(String),
    /// Another web site asks.
    #[error(
        "pages of {0:?} may not use this gateway; list the origin in gateway.controlUi.allowedOrigins if they should"
    )]
    ForeignOrigin(String),
    /// A secret stands in the address, where logs and histories keep it.
    #[error(
        "credentials do not belong in an address; send Authorization: Bearer, and replace the one that was sent"
    )]
    CredentialInTarget,
    /// The path has characters that could be read in two ways.
    #[error("the path hides `.`, `/`, `\\`, `%` or a control character; write it plainly")]
    HiddenPath,
    /// The request target is too long.
    #[error("the address has {length} bytes, {limit} are allowed")]
    TargetTooLong {
        /// What came.
        length: usize,
        /// What may come.
        limit: usize,
    },
    /// The headers are too large.
    #[error("the headers have {length} bytes, {limit} are allowed")]
    HeadersTooLarge {
        /// What came.
        length: usize,
        /// What may come.
        limit: usize,
    },
    /// Nothing lives at this path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// The path exists, the method does not.
    #[error("this path is not served by that method; the Allow header lists those that are")]
    WrongMethod,
    /// Not a WebSocket handshake of version 13.
    #[error("this path opens a WebSocket of version 13; the handshake lacks {0}")]
    NotAnUpgrade(&'static str),

    /// The body is not declared as JSON.
    #[error("the body must be declared as application/json")]
    MediaType,
    /// The body is compressed.
    #[error("the body must not be compressed; leave out Content-Encoding")]
    Encoding,
    /// The body is too large.
    #[error("the body has more than {limit} bytes, the most this path takes")]
    BodyTooLarge {
        /// What may come.
        limit: usize,
    },
    /// The body did not arrive in time.
    #[error("the body did not arrive within {} s", limit.as_secs())]
    BodyTooSlow {
        /// How long it may take.
        limit: Duration,
    },
    /// The connection broke before the body was complete.
    #[error("the body is incomplete")]
    BodyBroken,
    /// Not JSON, or not the shape this path takes.
    #[error("the request cannot be read: {text}")]
    Malformed {
        /// What is wrong, on one line.
        text: String,
    },
    /// The JSON is nested too deeply.
    #[error("the JSON is nested deeper than {limit}")]
    TooDeep {
        /// How deep it may be.
        limit: usize,
    },
    /// A field has a value that cannot be.
    #[error("{field} {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it and what would be right.
        problem: String,
    },

    /// No credential where one is needed.
    #[error(
        "a credential is needed; send Authorization: Bearer with the gateway's or a tenant's token"
    )]
    NoCredential,
    /// A credential that is not, or no longer, valid.
    #[error(
        "the credential is not valid; `openclaw config get gateway.auth.token` shows the right one"
    )]
    BadCredential,
    /// Two different credentials in one request.
    #[error("the request carries two different credentials; send one")]
    TwoCredentials,
    /// Too many wrong credentials from this address.
    #[error(
        "too many wrong credentials came from this address; it may try again in {} s",
        retry_after.as_secs()
    )]
    LockedOut {
        /// What is left of the lock-out.
        retry_after: Duration,
    },
    /// A valid credential that does not reach this far.
    #[error("this needs the scope {}, which the credential does not have", needed.as_str())]
    MissingScope {
        /// What is missing.
        needed: Scope,
    },
    /// The device's signature, key or time does not hold.
    #[error("the device's identity does not hold: {0}")]
    Device(&'static str),

    /// No such method in the protocol.
    #[error("unknown method: {0}")]
    UnknownMethod(String),
    /// No such session, or not one the caller may know of.
    #[error("there is no such session; sessions.list shows those there are")]
    NoSession,
    /// No such tenant, or not one the caller may know of.
    #[error("there is no such agent; agents.list shows those there are")]
    NoTenant,
    /// The intake did not take the message.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What a program asked cannot be served.
    #[error(transparent)]
    Api(#[from] channels::api::Error),
    /// What a connected client said cannot be taken.
    #[error(transparent)]
    Web(#[from] channels::web::Error),
    /// A turn failed.
    #[error("{}", .0.text)]
    Turn(Failure),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A method took too long.
    #[error("no answer within {} s; the system is busy, try again", limit.as_secs())]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
    /// The log file cannot be read.
    #[error("the log file cannot be read")]
    Log(#[source] std::io::Error),
    /// A stream that cannot go on from where it stopped: the turn is tried again from its first word, or the
    /// caller read more slowly than the agent spoke.
    #[error("the answer broke off; ask again under the same Idempotency-Key for the whole of it")]
    BrokenOff,
}

// === impl Error ===

impl Error {
    /// A parser's complaint, made safe to repeat.
    #[must_use]
    pub fn malformed(error: &serde_json::Error) -> Self {
        Self::Malformed { text: one_line(&error.to_string(), 200) }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Listen { .. } | Self::Log(_) => Kind::Internal,
            Self::CredentialInTarget | Self::NoCredential | Self::BadCredential => {
                Kind::Unauthenticated
            }
            Self::ForeignOrigin(_) | Self::MissingScope { .. } => Kind::Forbidden,
            Self::UnknownPath | Self::NoSession | Self::NoTenant => Kind::NotFound,
            Self::LockedOut { retry_after } => Kind::Exhausted { retry_after: *retry_after },
            Self::TimedOut { .. } | Self::BrokenOff => {
                Kind::Overloaded { retry_after: Duration::from_secs(2) }
            }
            Self::Refused(refusal) => refusal.kind(),
            Self::Api(error) => error.kind(),
            Self::Web(error) => error.kind(),
            Self::Store(error) => error.kind(),
            // A limit of the caller's own is the caller's affair; everything else is what we depend on.
            Self::Turn(failure) => match failure.kind {
                kind @ (Kind::Exhausted { .. } | Kind::Forbidden) => kind,
                _ => Kind::Upstream,
            },
            _ => Kind::Invalid,
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Refused(refusal) => refusal.figures(),
            Self::Store(error) => error.figures(),
            Self::Turn(failure) => failure.figures.clone(),
            _ => Vec::new(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "gateway-listen",
            Self::NoHost => "host-missing",
            Self::WrongHost(_) => "host-unknown",
            Self::ForeignOrigin(_) => "origin-foreign",
            Self::CredentialInTarget => "credential-in-address",
            Self::HiddenPath => "path-hidden",
            Self::TargetTooLong { .. } => "address-too-long",
            Self::HeadersTooLarge { .. } => "headers-too-large",
            Self::UnknownPath => "path-not-found",
            Self::WrongMethod => "method-not-allowed",
            Self::NotAnUpgrade(_) => "upgrade-required",
            Self::MediaType => "media-type",
            Self::Encoding => "content-encoding",
            Self::BodyTooLarge { .. } => "body-too-large",
            Self::BodyTooSlow { .. } => "body-too-slow",
            Self::BodyBroken => "body-incomplete",
            Self::Malformed { .. } => "request-malformed",
            Self::TooDeep { .. } => "json-too-deep",
            Self::Field { .. } => "field-invalid",
            Self::NoCredential => "credential-missing",
            Self::BadCredential => "credential-invalid",
            Self::TwoCredentials => "credential-ambiguous",
            Self::LockedOut { .. } => "address-locked-out",
            Self::MissingScope { .. } => "scope-missing",
            Self::Device(_) => "device-identity",
            Self::UnknownMethod(_) => "method-unknown",
            Self::NoSession => "session-not-found",
            Self::NoTenant => "tenant-not-found",
            Self::Refused(refusal) => refusal.code(),
            Self::Api(error) => error.code(),
            Self::Web(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Turn(failure) => failure.code,
            Self::TimedOut { .. } => "method-timeout",
            Self::Log(_) => "log-unreadable",
            Self::BrokenOff => "answer-broken-off",
        }
    }
}
