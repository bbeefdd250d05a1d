//! One broken house rule, told so that the reader can mend it at once.
//!
//! Owns the form of the line on the terminal; refuses to know any rule.

use std::fmt;

/// A place that breaks a rule. Shown as `file:line: what; why; what to do`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path from the root of the tree, with `/`.
    pub file: String,
    /// Counted from one.
    pub line: usize,
    /// What stands there.
    pub what: String,
    /// Why the house does not want it.
    pub why: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
}

// === impl Violation ===

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what, why, remedy } = self;
        write!(f, "{file}:{line}: {what}; {why}; {remedy}")
    }
}
