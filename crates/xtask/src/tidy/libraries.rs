//! Which crate may use which library, and what every manifest must say.
//!
//! Owns the table of libraries with few owners; refuses versions outside the root manifest.

use super::floors::line_of;
use crate::package::{Dependency, Package};
use crate::tree::{File, Tree};
use crate::violation::Violation;

struct Rule {
    libraries: &'static [&'static str],
    owners: Owners,
    why: &'static str,
    remedy: &'static str,
}

enum Owners {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// Libraries that only some crates may use. Tests may use any of them.
const RULES: &[Rule] = &[
    Rule {
        libraries: &["sqlx", "rusqlite", "libsqlite3-sys", "tokio-postgres", "postgres"],
        owners: Owners::Only(&["store", "testkit", "trials", "xtask"]),
        why: "the database is spoken to in `store` alone, so that one test can prove every statement",
        remedy: "add the query to crates/store and call it",
    },
    Rule {
        libraries: &["reqwest", "ureq", "hickory-resolver"],
        owners: Owners::Only(&["egress", "testkit", "trials"]),
        why: "every outgoing request passes the address policy and the caps of `egress`",
        remedy: "take the client of crates/egress",
    },
    Rule {
        libraries: &["axum", "hyper", "hyper-util", "tower-http"],
        owners: Owners::Only(&["gateway", "simulator", "testkit", "trials"]),
        why: "only `gateway` listens for the product, only `simulator` plays the outside world",
        remedy: "put the route into crates/gateway and hand it what it needs",
    },
    Rule {
        libraries: &["ratatui", "crossterm"],
        owners: Owners::Only(&["tui"]),
        why: "the terminal is drawn in `tui` alone",
        remedy: "put the view into crates/tui",
    },
    Rule {
        libraries: &["anyhow"],
        owners: Owners::Only(&["openclaw", "testkit", "trials", "xtask"]),
        why: "a library's errors have kinds and codes that a caller can act on",
        remedy: "give the crate an error enum that implements domain::Coded",
    },
    Rule {
        libraries: &["tokio", "async-std", "smol"],
        owners: Owners::AllBut(&["domain"]),
        why: "`domain` is pure rules: no I/O, no async runtime, no clock of its own",
        remedy: "name a trait in `domain` and implement it above",
    },
];

/// Libraries in the wrong crate, versions outside the root manifest, lints not inherited.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &tree.packages {
        violations.extend(misplaced(tree, package));
        violations.extend(tree.file(&package.manifest).into_iter().flat_map(not_inherited));
    }
    violations
}

fn misplaced(tree: &Tree, package: &Package) -> Vec<Violation> {
    let refused = |dependency: &&Dependency| !dependency.dev;
    let broken = package.dependencies.iter().filter(refused).filter_map(|dependency| {
        let rule = RULES.iter().find(|rule| rule.libraries.contains(&dependency.name.as_str()))?;
        (!rule.owners.include(&package.name)).then_some((dependency, rule))
    });
    broken
        .map(|(dependency, rule)| Violation {
            file: package.manifest.clone(),
            line: line_of(tree, &package.manifest, &dependency.name),
            what: format!("`{}` may not depend on `{}`", package.name, dependency.name),
            why: rule.why,
            remedy: rule.remedy,
        })
        .collect()
}

fn not_inherited(manifest: &File) -> Vec<Violation> {
    let mut section = "";
    let mut inherits_lints = false;
    let mut violations = Vec::new();
    for (line, text) in manifest.lines() {
        if text.starts_with('[') {
            section = text.trim();
        }
        let inherited = text.contains("workspace = true");
        inherits_lints |= section == "[lints]" && inherited;
        let names_library = text.starts_with(char::is_alphabetic) && text.contains('=');
        if section.ends_with("dependencies]") && names_library && !inherited {
            violations.push(Violation {
                file: manifest.path.clone(),
                line,
                what: format!("`{}` does not take its version from the workspace", text.trim()),
                why: "every version of every dependency is named once, in the root Cargo.toml",
                remedy: "name it under [workspace.dependencies] and write `name.workspace = true` here",
            });
        }
    }
    if !inherits_lints {
        violations.push(Violation {
            file: manifest.path.clone(),
            line: 1,
            what: "the workspace's lints are not inherited".to_owned(),
            why: "without them neither `unsafe` nor an undocumented item is refused",
            remedy: "add [lints] with workspace = true",
        });
    }
    violations
}

// === impl Owners ===

impl Owners {
    fn include(&self, package: &str) -> bool {
        match self {
            Self::Only(owners) => owners.contains(&package),
            Self::AllBut(others) => !others.contains(&package),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{package, tree_of};

    fn refused(name: &str, normal: &[&str], dev: &[&str]) -> usize {
        check(&Tree { packages: vec![package(name, normal, dev)], ..Tree::default() }).len()
    }

    #[test]
    fn each_library_has_its_owners() {
        for (owner, library, stranger) in [
            ("store", "sqlx", "engine"),
            ("egress", "reqwest", "llm"),
            ("gateway", "axum", "openclaw"),
            ("simulator", "hyper", "channels"),
            ("openclaw", "anyhow", "config"),
            ("bus", "tokio", "domain"),
        ] {
            assert_eq!(refused(owner, &[library], &[]), 0, "{owner} {library}");
            assert_eq!(refused(stranger, &[library], &[]), 1, "{stranger} {library}");
            assert_eq!(refused(stranger, &[], &[library]), 0, "{stranger} tests with {library}");
        }
    }

    #[test]
    fn a_manifest_inherits_versions_and_lints() {
        let good = "[dependencies]\nbytes.workspace = true\nserde = { workspace = true, features = [\n  \"rc\",\n] }\n\n[lints]\nworkspace = true\n";
        let bad = "[dependencies]\nbytes = \"1\"\ndomain = { path = \"../domain\" }\n";
        let found = |text: &str| {
            let mut tree = tree_of(&[("crates/llm/Cargo.toml", text)]);
            tree.packages = vec![package("llm", &[], &[])];
            check(&tree).into_iter().map(|violation| violation.line).collect::<Vec<_>>()
        };
        assert_eq!(found(good), Vec::<usize>::new());
        assert_eq!(found(bad), [2, 3, 1]);
    }
}
