//! How long files and functions are.
//!
//! Owns the two limits and the table of sizes; refuses to count tests.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::source::{Function, Source};
use crate::tree::Tree;
use crate::violation::Violation;

/// Most lines of product in a file.
const LONGEST_FILE: usize = 500;
/// Most lines of a function, from `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 80;

const WHY: &str = "what does not fit on a few screens holds two rooms in one";

/// Every file and function over its limit.
pub fn check(tree: &Tree) -> Vec<Violation> {
    tree.sources.iter().flat_map(too_long).collect()
}

/// One line per crate and one for all: files, lines, and how they are spread.
pub fn table(tree: &Tree) -> String {
    let mut crates: BTreeMap<&str, Sizes> = BTreeMap::new();
    let mut all = Sizes::default();
    for source in tree.sources.iter().filter(|source| !source.is_test_file) {
        crates.entry(&source.crate_name).or_default().add(source);
        all.add(source);
    }
    let mut table = format!(
        "{:<12}{:>6}{:>8}   {:>7}{:>6}{:>6}   {:>7}{:>6}{:>6}\n",
        "crate", "files", "lines", "file 50", "90", "max", "fn 50", "90", "max"
    );
    for (name, sizes) in crates.into_iter().chain([("all", all)]) {
        let _ = writeln!(table, "{}", sizes.row(name));
    }
    table
}

#[derive(Default)]
struct Sizes {
    files: Vec<usize>,
    functions: Vec<usize>,
}

// === impl Sizes ===

impl Sizes {
    fn add(&mut self, source: &Source) {
        self.files.push(source.production_length());
        self.functions.extend(source.production_functions().map(Function::length));
    }

    fn row(mut self, name: &str) -> String {
        self.files.sort_unstable();
        self.functions.sort_unstable();
        let spread = |sizes: &[usize]| {
            let [half, nine, most] = [50, 90, 100].map(|percent| percentile(sizes, percent));
            format!("   {half:>7}{nine:>6}{most:>6}")
        };
        let lines: usize = self.files.iter().sum();
        let (files, functions) = (spread(&self.files), spread(&self.functions));
        format!("{name:<12}{:>6}{lines:>8}{files}{functions}", self.files.len())
    }
}

/// The nearest-rank percentile of sorted sizes; zero of none.
fn percentile(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn too_long(source: &Source) -> Vec<Violation> {
    let at =
        |line, what, remedy| Violation { file: source.path.clone(), line, what, why: WHY, remedy };
    let length = source.production_length();
    let file = (length > LONGEST_FILE).then(|| {
        let what = format!("{length} lines of product in one file, {LONGEST_FILE} are allowed");
        at(1, what, "split it by meaning: one noun per file")
    });
    let functions =
        source.production_functions().filter(|f| f.length() > LONGEST_FUNCTION).map(|f| {
            let what =
                format!("`{}` has {} lines, {LONGEST_FUNCTION} are allowed", f.name, f.length());
            at(*f.lines.start(), what, "give each step a name of its own")
        });
    file.into_iter().chain(functions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn the_limits_are_what_they_say() {
        let path = "crates/engine/src/a.rs";
        let file = |length: usize| "// x\n".repeat(length);
        assert_eq!(check(&tree_of(&[(path, &file(LONGEST_FILE))])), []);
        assert_eq!(check(&tree_of(&[(path, &file(LONGEST_FILE + 1))])).len(), 1);
        assert_eq!(check(&tree_of(&[(path, &function(LONGEST_FUNCTION))])), []);
        assert_eq!(
            whats(&check(&tree_of(&[(path, &function(LONGEST_FUNCTION + 1))]))),
            ["crates/engine/src/a.rs:1 `long` has 81 lines, 80 are allowed"]
        );
    }

    #[test]
    fn tests_are_not_counted() {
        let inline =
            format!("#[cfg(test)]\nmod tests {{\n{}{}}}\n", function(100), "// x\n".repeat(600));
        assert_eq!(check(&tree_of(&[("crates/engine/src/a.rs", &inline)])), []);
        assert_eq!(check(&tree_of(&[("crates/engine/src/a/tests.rs", &function(600))])), []);
        assert_eq!(check(&tree_of(&[("crates/engine/tests/it/main.rs", &function(600))])), []);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let sizes: Vec<usize> = (1..=10).collect();
        assert_eq!([50, 90, 100].map(|percent| percentile(&sizes, percent)), [5, 9, 10]);
        assert_eq!(percentile(&[], 50), 0);
    }
}
