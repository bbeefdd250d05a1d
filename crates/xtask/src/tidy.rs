//! Every house rule, one file each.
//!
//! Owns the list; refuses exemptions: a rule that needs one is a rule to be changed.

mod codes;
mod floors;
mod idioms;
mod libraries;
mod map;
mod migrations;
mod names;
mod places;
mod rooms;
pub mod sizes;

use crate::tree::Tree;
use crate::violation::Violation;

const RULES: &[fn(&Tree) -> Vec<Violation>] = &[
    floors::check,
    libraries::check,
    rooms::check,
    sizes::check,
    names::check,
    idioms::check,
    places::check,
    migrations::check,
    codes::check,
    map::check,
];

/// Everything in the tree that breaks a rule, ordered by file and line.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = tree.unreadable.clone();
    violations.extend(RULES.iter().flat_map(|rule| rule(tree)));
    violations.sort();
    violations
}

#[cfg(test)]
mod tests;
