//! ARCHITECTURE.md names every crate that exists, and none that does not.
//!
//! Owns the comparison; refuses to say how the map is written.

use std::collections::BTreeSet;

use crate::tree::{File, Tree};
use crate::violation::Violation;

const MAP: &str = "ARCHITECTURE.md";
const WHY: &str = "the map is the first thing a newcomer reads";

/// Crates missing from the map, and names on the map without a crate. A tree without a map is
/// checked once it has one.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let Some(map) = tree.file(MAP) else { return Vec::new() };
    let at = |line, what, remedy| Violation { file: MAP.to_owned(), line, what, why: WHY, remedy };
    let named = named_crates(map);
    let existing: BTreeSet<&str> =
        tree.below("crates").filter_map(|(path, _)| path.strip_suffix("/Cargo.toml")).collect();
    let missing =
        existing.iter().filter(|name| !named.iter().any(|(_, other)| other == *name)).map(|name| {
            at(
                1,
                format!("`crates/{name}` is not on the map"),
                "say what it owns and what it refuses",
            )
        });
    let gone = named.iter().filter(|(_, name)| !existing.contains(name)).map(|(line, name)| {
        at(*line, format!("`crates/{name}` does not exist"), "take it off the map")
    });
    missing.chain(gone).collect()
}

fn named_crates(map: &File) -> Vec<(usize, &str)> {
    let mut named = Vec::new();
    for (line, text) in map.lines() {
        for rest in text.split("crates/").skip(1) {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            if end > 0 {
                named.push((line, &rest[..end]));
            }
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    const DOMAIN: (&str, &str) = ("crates/domain/Cargo.toml", "");

    #[test]
    fn the_map_and_the_land_agree() {
        assert_eq!(check(&tree_of(&[DOMAIN])), []);
        assert_eq!(
            check(&tree_of(&[DOMAIN, (MAP, "- `crates/domain`: words\n- `crates/<name>`")])),
            []
        );
        assert_eq!(
            whats(&check(&tree_of(&[DOMAIN, (MAP, "# Map\nsee crates/engine/src/turn.rs")]))),
            [
                "ARCHITECTURE.md:1 `crates/domain` is not on the map",
                "ARCHITECTURE.md:2 `crates/engine` does not exist",
            ]
        );
    }
}
