//! A client of the operator: tier and status.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much a tenant or a person may use. Ordered: each tier has everything the one before has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The smallest.
    #[default]
    Free,
    /// The usual one.
    Standard,
    /// The largest for clients.
    Premium,
    /// The operator's own.
    Admin,
}

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TenantStatus {
    /// Served.
    #[default]
    Active,
    /// Refused everywhere.
    Suspended,
}

/// A word that names no tier or status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of: {known}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// What there is.
    pub known: &'static str,
}

// === impl Tier ===

impl Tier {
    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Standard => "standard",
            Self::Premium => "premium",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Free, Self::Standard, Self::Premium, Self::Admin]
            .into_iter()
            .find(|tier| tier.as_str() == text)
            .ok_or_else(|| UnknownWord {
                word: crate::text::one_line(text, 32),
                known: "free, standard, premium, admin",
            })
    }
}

// === impl TenantStatus ===

impl TenantStatus {
    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for TenantStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownWord {
                word: crate::text::one_line(text, 32),
                known: "active, suspended",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_ordered_and_read_back() {
        assert!(
            Tier::Free < Tier::Standard
                && Tier::Standard < Tier::Premium
                && Tier::Premium < Tier::Admin
        );
        assert_eq!("premium".parse(), Ok(Tier::Premium));
        assert!("gold".parse::<Tier>().is_err());
    }
}
