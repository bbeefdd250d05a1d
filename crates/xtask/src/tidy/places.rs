//! Paths that exist on one machine only.
//!
//! Owns the list of places that a stranger does not have; refuses nothing that the product itself
//! creates there.

use crate::tree::Tree;
use crate::violation::Violation;

struct Place {
    prefix: &'static str,
    /// What may follow, because the product or its documents mean it.
    known: &'static [&'static str],
}

const PLACES: &[Place] = &[
    Place { prefix: concat!("/wo", "rk/"), known: &[] },
    Place { prefix: concat!("../", "shared"), known: &[] },
    Place { prefix: concat!("/Us", "ers/"), known: &[] },
    Place { prefix: concat!("/ho", "me/"), known: &["openclaw/", "operator/", "node/"] },
    Place { prefix: concat!("/ro", "ot/"), known: &[".openclaw", ".clawdbot", ".moltbot"] },
];

/// Files that programs write.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json"];

/// Every line that names such a place.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let written = |path: &str| !GENERATED.iter().any(|generated| path.ends_with(generated));
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| written(&file.path)) {
        for (line, text) in file.lines() {
            violations.extend(PLACES.iter().filter(|place| place.is_in(text)).map(|place| Violation {
                file: file.path.clone(),
                line,
                what: format!("`{}` is a place on one machine", place.prefix),
                why: "whoever clones the repository does not have it",
                remedy: "name it relative to the repository, or take it from an argument or a variable",
            }));
        }
    }
    violations
}

// === impl Place ===

impl Place {
    fn is_in(&self, text: &str) -> bool {
        text.match_indices(self.prefix).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let inside_a_path = before
                .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '~'));
            let after = &text[at + self.prefix.len()..];
            !inside_a_path && !self.known.iter().any(|known| after.starts_with(known))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::tree_of;

    #[test]
    fn places_of_one_machine_are_seen_in_any_file() {
        for prefix in PLACES.iter().map(|place| place.prefix) {
            for (path, text) in [
                ("README.md", format!("see {prefix}x/notes.md")),
                ("web/src/a.ts", format!("// {prefix}anna/x")),
                ("scripts/a.sh", format!("cd \"{prefix}x\"")),
            ] {
                assert_eq!(check(&tree_of(&[(path, &text)])).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn what_the_product_creates_and_what_is_relative_may_be_named() {
        let place = |index: usize| PLACES[index].prefix;
        for text in [
            format!("src{}queue.rs and ${{HOME}}{}", place(0), place(0)),
            format!("https://example.com{}x", place(3)),
            format!("{}openclaw/.openclaw", place(3)),
            format!("{}.clawdbot", place(4)),
        ] {
            assert_eq!(check(&tree_of(&[("README.md", &text)])), [], "{text}");
        }
    }
}
