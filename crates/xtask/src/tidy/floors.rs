//! Which crate may stand on which.
//!
//! Owns the one table of floors; refuses crates that are not in it.

use crate::package::{Dependency, Package};
use crate::tree::Tree;
use crate::violation::Violation;

/// The house, top to bottom. A crate may use what stands on a lower floor: never a neighbour, never
/// what stands above. Tests may look anywhere, except into what nobody may use.
const FLOORS: &[&[&str]] = &[
    &["trials", "xtask"],
    &["testkit"],
    &["openclaw"],
    &["gateway", "tui", "ops"],
    &["engine"],
    &["agent", "plugins", "channels", "ads"],
    &["llm", "graph"],
    &["store", "bus", "egress", "config"],
    &["simulator"],
    &["domain"],
];

/// The top of the house: nobody but `trials`, which drives the product, may use it, not even in tests.
const ROOF: &[&str] = &["trials", "xtask", "openclaw"];

/// Every dependency that does not point down, every crate without a floor.
pub fn check(tree: &Tree) -> Vec<Violation> {
    tree.packages.iter().flat_map(|package| check_package(tree, package)).collect()
}

/// The line of a manifest that names a dependency; the first line if none does.
pub fn line_of(tree: &Tree, manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency)?;
        rest.starts_with([' ', '.', '=']).then_some(())
    };
    let mut lines = tree.file(manifest).into_iter().flat_map(|file| file.lines());
    lines.find(|(_, line)| names(line).is_some()).map_or(1, |(number, _)| number)
}

fn check_package(tree: &Tree, package: &Package) -> Vec<Violation> {
    let Some(own_floor) = floor(&package.name) else {
        return vec![Violation {
            file: package.manifest.clone(),
            line: 1,
            what: format!("crate `{}` stands on no floor", package.name),
            why: "a crate without a floor could use anything and be used by anything",
            remedy: "add it to FLOORS in crates/xtask/src/tidy/floors.rs, or put the code into a crate that exists",
        }];
    };
    let refused = package.dependencies.iter().filter(|dependency| {
        floor(&dependency.name).is_some_and(|other| !may_use(package, own_floor, dependency, other))
    });
    refused.map(|dependency| refusal(tree, package, dependency)).collect()
}

fn may_use(package: &Package, own_floor: usize, dependency: &Dependency, other: usize) -> bool {
    if ROOF.contains(&dependency.name.as_str()) {
        return package.name == "trials" && own_floor < other;
    }
    dependency.dev || own_floor < other
}

fn refusal(tree: &Tree, package: &Package, dependency: &Dependency) -> Violation {
    Violation {
        file: package.manifest.clone(),
        line: line_of(tree, &package.manifest, &dependency.name),
        what: format!("`{}` may not depend on `{}`", package.name, dependency.name),
        why: "a crate uses only what stands on a lower floor, so that each can be read and tested without its neighbours",
        remedy: "move the shared part down, or let `domain` name a trait that the upper crate hands in",
    }
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::package;

    fn refused(name: &str, normal: &[&str], dev: &[&str]) -> Vec<String> {
        let tree = Tree { packages: vec![package(name, normal, dev)], ..Tree::default() };
        check(&tree).into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_crate_uses_what_stands_below() {
        for (name, below) in [
            ("openclaw", &["gateway", "engine", "simulator", "domain"][..]),
            ("engine", &["agent", "channels", "llm", "store"]),
            ("llm", &["egress", "config", "domain"]),
            ("simulator", &["domain"]),
            ("testkit", &["store", "simulator"]),
            ("trials", &["openclaw", "testkit", "store"]),
        ] {
            assert_eq!(refused(name, below, &[]), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn never_a_neighbour_and_never_above() {
        for (name, wrong) in [
            ("llm", "graph"),
            ("store", "bus"),
            ("agent", "channels"),
            ("engine", "gateway"),
            ("domain", "simulator"),
            ("simulator", "config"),
            ("openclaw", "testkit"),
            ("gateway", "openclaw"),
            ("testkit", "openclaw"),
            ("trials", "xtask"),
        ] {
            let what = format!("`{name}` may not depend on `{wrong}`");
            assert_eq!(refused(name, &[wrong], &[]), [what], "{name} -> {wrong}");
        }
    }

    #[test]
    fn tests_look_anywhere_but_into_the_roof() {
        assert_eq!(refused("store", &[], &["testkit", "engine", "bus"]), Vec::<String>::new());
        for roof in ROOF {
            assert_eq!(refused("store", &[], &[roof]).len(), 1, "{roof}");
        }
    }

    #[test]
    fn a_crate_without_a_floor_is_a_violation() {
        assert_eq!(refused("misc", &[], &[]), ["crate `misc` stands on no floor"]);
    }
}
