//! One Rust file, read into what the rules ask about: words, literals, functions, types, tests.
//!
//! Owns the parsing; refuses to judge. Comments and docs are not read at all, so no rule can trip
//! over prose.

mod scan;
mod token;

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use scan::Scan;

pub use token::{Token, Word};

use crate::violation::Violation;

/// A parsed Rust file.
#[derive(Debug)]
pub struct Source {
    /// Path from the root of the tree, with `/`.
    pub path: String,
    /// The folder under `crates/` that it belongs to; empty elsewhere.
    pub crate_name: String,
    /// How many lines the file has.
    pub length: usize,
    /// Every token in order, doc comments left out.
    pub tokens: Vec<Token>,
    /// Every function with a body.
    pub functions: Vec<Function>,
    /// Every struct, enum, union, trait and type alias that is declared: name and line.
    pub types: Vec<(String, usize)>,
    /// Whether the whole file is tests: named `tests.rs`, below `tests/` or `benches/`, or the file of
    /// a module under `#[cfg(test)]`.
    pub is_test_file: bool,
    /// Every module under `#[cfg(test)]` that has a file of its own.
    test_modules: Vec<String>,
    /// The lines of items under `#[cfg(test)]`.
    test_lines: Vec<RangeInclusive<usize>>,
    /// The lines under an `#[expect]` of clippy's lints against panics.
    excused_lines: Vec<RangeInclusive<usize>>,
}

/// A function, method or default method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// From `fn` to the closing brace.
    pub lines: RangeInclusive<usize>,
    /// Whether it implements a method of a trait called `Coded`.
    pub of_coded: bool,
    /// Whether it is a test on tokio's paused clock, where sleeping takes no time.
    pub on_paused_clock: bool,
}

// === impl Source ===

impl Source {
    /// Reads a Rust file.
    ///
    /// # Errors
    /// The violation that says where it is not Rust.
    pub fn parse(path: &str, text: &str) -> Result<Self, Violation> {
        let not_rust = |line: usize, what: String| Violation {
            file: path.to_owned(),
            line,
            what,
            why: "a file that is not Rust cannot be checked",
            remedy: "make it compile, or give it another extension",
        };
        let stream: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
            not_rust(error.span().start().line, error.to_string())
        })?;
        let test_lines = token::lines_under(stream.clone(), token::is_cfg_test);
        let excused_lines = token::lines_under(stream.clone(), token::excuses_a_panic);
        let tokens = token::flatten(stream.clone());
        let file: syn::File = syn::parse2(stream)
            .map_err(|error| not_rust(error.span().start().line, error.to_string()))?;
        let scan = Scan::of(&file);
        Ok(Self {
            path: path.to_owned(),
            crate_name: crate_of(path).to_owned(),
            length: text.lines().count(),
            tokens,
            functions: scan.functions,
            types: scan.types,
            test_modules: scan.test_modules,
            is_test_file: is_test_path(path),
            test_lines,
            excused_lines,
        })
    }

    /// The last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The paths, without extension, of the modules that this file declares for tests alone.
    pub fn test_module_paths(&self) -> Vec<String> {
        let folder = match self.file_name() {
            "lib.rs" | "main.rs" => self.path.rsplit_once('/').map_or("", |(folder, _)| folder),
            _ => self.path.trim_end_matches(".rs"),
        };
        self.test_modules.iter().map(|module| format!("{folder}/{module}")).collect()
    }

    /// Whether a line belongs to tests.
    pub fn is_test(&self, line: usize) -> bool {
        self.is_test_file || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Whether a line stands under an `#[expect]` that says why a panic is right there.
    pub fn is_excused(&self, line: usize) -> bool {
        self.excused_lines.iter().any(|lines| lines.contains(&line))
    }

    /// How many lines are product, not test.
    pub fn production_length(&self) -> usize {
        if self.is_test_file {
            return 0;
        }
        (1..=self.length).filter(|line| !self.is_test(*line)).count()
    }

    /// The functions of the product.
    pub fn production_functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.iter().filter(|function| !self.is_test(*function.lines.start()))
    }

    /// The lines on which a piece of code begins, such as `tokio::spawn` or `.unwrap(`. Whole words
    /// only; spaces and line breaks in the code do not matter.
    pub fn lines_of(&self, code: &str) -> Vec<usize> {
        let wanted = token::words(code);
        self.tokens
            .windows(wanted.len())
            .filter(|window| window.iter().map(|token| &token.word).eq(&wanted))
            .filter_map(|window| window.first().map(|token| token.line))
            .collect()
    }

    /// Every string literal: text and line.
    pub fn texts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.tokens.iter().filter_map(|token| match &token.word {
            Word::Text(text) => Some((text.as_str(), token.line)),
            Word::Plain(_) => None,
        })
    }
}

// === impl Function ===

impl Function {
    /// How many lines it has, from `fn` to the closing brace.
    pub fn length(&self) -> usize {
        self.lines.end() + 1 - self.lines.start()
    }
}

fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests" || part == "benches")
}

fn crate_of(path: &str) -> &str {
    path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
