//! Pieces of code that the house does not use.
//!
//! Owns the table of them and where they are allowed after all; refuses switches that turn a rule off.

use std::collections::BTreeMap;

use crate::source::{Source, Word};
use crate::tree::Tree;
use crate::violation::Violation;

struct Ban {
    /// What is searched for, as code.
    code: &'static str,
    scope: Scope,
    why: &'static str,
    remedy: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Everywhere,
    /// Outside tests and what only tests use, unless an `#[expect]` of clippy's lint says why.
    Panics,
    /// In the product itself, outside the one file of a crate that starts tasks.
    LooseTask,
    /// In tests, except those on tokio's paused clock.
    Tests,
}

const UNFINISHED: &str = "it is a hole that looks like a floor";
const FINISH: &str = "finish it, or leave it out";
const PANICS: &str = "a panic takes down every tenant's turn at once";
const RETURN_AN_ERROR: &str =
    "return an error with a code, or make the case impossible in the type";
const LOOSE_TASK: &str = "a task that nobody named is stopped by nobody";
const SPAWN_IN_ONE_PLACE: &str = "start it through the crate's task.rs (or spawn.rs), which says what happens on stop and on failure";
const GUESSES_TIME: &str =
    "a test that sleeps is slow when it passes and wrong when the machine is busy";
const WAIT_FOR_IT: &str =
    "wait for the event itself, or run on tokio's paused clock (start_paused = true)";

#[rustfmt::skip]
const BANS: &[Ban] = &[
    Ban { code: "unsafe", scope: Scope::Everywhere, why: "memory safety is the compiler's to prove", remedy: "use a library that wraps it" },
    Ban { code: "todo!", scope: Scope::Everywhere, why: UNFINISHED, remedy: FINISH },
    Ban { code: "unimplemented!", scope: Scope::Everywhere, why: UNFINISHED, remedy: FINISH },
    Ban { code: "dbg!", scope: Scope::Everywhere, why: "it was meant for one afternoon", remedy: "take it out, or log it with tracing" },
    Ban { code: ".unwrap(", scope: Scope::Panics, why: PANICS, remedy: RETURN_AN_ERROR },
    Ban { code: ".expect(", scope: Scope::Panics, why: PANICS, remedy: RETURN_AN_ERROR },
    Ban { code: "tokio::spawn", scope: Scope::LooseTask, why: LOOSE_TASK, remedy: SPAWN_IN_ONE_PLACE },
    Ban { code: "tokio::task::spawn", scope: Scope::LooseTask, why: LOOSE_TASK, remedy: SPAWN_IN_ONE_PLACE },
    Ban { code: "thread::sleep(", scope: Scope::Tests, why: GUESSES_TIME, remedy: WAIT_FOR_IT },
    Ban { code: "time::sleep(", scope: Scope::Tests, why: GUESSES_TIME, remedy: WAIT_FOR_IT },
];

/// Crates that run tasks of their own making, beside the product.
const BESIDE_THE_PRODUCT: &[&str] = &["simulator", "testkit", "trials"];
const TASK_FILES: &[&str] = &["task.rs", "spawn.rs"];

/// Every piece of code from the table, every switched-off lint, every second place that starts tasks.
pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations: Vec<_> = tree.sources.iter().flat_map(bans).collect();
    violations.extend(tree.sources.iter().flat_map(attributes));
    violations.extend(second_task_files(tree));
    violations
}

fn bans(source: &Source) -> Vec<Violation> {
    let of_ban = |ban: &'static Ban| {
        source.lines_of(ban.code).into_iter().filter(|line| ban.scope.covers(source, *line)).map(
            |line| Violation {
                file: source.path.clone(),
                line,
                what: format!("`{}`", ban.code.trim_end_matches('(')),
                why: ban.why,
                remedy: ban.remedy,
            },
        )
    };
    BANS.iter().flat_map(of_ban).collect()
}

fn attributes(source: &Source) -> Vec<Violation> {
    let at = |line, what: &str, why, remedy| Violation {
        file: source.path.clone(),
        line,
        what: what.to_owned(),
        why,
        remedy,
    };
    let silenced = "a warning that is silenced for good is never heard again";
    let mut violations = Vec::new();
    for (line, words) in attribute_words(source) {
        let has = |name: &str| words.windows(2).any(|pair| pair[0] == name && pair[1] == "(");
        if has("allow") {
            violations.push(at(
                line,
                "`#[allow(..)]`",
                silenced,
                "mend the cause, or write #[expect(.., reason = \"..\")]",
            ));
        }
        if has("expect") && !words.contains(&"reason") {
            violations.push(at(
                line,
                "`#[expect(..)]` without a reason",
                "the next reader must know why",
                "add reason = \"..\"",
            ));
        }
        if words.first() == Some(&"ignore") {
            violations.push(at(
                line,
                "`#[ignore]`",
                "a test that does not run guards nothing",
                "make it run everywhere, or delete it",
            ));
        }
    }
    violations
}

/// The words inside each `#[..]` and `#![..]`, with the line of the `#`.
fn attribute_words(source: &Source) -> Vec<(usize, Vec<&str>)> {
    let word = |index: usize| match source.tokens.get(index).map(|token| &token.word) {
        Some(Word::Plain(word)) => word.as_str(),
        _ => "",
    };
    let mut found = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let open = if word(index + 1) == "!" { index + 2 } else { index + 1 };
        if word(index) != "#" || word(open) != "[" {
            continue;
        }
        let mut depth = 1_usize;
        let inside = (open + 1..source.tokens.len()).map(word).take_while(|word| {
            depth = match *word {
                "[" => depth + 1,
                "]" => depth - 1,
                _ => depth,
            };
            depth > 0
        });
        found.push((token.line, inside.collect()));
    }
    found
}

fn second_task_files(tree: &Tree) -> Vec<Violation> {
    let mut by_crate: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in &tree.sources {
        let outside =
            source.is_test_file || BESIDE_THE_PRODUCT.contains(&source.crate_name.as_str());
        if !outside && !source.lines_of("tokio::spawn").is_empty() {
            by_crate.entry(&source.crate_name).or_default().push(source);
        }
    }
    let second = by_crate.values().filter_map(|sources| {
        let mut own = sources.iter().filter(|source| TASK_FILES.contains(&source.file_name()));
        own.nth(1)
    });
    second
        .map(|source| Violation {
            file: source.path.clone(),
            line: 1,
            what: "a second file of this crate starts tasks".to_owned(),
            why: LOOSE_TASK,
            remedy: "keep one task.rs per crate",
        })
        .collect()
}

// === impl Scope ===

impl Scope {
    fn covers(self, source: &Source, line: usize) -> bool {
        let (test, crate_name) = (source.is_test(line), source.crate_name.as_str());
        match self {
            Self::Everywhere => true,
            Self::Panics => !test && crate_name != "testkit" && !source.is_excused(line),
            Self::LooseTask => {
                !test
                    && !BESIDE_THE_PRODUCT.contains(&crate_name)
                    && !TASK_FILES.contains(&source.file_name())
            }
            Self::Tests => test && !on_paused_clock(source, line),
        }
    }
}

fn on_paused_clock(source: &Source, line: usize) -> bool {
    let mut functions = source.functions.iter();
    functions.any(|function| function.on_paused_clock && function.lines.contains(&line))
}

#[cfg(test)]
mod tests;
