//! JSON5 text to a tree in which everything knows where it stands.
//!
//! Owns the grammar (<https://spec.json5.org>) and the limits of a file; refuses what has no meaning in
//! settings: a key twice, `NaN`, infinity, half a character. It never changes the text.

use serde_json::Number;

mod number;
mod parser;
mod string;

/// How deeply objects and arrays may be nested.
pub(crate) const DEEPEST: usize = 64;
/// The largest file that is read, in bytes.
pub(crate) const LARGEST: u64 = 1 << 20;

/// A piece of the text, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Item>),
    Object(Vec<Member>),
}

/// An element of an array.
#[derive(Clone)]
pub(crate) struct Item {
    pub node: Node,
    /// Where the comma behind it stands.
    pub comma: Option<usize>,
}

/// A key of an object and its value.
#[derive(Clone)]
pub(crate) struct Member {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
    /// Where the comma behind it stands.
    pub comma: Option<usize>,
}

/// What is wrong with the text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The byte offset.
    pub at: usize,
    pub message: String,
}

/// Reads the one value that the text holds.
///
/// # Errors
/// Everything that is wrong with the text, in order; after a fault of grammar, nothing further.
pub(crate) fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    let mut parser = parser::Parser::new(text);
    match parser.document() {
        Ok(node) if parser.faults.is_empty() => Ok(node),
        Ok(_) => Err(parser.faults),
        Err(fault) => {
            parser.faults.push(fault);
            Err(parser.faults)
        }
    }
}

/// A place in the text from which reading goes on.
pub(crate) struct Cursor<'a> {
    pub text: &'a str,
    pub pos: usize,
}

// === impl Fault ===

impl Fault {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

// === impl Cursor ===

impl Cursor<'_> {
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    /// Steps over `expected` if it comes next.
    pub(crate) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.pos += expected.len();
        }
        found
    }

    /// Steps over all characters that satisfy `wanted` and gives them back.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let start = self.pos;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        self.text.get(start..self.pos).unwrap_or_default()
    }

    pub(crate) fn skip_trivia(&mut self) -> Result<(), Fault> {
        loop {
            self.take_while(is_space);
            let start = self.pos;
            if self.eat("//") {
                self.take_while(|c| !is_line_end(c));
            } else if self.eat("/*") {
                let Some(length) = self.rest().find("*/") else {
                    return Err(Fault::new(start, "this comment has no end; close it with */"));
                };
                self.pos += length + 2;
            } else {
                return Ok(());
            }
        }
    }
}

pub(crate) fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

pub(crate) fn starts_name(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

pub(crate) fn continues_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests;
