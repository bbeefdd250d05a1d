//! Who did something, for the audit.

use std::fmt;

use uuid::Uuid;

use crate::{TenantSlug, text::one_line};

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The product itself: its start, its upkeep.
    System,
    /// The operator at a terminal of this machine, by the name of the account there.
    Terminal(String),
    /// Whoever has the operator's own token.
    Operator,
    /// A device that was let in.
    Device(Uuid),
    /// Whoever has a tenant's own token.
    Tenant(TenantSlug),
}

// === impl Actor ===

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Terminal(user) => write!(f, "cli:{}", one_line(user, 64)),
            Self::Operator => f.write_str("operator"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::Tenant(slug) => write!(f, "tenant:{slug}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_apart_and_stays_on_one_line() {
        let tenant = Actor::Tenant("acme".parse().unwrap());
        let actors = [Actor::System, Actor::Terminal("a\nb".to_owned()), Actor::Operator, tenant];
        let words = actors.map(|actor| actor.to_string());
        assert_eq!(words, ["system", "cli:a b", "operator", "tenant:acme"]);
    }
}
