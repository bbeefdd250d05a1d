//! Which tools a tier may use, and how many at once.
//!
//! Pure. A tool that no list names is denied, and a block wins over everything.

use crate::tenant::Tier;

/// Tools of each tier, beside those of the tier before it.
const FREE: &[&str] = &["Read", "Glob", "Grep", "WebFetch"];
const STANDARD: &[&str] = &["Write", "Edit", "NotebookEdit"];
const PREMIUM: &[&str] = &["Bash", "WebSearch", "Skill", "TodoWrite"];

/// What may be done with tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPolicy {
    allowed: Vec<&'static str>,
    blocked: Vec<String>,
    /// How many may run at once; `None`: any number.
    pub concurrent: Option<u32>,
    /// Whether a person approves each use.
    pub needs_approval: bool,
}

// === impl ToolPolicy ===

impl ToolPolicy {
    /// What a tier may do.
    #[must_use]
    pub fn of(tier: Tier) -> Self {
        let (lists, concurrent): (&[&[&str]], _) = match tier {
            Tier::Free => (&[FREE], Some(1)),
            Tier::Standard => (&[FREE, STANDARD], Some(2)),
            Tier::Premium => (&[FREE, STANDARD, PREMIUM], Some(4)),
            Tier::Admin => (&[FREE, STANDARD, PREMIUM], None),
        };
        let needs_approval = tier == Tier::Free;
        Self { allowed: lists.concat(), blocked: Vec::new(), concurrent, needs_approval }
    }

    /// The same without these tools.
    #[must_use]
    pub fn blocking(mut self, tools: impl IntoIterator<Item = String>) -> Self {
        self.blocked.extend(tools);
        self
    }

    /// Whether the tool may be used. Names are compared exactly.
    #[must_use]
    pub fn allows(&self, tool: &str) -> bool {
        self.allowed.contains(&tool) && !self.blocked.iter().any(|blocked| blocked == tool)
    }

    /// Whether one more may start while so many run.
    #[must_use]
    pub fn has_room(&self, running: u32) -> bool {
        self.concurrent.is_none_or(|most| running < most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_tier_has_what_the_one_before_has() {
        for (tier, tools, concurrent, approval) in [
            (Tier::Free, 4, Some(1), true),
            (Tier::Standard, 7, Some(2), false),
            (Tier::Premium, 11, Some(4), false),
            (Tier::Admin, 11, None, false),
        ] {
            let policy = ToolPolicy::of(tier);
            let known = [FREE, STANDARD, PREMIUM].concat();
            assert_eq!(known.iter().filter(|tool| policy.allows(tool)).count(), tools, "{tier}");
            assert_eq!((policy.concurrent, policy.needs_approval), (concurrent, approval));
        }
        assert!(!ToolPolicy::of(Tier::Free).allows("Bash"));
        assert!(ToolPolicy::of(Tier::Premium).allows("Bash"));
    }

    #[test]
    fn only_so_many_run_at_once() {
        assert!(ToolPolicy::of(Tier::Free).has_room(0) && !ToolPolicy::of(Tier::Free).has_room(1));
        assert!(ToolPolicy::of(Tier::Admin).has_room(u32::MAX));
    }

    proptest! {
        #[test]
        fn a_block_wins_and_what_is_unknown_is_denied(tool in "[A-Za-z]{1,12}", place in 0_usize..4) {
            let policy = ToolPolicy::of(Tier::ALL[place]);
            let known = [FREE, STANDARD, PREMIUM].concat().contains(&tool.as_str());
            prop_assert!(known || !policy.allows(&tool));
            prop_assert!(!policy.blocking([tool.clone()]).allows(&tool));
        }
    }
}
