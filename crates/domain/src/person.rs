//! Someone who writes to a tenant.
//!
//! Owns how a person is named and how much one may use; refuses to know a person in two accounts as one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::tenant::{TenantStatus, Tier};

/// Which person of a tenant: the account that was written to, and the platform's immutable id of the one who
/// wrote. Written `<account>:<peer>`; the peer may contain colons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey {
    /// The channel account, for example `web`.
    pub account: String,
    /// The platform's id.
    pub peer: String,
}

/// A person's life, as far as it has rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The person's own tier; `None` is the tenant's.
    pub tier: Option<Tier>,
    /// Whether the person is served.
    pub status: PersonStatus,
    /// When the person first wrote.
    pub created_at: Timestamp,
    /// When the person last wrote, to the minute.
    pub last_active_at: Timestamp,
}

/// Whether a person is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonStatus {
    /// Served.
    #[default]
    Active,
    /// Refused by this tenant.
    Suspended,
}

/// A text that names no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a person is written account:peer, for example web:anna; {0:?} is not")]
pub struct BadPerson(String);

// === impl PersonKey ===

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.account, self.peer)
    }
}

impl FromStr for PersonKey {
    type Err = BadPerson;

    fn from_str(text: &str) -> Result<Self, BadPerson> {
        match text.split_once(':') {
            Some((account, peer)) if !account.is_empty() && !peer.is_empty() => {
                Ok(Self { account: account.to_owned(), peer: peer.to_owned() })
            }
            _ => Err(BadPerson(crate::text::one_line(text, 128))),
        }
    }
}

impl Serialize for PersonKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PersonKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

// === impl Life ===

impl Life {
    /// A person who writes for the first time.
    #[must_use]
    pub fn create(now: Timestamp) -> Self {
        Self { tier: None, status: PersonStatus::Active, created_at: now, last_active_at: now }
    }

    /// How much the person may use: the person's own tier, else the tenant's.
    #[must_use]
    pub fn effective(self, tenants: Tier) -> Tier {
        self.tier.unwrap_or(tenants)
    }

    /// Whether the person is served by a tenant of this status.
    #[must_use]
    pub fn is_served(self, tenant: TenantStatus) -> bool {
        self.status == PersonStatus::Active && tenant == TenantStatus::Active
    }
}

// === impl PersonStatus ===

impl PersonStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for PersonStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("no person is {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_own_tier_goes_before_the_tenants() {
        let life = Life::create(Timestamp(1));
        assert_eq!(life.effective(Tier::Standard), Tier::Standard);
        let own = Life { tier: Some(Tier::Free), ..life };
        assert_eq!(own.effective(Tier::Admin), Tier::Free);
    }

    #[test]
    fn who_is_suspended_or_whose_tenant_is_not_active_is_not_served() {
        for status in PersonStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            for tenant in TenantStatus::ALL {
                let life = Life { status, ..Life::create(Timestamp(1)) };
                let both = status == PersonStatus::Active && tenant == TenantStatus::Active;
                assert_eq!(life.is_served(tenant), both);
            }
        }
    }

    #[test]
    fn names_read_back() {
        let key: PersonKey = "web:device:7".parse().unwrap();
        assert_eq!((key.account.as_str(), key.peer.as_str()), ("web", "device:7"));
        assert_eq!(key.to_string(), "web:device:7");
        for bad in ["", "web", ":anna", "web:"] {
            assert!(bad.parse::<PersonKey>().is_err(), "{bad:?}");
        }
    }
}
