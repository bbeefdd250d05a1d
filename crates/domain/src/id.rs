//! Names of things. Each is its own type, so that a function cannot be called with the wrong one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// A client of the operator.
    TenantId
);
uuid_id!(
    /// One row of `session`: what a conversation is doing now.
    SessionId
);
uuid_id!(
    /// One message that somebody said, ours or theirs.
    MessageId
);

/// The caller's own name for one message and the answer to it; in protocol v4, `runId` and
/// `idempotencyKey`. Unique within a tenant's account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

/// The name of a tenant in addresses, paths and databases: `^[a-z][a-z0-9-]{1,30}$`, none of the
/// reserved words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantSlug(String);

/// Which conversation: the tenant, the account it arrived at, and the conversation's name there.
///
/// Written `agent:<tenant>:<account>:<conversation>`, for example `agent:main:web:direct:anna`. The
/// conversation may contain colons. `agent:<tenant>:main` is short for the tenant's own first
/// conversation on the web, `agent:<tenant>:web:main`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Whose conversation it is.
    pub tenant: TenantSlug,
    /// The channel account it arrived at, for example `web` or `api`.
    pub account: String,
    /// Its name there, for example `direct:anna`; at most 200 characters, none of them control characters.
    pub conversation: String,
}

/// A name that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Not of the form of a slug.
    #[error(
        "a tenant's name has 2 to 31 characters a-z, 0-9 and -, the first a letter; {0:?} does not"
    )]
    Slug(String),
    /// A slug that means something else already.
    #[error("the name {0:?} is reserved; choose another")]
    Reserved(String),
    /// Not a session key.
    #[error("a session key reads agent:<tenant>:<account>:<conversation>; {0:?} does not")]
    SessionKey(String),
}

/// Slugs that would collide with a database, a path or a host name of our own.
const RESERVED: &[&str] = &[
    "admin",
    "api",
    "control",
    "default",
    "gateway",
    "health",
    "localhost",
    "openclaw",
    "operator",
    "postgres",
    "public",
    "root",
    "system",
    "template0",
    "template1",
    "tenant",
    "webhook",
    "www",
];

/// The account of the built-in web page.
pub const WEB: &str = "web";
/// The account of the OpenAI-compatible interface.
pub const API: &str = "api";
const FIRST_CONVERSATION: &str = "main";
const LONGEST_CONVERSATION: usize = 200;

// === impl TenantSlug ===

impl TenantSlug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantSlug {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut bytes = text.bytes();
        let well_formed = (2..=31).contains(&text.len())
            && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !well_formed {
            return Err(BadName::Slug(crate::text::one_line(text, 64)));
        }
        if RESERVED.contains(&text) {
            return Err(BadName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantSlug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

// === impl SessionKey ===

impl SessionKey {
    /// The tenant's own first conversation on the web.
    #[must_use]
    pub fn first(tenant: TenantSlug) -> Self {
        Self { tenant, account: WEB.to_owned(), conversation: FIRST_CONVERSATION.to_owned() }
    }

    /// A key from its parts, refusing names that could be mistaken for something else.
    ///
    /// # Errors
    /// [`BadName::SessionKey`] when the account is not lower-case letters, digits, `.`, `_` or `-`, or
    /// the conversation is empty, too long, or has control characters.
    pub fn new(tenant: TenantSlug, account: &str, conversation: &str) -> Result<Self, BadName> {
        let account_ok = (1..=64).contains(&account.len())
            && account.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
            });
        let conversation_ok = !conversation.trim().is_empty()
            && conversation.chars().count() <= LONGEST_CONVERSATION
            && !conversation.chars().any(char::is_control);
        if !account_ok || !conversation_ok {
            let shown = format!("agent:{tenant}:{account}:{conversation}");
            return Err(BadName::SessionKey(crate::text::one_line(&shown, 128)));
        }
        Ok(Self { tenant, account: account.to_owned(), conversation: conversation.to_owned() })
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.account == WEB && self.conversation == FIRST_CONVERSATION {
            return write!(f, "agent:{}:{FIRST_CONVERSATION}", self.tenant);
        }
        write!(f, "agent:{}:{}:{}", self.tenant, self.account, self.conversation)
    }
}

impl FromStr for SessionKey {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName::SessionKey(crate::text::one_line(text, 128));
        let rest = text.strip_prefix("agent:").ok_or_else(bad)?;
        let (tenant, rest) = rest.split_once(':').ok_or_else(bad)?;
        let tenant: TenantSlug = tenant.parse().map_err(|_| bad())?;
        match rest.split_once(':') {
            Some((account, conversation)) => Self::new(tenant, account, conversation),
            None if rest == FIRST_CONVERSATION => Ok(Self::first(tenant)),
            None => Err(bad()),
        }
    }
}

impl Serialize for SessionKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_that_could_mean_something_else_are_refused() {
        for bad in
            ["", "a", "A1", "a;id", "../x", "-v", "postgres", "template1", "a b", "é1", "a\n", "1a"]
        {
            assert!(bad.parse::<TenantSlug>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(32).parse::<TenantSlug>().is_err());
        for good in ["main", "aliya", "client-1"] {
            assert!(good.parse::<TenantSlug>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn the_first_conversation_has_a_short_name() {
        let key: SessionKey = "agent:main:main".parse().unwrap();
        assert_eq!(key, "agent:main:web:main".parse().unwrap());
        assert_eq!(key.to_string(), "agent:main:main");
    }

    #[test]
    fn keys_that_are_not_keys_are_refused() {
        for bad in [
            "",
            "main",
            "agent:main",
            "agent:main:web:",
            "agent:main:WEB:x",
            "agent:main:web:\u{7}",
        ] {
            assert!(bad.parse::<SessionKey>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn keys_read_back_what_was_written(account in "[a-z0-9._-]{1,20}", conversation in "[^\\p{C}]{1,40}") {
            prop_assume!(!conversation.trim().is_empty());
            let key = SessionKey::new("main".parse().unwrap(), &account, &conversation).unwrap();
            prop_assert_eq!(key.to_string().parse::<SessionKey>().unwrap(), key);
        }
    }
}
