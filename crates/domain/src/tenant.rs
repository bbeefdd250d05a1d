//! A client of the operator: its tier, and its life from creation to deletion.
//!
//! Pure functions of the platform document. What a tier may do with tools stands in
//! [`tool_policy`](crate::tool_policy).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

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
    /// Gone for good. Its name stays taken, so that nobody else ever opens its database.
    Deleted,
}

/// How freely tools of a tier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// They read, and change nothing.
    Restricted,
    /// They change files of the workspace.
    Standard,
    /// They run programs.
    Full,
}

/// A tenant's life, as far as it has rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// How much it may use.
    pub tier: Tier,
    /// Whether it is served.
    pub status: TenantStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last wrote to it; its creation when nobody has.
    pub last_active_at: Timestamp,
}

/// A step that the life of a tenant or a person does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is {} cannot become {}", from.as_str(), to.as_str())]
pub struct BadTransition {
    /// What it is.
    pub from: TenantStatus,
    /// What it cannot become.
    pub to: TenantStatus,
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
    /// Every tier, the smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Standard, Self::Premium, Self::Admin];

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

    /// Whether this tier has everything that `other` has.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> bool {
        self >= other
    }

    /// How freely its tools run.
    #[must_use]
    pub fn sandbox(self) -> Sandbox {
        match self {
            Self::Free => Sandbox::Restricted,
            Self::Standard => Sandbox::Standard,
            Self::Premium | Self::Admin => Sandbox::Full,
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
        Self::ALL.into_iter().find(|tier| tier.as_str() == text).ok_or_else(|| UnknownWord {
            word: crate::text::one_line(text, 32),
            known: "free, standard, premium, admin",
        })
    }
}

// === impl Sandbox ===

impl Sandbox {
    /// The word used in JSON and by commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

// === impl TenantStatus ===

impl TenantStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Deleted];

    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// The status after the step: active and suspended in turns, and from suspended to deleted.
    ///
    /// # Errors
    /// [`BadTransition`] for every other step; staying the same is none.
    pub fn transition(self, to: Self) -> Result<Self, BadTransition> {
        use TenantStatus::{Active, Deleted, Suspended};
        match (self, to) {
            (Active, Suspended) | (Suspended, Active | Deleted) => Ok(to),
            (from, to) => Err(BadTransition { from, to }),
        }
    }
}

impl FromStr for TenantStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| UnknownWord {
            word: crate::text::one_line(text, 32),
            known: "active, suspended, deleted",
        })
    }
}

// === impl Life ===

impl Life {
    /// A tenant that begins now, with the smallest tier.
    #[must_use]
    pub fn create(now: Timestamp) -> Self {
        let (tier, status) = (Tier::Free, TenantStatus::Active);
        Self { tier, status, created_at: now, last_active_at: now }
    }

    /// Somebody wrote to it. A clock that was set back takes nothing back.
    #[must_use]
    pub fn touch(self, now: Timestamp) -> Self {
        Self { last_active_at: self.last_active_at.max(now), ..self }
    }

    /// It may use more or less from now on.
    #[must_use]
    pub fn change_tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// It is refused everywhere.
    ///
    /// # Errors
    /// [`BadTransition`] unless it is active.
    pub fn suspend(self) -> Result<Self, BadTransition> {
        self.turn(TenantStatus::Suspended)
    }

    /// It is served again.
    ///
    /// # Errors
    /// [`BadTransition`] unless it is suspended.
    pub fn reinstate(self) -> Result<Self, BadTransition> {
        self.turn(TenantStatus::Active)
    }

    /// It is gone for good.
    ///
    /// # Errors
    /// [`BadTransition`] unless it is suspended.
    pub fn delete(self) -> Result<Self, BadTransition> {
        self.turn(TenantStatus::Deleted)
    }

    fn turn(self, to: TenantStatus) -> Result<Self, BadTransition> {
        Ok(Self { status: self.status.transition(to)?, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tiers_are_ordered_and_read_back() {
        for (place, tier) in Tier::ALL.into_iter().enumerate() {
            assert_eq!(tier.as_str().parse(), Ok(tier));
            for (other_place, other) in Tier::ALL.into_iter().enumerate() {
                assert_eq!(tier.is_at_least(other), place >= other_place, "{tier} and {other}");
            }
        }
        assert!("gold".parse::<Tier>().is_err());
        assert!("".parse::<Tier>().is_err());
    }

    #[test]
    fn each_tier_has_its_sandbox() {
        use Sandbox::{Full, Restricted, Standard};
        assert_eq!(Tier::ALL.map(Tier::sandbox), [Restricted, Standard, Full, Full]);
    }

    #[test]
    fn the_life_of_a_tenant_is_the_platforms() {
        use TenantStatus::{Active, Deleted, Suspended};
        let allowed = [(Active, Suspended), (Suspended, Active), (Suspended, Deleted)];
        for from in TenantStatus::ALL {
            assert_eq!(from.as_str().parse(), Ok(from));
            for to in TenantStatus::ALL {
                assert_eq!(
                    from.transition(to).is_ok(),
                    allowed.contains(&(from, to)),
                    "{from:?} -> {to:?}"
                );
            }
        }
    }

    #[test]
    fn a_tenant_begins_free_and_active() {
        let life = Life::create(Timestamp(5));
        assert_eq!((life.tier, life.status), (Tier::Free, TenantStatus::Active));
        assert_eq!(life.change_tier(Tier::Admin).tier, Tier::Admin);
        assert_eq!(life.touch(Timestamp(9)).last_active_at, Timestamp(9));
        assert_eq!(life.touch(Timestamp(1)).last_active_at, Timestamp(5));
    }

    proptest! {
        /// Whatever is done with a tenant, in any order: what is deleted stays so, and a step that is refused
        /// changes nothing.
        #[test]
        fn nothing_brings_back_what_is_deleted(steps in prop::collection::vec(0_u8..5, 0..40)) {
            let mut life = Life::create(Timestamp(0));
            for (at, step) in steps.into_iter().enumerate() {
                let before = life;
                life = match step {
                    0 => life.suspend().unwrap_or(life),
                    1 => life.reinstate().unwrap_or(life),
                    2 => life.delete().unwrap_or(life),
                    3 => life.touch(Timestamp(i64::try_from(at).unwrap())),
                    _ => life.change_tier(Tier::Premium),
                };
                if before.status == TenantStatus::Deleted {
                    prop_assert_eq!(life.status, TenantStatus::Deleted);
                }
                if before.status == TenantStatus::Active {
                    prop_assert_ne!(life.status, TenantStatus::Deleted);
                }
                prop_assert!(life.last_active_at >= before.last_active_at);
                prop_assert_eq!(life.created_at, before.created_at);
            }
        }
    }
}
