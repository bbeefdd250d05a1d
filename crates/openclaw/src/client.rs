//! How commands talk to a running gateway: plain HTTP for questions, protocol v4 for conversations.
//!
//! Speaks to this machine or a trusted network only, so it knows no TLS; an `https` address is refused.

mod http;
mod socket;

use std::io;
use std::time::Duration;

use domain::{Coded, Kind, Secret};
use tokio::net::TcpStream;

pub use socket::{Happening, Socket};

/// How long the gateway may take to accept a connection and to answer a question.
const PATIENCE: Duration = Duration::from_secs(5);

/// A gateway that may be running.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Host and port.
    authority: String,
    /// The operator's token, when one is known.
    token: Option<Secret>,
}

/// Why the gateway could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one of ours.
    #[error("{0:?} is no address of a gateway; write it like http://127.0.0.1:18789")]
    Address(String),
    /// Nobody listens there.
    #[error(
        "the gateway does not answer at {authority}; start it with `openclaw up`, or name its address with --url"
    )]
    Unreachable {
        /// Where it was looked for.
        authority: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody listens, but says nothing.
    #[error("the gateway at {authority} accepts connections but did not answer within {}s; look at `openclaw logs`", PATIENCE.as_secs())]
    Silent {
        /// Where.
        authority: String,
    },
    /// Somebody listens, but it is no gateway.
    #[error(
        "what answers at {authority} does not speak like a gateway: {what}; name its address with --url"
    )]
    Foreign {
        /// Where.
        authority: String,
        /// What was odd.
        what: String,
    },
    /// The gateway refused the request; its own words and code.
    #[error("{message}")]
    Refused {
        /// Its stable code.
        code: String,
        /// What it said.
        message: String,
        /// What kind of failure that is.
        kind: Kind,
    },
    /// The connection ended in the middle.
    #[error(
        "the gateway closed the connection: {reason}; send it again, or look at `openclaw logs`"
    )]
    Closed {
        /// Why, as far as it said.
        reason: String,
    },
}

// === impl Gateway ===

impl Gateway {
    /// A gateway at an address such as `http://127.0.0.1:18789/`.
    ///
    /// # Errors
    /// [`Error::Address`] when it is of another form.
    pub fn at(url: &str, token: Option<Secret>) -> Result<Self, Error> {
        let bad = || Error::Address(domain::text::one_line(url, 128));
        let uri: ::http::Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("http" | "ws")));
        let authority = authority.ok_or_else(bad)?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") {
            return Err(bad());
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { authority: format!("{}:{port}", authority.host()), token })
    }

    /// Host and port, as people write it.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    async fn connect(&self) -> Result<TcpStream, Error> {
        let unreachable = |source| Error::Unreachable { authority: self.authority.clone(), source };
        let stream =
            self.within(TcpStream::connect(&self.authority)).await?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        Ok(stream)
    }

    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::time::timeout(PATIENCE, work)
            .await
            .map_err(|_| Error::Silent { authority: self.authority.clone() })
    }

    fn foreign(&self, what: impl ToString) -> Error {
        let what = domain::text::one_line(&what.to_string(), 128);
        Error::Foreign { authority: self.authority.clone(), what }
    }
}

// === impl Error ===

impl Error {
    /// The stable code.
    #[must_use]
    pub fn stable_code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            other => other.code(),
        }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Address(_) => Kind::Invalid,
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Closed { .. } => {
                Kind::Overloaded { retry_after: Duration::from_secs(2) }
            }
            Self::Foreign { .. } => Kind::Upstream,
            Self::Refused { kind, .. } => *kind,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "gateway-address",
            Self::Unreachable { .. } => "gateway-unreachable",
            Self::Silent { .. } => "gateway-silent",
            Self::Foreign { .. } => "gateway-foreign",
            Self::Refused { .. } => "gateway-refused",
            Self::Closed { .. } => "gateway-closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_addresses() {
        for (url, authority) in [
            ("http://127.0.0.1:18789", "127.0.0.1:18789"),
            ("http://[::1]:7/", "[::1]:7"),
            ("ws://gateway.lan", "gateway.lan:80"),
        ] {
            assert_eq!(Gateway::at(url, None).unwrap().authority(), authority);
        }
        for url in ["", "127.0.0.1:1", "https://x", "http://u:p@x/", "http://x/y", "file:///x"] {
            assert!(Gateway::at(url, None).is_err(), "{url}");
        }
    }
}
