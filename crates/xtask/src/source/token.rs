//! The tokens of a file as one flat list with line numbers.
//!
//! Owns the flattening and the reach of attributes; refuses doc comments.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token and the line it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub word: Word,
    /// Counted from one.
    pub line: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// An identifier, keyword, number, or one character of punctuation.
    Plain(String),
    /// The value of a string literal.
    Text(String),
}

/// Every token in order, doc comments left out.
pub fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    push_all(stream, &mut tokens);
    tokens
}

/// The words of a piece of code as [`flatten`] would give them; it need not be balanced.
pub fn words(code: &str) -> Vec<Word> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in code.chars() {
        let of_word = character.is_alphanumeric() || character == '_';
        match words.last_mut() {
            Some(word) if of_word && in_word => word.push(character),
            _ if !character.is_whitespace() => words.push(character.to_string()),
            _ => {}
        }
        in_word = of_word;
    }
    words.into_iter().map(Word::Plain).collect()
}

/// The words of a stream, without their lines.
pub fn words_in(stream: TokenStream) -> Vec<Word> {
    flatten(stream).into_iter().map(|token| token.word).collect()
}

/// The lines of every item or statement under an attribute of this kind, attribute included. The
/// question is asked of the words between the brackets.
pub fn lines_under(stream: TokenStream, wanted: fn(&[Word]) -> bool) -> Vec<RangeInclusive<usize>> {
    let mut found = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match (&tree, trees.peek()) {
            (TokenTree::Punct(mark), Some(TokenTree::Group(attribute)))
                if mark.as_char() == '#' && wanted(&words_in(attribute.stream())) =>
            {
                let first = mark.span().start().line;
                let last = end_of_item(trees.by_ref().skip(1)).unwrap_or(first);
                found.push(first..=last);
            }
            (TokenTree::Group(group), _) => found.extend(lines_under(group.stream(), wanted)),
            _ => {}
        }
    }
    found
}

/// Whether an attribute reads `cfg(test)` or `cfg(all(test, ..))`.
pub fn is_cfg_test(attribute: &[Word]) -> bool {
    let inside = attribute.strip_prefix(&words("cfg(")[..]).and_then(|rest| rest.split_last());
    inside.is_some_and(|(_, condition)| means_test(condition))
}

/// Whether a condition holds in tests alone.
pub fn means_test(condition: &[Word]) -> bool {
    condition == words("test") || condition.starts_with(&words("all(test,"))
}

/// Whether an attribute reads `expect(clippy::unwrap_used, ..)` or `expect(clippy::expect_used, ..)`.
pub fn excuses_a_panic(attribute: &[Word]) -> bool {
    let lints = ["unwrap_used", "expect_used"].map(|lint| Word::Plain(lint.to_owned()));
    attribute.starts_with(&words("expect(")) && lints.iter().any(|lint| attribute.contains(lint))
}

fn push_all(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        let mut push = |text: &str| {
            tokens.push(Token { word: Word::Plain(text.to_owned()), line });
        };
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let inner =
                    trees.next_if(|next| matches!(next, TokenTree::Punct(p) if p.as_char() == '!'));
                if trees.next_if(is_doc).is_some() {
                    continue;
                }
                push("#");
                if inner.is_some() {
                    push("!");
                }
            }
            TokenTree::Punct(mark) => push(&mark.as_char().to_string()),
            TokenTree::Ident(name) => push(&name.to_string()),
            TokenTree::Literal(literal) => {
                let word =
                    text_of(&literal).map_or_else(|| Word::Plain(literal.to_string()), Word::Text);
                tokens.push(Token { word, line });
            }
            TokenTree::Group(group) => push_group(&group, tokens),
        }
    }
}

fn push_group(group: &Group, tokens: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    let token = |text: &str, line| Token { word: Word::Plain(text.to_owned()), line };
    tokens.push(token(open, group.span_open().start().line));
    push_all(group.stream(), tokens);
    tokens.push(token(close, group.span_close().start().line));
}

fn text_of(literal: &proc_macro2::Literal) -> Option<String> {
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(text) => Some(text.value()),
        syn::Lit::ByteStr(bytes) => String::from_utf8(bytes.value()).ok(),
        _ => None,
    }
}

fn is_doc(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    let mut inside = group.stream().into_iter();
    let named_doc = matches!(inside.next(), Some(TokenTree::Ident(name)) if name == "doc");
    named_doc && matches!(inside.next(), Some(TokenTree::Punct(mark)) if mark.as_char() == '=')
}

/// An item ends with its first block or semicolon; attributes before it are groups of another kind.
fn end_of_item(trees: impl Iterator<Item = TokenTree>) -> Option<usize> {
    for tree in trees {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                return Some(group.span_close().end().line);
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => {
                return Some(mark.span().start().line);
            }
            _ => {}
        }
    }
    None
}
