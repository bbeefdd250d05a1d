//! This very tree is tidy; and what the tests of the rules share.

use crate::package::{Dependency, Package};
use crate::tree::{self, File, Tree};
use crate::violation::Violation;

#[test]
fn the_tree_is_tidy() {
    let violations = super::check(&Tree::read(&tree::root()).unwrap());
    let told: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(told.is_empty(), "{} violations:\n{}", told.len(), told.join("\n"));
}

#[test]
fn the_walk_sees_our_files_and_no_others() {
    let tree = Tree::read(&tree::root()).unwrap();
    let package = |name: &str| tree.packages.iter().find(|package| package.name == name).unwrap();
    assert!(tree.file(".cargo/config.toml").is_some());
    assert!(tree.sources.iter().any(|source| source.crate_name == "domain"));
    assert_eq!(package("xtask").manifest, "crates/xtask/Cargo.toml");
    assert!(
        package("domain").dependencies.iter().any(|other| other.name == "proptest" && other.dev)
    );
    assert!(!tree.files.iter().any(|file| file.path.starts_with("target/")));
    assert!(!tree.files.iter().any(|file| file.path.contains("node_modules/")));
}

#[test]
fn a_violation_is_one_line_that_says_what_why_and_what_to_do() {
    let bad = "//! X.\nfn f(x: Option<u8>) -> u8 { x.unwrap() }\n";
    let violations = super::check(&tree_of(&[("crates/engine/src/a.rs", bad)]));
    let told: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert_eq!(
        told,
        ["crates/engine/src/a.rs:2: `.unwrap`; a panic takes down every tenant's turn at once; \
          return an error with a code, or make the case impossible in the type"]
    );
}

#[test]
fn a_file_that_is_not_rust_is_a_violation() {
    let violations = super::check(&tree_of(&[("crates/engine/src/a.rs", "//! X.\nfn f( {}\n")]));
    assert_eq!(violations.iter().map(|violation| violation.line).collect::<Vec<_>>(), [2]);
}

pub fn tree_of(files: &[(&str, &str)]) -> Tree {
    let file =
        |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
    Tree::of(files.iter().map(file).collect())
}

pub fn package(name: &str, normal: &[&str], dev: &[&str]) -> Package {
    let on = |names: &[&str], dev| -> Vec<Dependency> {
        names.iter().map(|name| Dependency { name: (*name).to_owned(), dev }).collect()
    };
    Package {
        name: name.to_owned(),
        manifest: format!("crates/{name}/Cargo.toml"),
        dependencies: [on(normal, false), on(dev, true)].concat(),
    }
}

/// Where and what, without the reasons.
pub fn whats(violations: &[Violation]) -> Vec<String> {
    let told = |Violation { file, line, what, .. }: &Violation| format!("{file}:{line} {what}");
    violations.iter().map(told).collect()
}
