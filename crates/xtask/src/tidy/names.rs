//! How files and types are called.
//!
//! Owns the list of endings that say nothing; refuses `mod.rs` and files without a first line.

use crate::source::Source;
use crate::tree::Tree;
use crate::violation::Violation;

/// Endings that could stand behind any noun, and so tell nothing about this one.
const EMPTY_ENDINGS: &[&str] = &[
    "Manager",
    "Handler",
    "Helper",
    "Util",
    "Utils",
    "Service",
    "Processor",
    "Impl",
    "Data",
    "Info",
];

/// Types with an empty ending, files called `mod.rs`, files that do not open with `//!`.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations: Vec<_> = tree.sources.iter().flat_map(types).collect();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".rs")) {
        let at = |what: &str, why, remedy| Violation {
            file: file.path.clone(),
            line: 1,
            what: what.to_owned(),
            why,
            remedy,
        };
        if !file.text.starts_with("//!") {
            violations.push(at(
                "the file does not open with `//!`",
                "the first lines tell what a file owns and what it refuses",
                "write them",
            ));
        }
        if file.path.ends_with("/mod.rs") {
            violations.push(at(
                "the file is called mod.rs",
                "ten open files of one name cannot be told apart",
                "call it by its module: foo.rs beside foo/",
            ));
        }
    }
    violations
}

fn types(source: &Source) -> Vec<Violation> {
    let ending = |name: &str| EMPTY_ENDINGS.iter().find(|ending| name.ends_with(**ending));
    let empty = source.types.iter().filter_map(|(name, line)| Some((name, line, ending(name)?)));
    empty
        .map(|(name, line, ending)| Violation {
            file: source.path.clone(),
            line: *line,
            what: format!("type `{name}` ends in `{ending}`"),
            why: "the ending fits anything, so the name does not say what the thing is",
            remedy: "name the thing: what it is, not that it does something",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    #[test]
    fn an_empty_ending_is_refused_wherever_a_type_is_declared() {
        let bad = "//! X.\nstruct TurnManager;\nenum PeerInfo {}\ntrait SendHandler {}\ntype Data = u8;\nmod inner { struct ClockImpl; }\n";
        let violations = check(&tree_of(&[("crates/engine/src/a.rs", bad)]));
        assert_eq!(
            violations.iter().map(|violation| violation.line).collect::<Vec<_>>(),
            [2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn whole_words_and_the_names_of_others_are_not() {
        let good =
            "//! X.\nstruct Metadata;\nstruct Turn;\nimpl Service for Turn { type Data = u8; }\n";
        assert_eq!(check(&tree_of(&[("crates/engine/src/a.rs", good)])), []);
    }

    #[test]
    fn a_file_has_a_name_and_a_first_line() {
        let violations = check(&tree_of(&[("crates/engine/src/turn/mod.rs", "\nfn f() {}\n")]));
        assert_eq!(
            whats(&violations),
            [
                "crates/engine/src/turn/mod.rs:1 the file does not open with `//!`",
                "crates/engine/src/turn/mod.rs:1 the file is called mod.rs",
            ]
        );
    }
}
