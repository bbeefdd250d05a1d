//! The words of protocol v4: versions, scopes, names of events.
//!
//! Owns the closed sets; what a method does with them lives beside the method.

pub mod connect;
pub mod device;
pub mod identity;

use serde::{Deserialize, Serialize};

/// The version that we speak.
pub const VERSION: u32 = 4;

/// Events that a client may receive.
pub const EVENTS: &[&str] = &[
    "connect.challenge",
    "agent",
    "chat",
    "session.message",
    "sessions.changed",
    "health",
    "tick",
    "shutdown",
];

/// What a credential may do. Ordered: each has everything the one before has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// See.
    #[serde(rename = "operator.read")]
    Read,
    /// See and speak.
    #[serde(rename = "operator.write")]
    Write,
    /// Everything.
    #[serde(rename = "operator.admin")]
    Admin,
}

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The process stops.
    GoingAway,
    /// The client broke WebSocket or speaks another version.
    Protocol,
    /// Text that is not UTF-8.
    Encoding,
    /// Not authenticated, not allowed, too fast.
    Policy,
    /// A message that is too large.
    TooBig,
    /// The client does not keep up.
    Overload,
}

// === impl Scope ===

impl Scope {
    /// Every scope, smallest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Admin => "operator.admin",
        }
    }

    /// The largest scope among words; words that we do not know count for nothing.
    pub fn largest<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Option<Self> {
        words
            .into_iter()
            .filter_map(|word| Self::ALL.into_iter().find(|scope| scope.as_str() == word.as_ref()))
            .max()
    }

    /// This scope and all that it includes.
    #[must_use]
    pub fn included(self) -> Vec<Self> {
        Self::ALL.into_iter().filter(|scope| *scope <= self).collect()
    }
}

// === impl Close ===

impl Close {
    /// The close code of RFC 6455, section 7.4.1.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::Encoding => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Overload => 1013,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_count_for_nothing() {
        assert_eq!(Scope::largest(["operator.read", "root", "*"]), Some(Scope::Read));
        assert_eq!(Scope::largest::<&str>([]), None);
        assert_eq!(Scope::largest(["operator.admins"]), None);
        assert_eq!(Scope::Write.included(), [Scope::Read, Scope::Write]);
    }
}
