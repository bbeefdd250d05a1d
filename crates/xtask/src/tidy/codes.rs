//! Every error code has a page, every page a code.
//!
//! Owns the reading of `fn code`; refuses codes that are not words joined by `-`.

use std::collections::BTreeMap;

use crate::source::{Function, Source};
use crate::tree::Tree;
use crate::violation::Violation;

const PAGES: &str = "docs/errors";

/// Codes without a page, pages without a code, codes of the wrong form.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut codes: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for source in &tree.sources {
        for function in source.production_functions().filter(|function| function.name == "code") {
            for (text, line) in texts_of(source, function) {
                if is_code(text) {
                    codes.entry(text).or_insert((&source.path, line));
                } else if function.of_coded {
                    violations.push(malformed(&source.path, line, text));
                }
            }
        }
    }
    for (code, (file, line)) in &codes {
        if tree.file(&format!("{PAGES}/{code}.md")).is_none() {
            violations.push(without_page(file, *line, code));
        }
    }
    for (name, _) in tree.below(PAGES).filter(|(name, _)| *name != "README.md") {
        if !name.strip_suffix(".md").is_some_and(|code| codes.contains_key(code)) {
            violations.push(without_code(name));
        }
    }
    violations
}

fn texts_of<'a>(
    source: &'a Source,
    function: &'a Function,
) -> impl Iterator<Item = (&'a str, usize)> {
    source.texts().filter(|(_, line)| function.lines.contains(line))
}

/// `^[a-z]+(-[a-z0-9]+)+$`
fn is_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().is_some_and(|part| is_word(part, |b| b.is_ascii_lowercase()));
    let mut rest = parts.peekable();
    area && rest.peek().is_some()
        && rest.all(|part| is_word(part, |b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn is_word(part: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !part.is_empty() && part.bytes().all(allowed)
}

fn malformed(file: &str, line: usize, text: &str) -> Violation {
    Violation {
        file: file.to_owned(),
        line,
        what: format!("{text:?} is not an error code"),
        why: "codes are lower-case words joined by `-`, the first the area: `budget-exhausted`",
        remedy: "spell it so",
    }
}

fn without_page(file: &str, line: usize, code: &str) -> Violation {
    Violation {
        file: file.to_owned(),
        line,
        what: format!("error code `{code}` has no page {PAGES}/{code}.md"),
        why: "`openclaw explain` prints the page to someone who is stuck",
        remedy: "write what happened, why, and what to do",
    }
}

fn without_code(name: &str) -> Violation {
    Violation {
        file: format!("{PAGES}/{name}"),
        line: 1,
        what: "no `fn code` returns this page's code".to_owned(),
        why: "a page for an error that cannot happen misleads",
        remedy: "delete it, or name it by the code that it explains",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    const ERROR: &str = "//! X.
impl Coded for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => \"store-open\",
            Self::Other(inner) => inner.code(),
            Self::Lone => \"Lonely\",
        }
    }
}
fn shown() -> &'static str { \"not-a-code\" }
";

    #[test]
    fn codes_and_pages_are_the_same_set() {
        let path = "crates/store/src/error.rs";
        let lone = "crates/store/src/error.rs:7 \"Lonely\" is not an error code";
        assert_eq!(
            whats(&check(&tree_of(&[(path, ERROR)]))),
            [
                lone,
                "crates/store/src/error.rs:5 error code `store-open` has no page docs/errors/store-open.md"
            ]
        );
        let pages =
            [(path, ERROR), ("docs/errors/store-open.md", ""), ("docs/errors/README.md", "")];
        assert_eq!(whats(&check(&tree_of(&pages))), [lone]);
        let extra = [pages[0], pages[1], ("docs/errors/store-gone.md", "")];
        assert_eq!(
            whats(&check(&tree_of(&extra))),
            [lone, "docs/errors/store-gone.md:1 no `fn code` returns this page's code"]
        );
    }

    #[test]
    fn a_code_is_an_area_and_more() {
        for good in ["store-open", "llm-upstream-529", "http-413"] {
            assert!(is_code(good), "{good}");
        }
        for bad in
            ["", "store", "store-", "-open", "Store-open", "store--open", "s3-open", "store_open"]
        {
            assert!(!is_code(bad), "{bad}");
        }
    }

    #[test]
    fn a_code_in_tests_needs_no_page() {
        let text = "//! X.\n#[cfg(test)]\nmod tests { impl Coded for E { fn code(&self) -> &'static str { \"a-b\" } } }\n";
        assert_eq!(check(&tree_of(&[("crates/store/src/a.rs", text)])), []);
    }
}
