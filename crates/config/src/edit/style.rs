//! How a file is written: its quotes, its indentation, its commas. What is added is written alike.

use serde_json::Value;

use super::place::{entries, indent_at};
use crate::syntax::{Kind, Node, continues_name, starts_name};

pub(super) struct Style {
    pub indent: String,
    pub newline: &'static str,
    pub trailing_comma: bool,
    quote: char,
    quoted_keys: bool,
}

/// A list of plain values stays on one line up to this many characters.
const WIDEST: usize = 80;

// === impl Style ===

impl Style {
    /// The style of a text whose value is `root`.
    pub(super) fn of(text: &str, root: &Node) -> Self {
        let first = entries(root).first().map(|entry| indent_at(text, entry.start).to_owned());
        let mut style = Self {
            indent: first.filter(|indent| !indent.is_empty()).unwrap_or_else(|| "  ".to_owned()),
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
            trailing_comma: false,
            quote: '"',
            quoted_keys: false,
        };
        let mut quotes = None;
        style.learn(text, root, &mut quotes);
        style.quote = quotes.unwrap_or('"');
        if let Kind::Object(members) = &root.kind {
            style.quoted_keys = match members.first() {
                Some(member) => quote_at(text, member.key_span.start).is_some(),
                None => true,
            };
        }
        style
    }

    /// Looks for the first string, and for a comma behind a last entry on a line of its own.
    fn learn(&mut self, text: &str, node: &Node, quotes: &mut Option<char>) {
        match &node.kind {
            Kind::String(_) if quotes.is_none() => *quotes = quote_at(text, node.span.start),
            Kind::Object(members) => {
                members.iter().for_each(|member| self.learn(text, &member.node, quotes));
            }
            Kind::Array(items) => {
                items.iter().for_each(|item| self.learn(text, &item.node, quotes));
            }
            _ => {}
        }
        self.trailing_comma |= entries(node).last().is_some_and(|entry| entry.comma.is_some());
    }

    /// A key, with quotes if the file has them or the key needs them.
    pub(super) fn key(&self, key: &str) -> String {
        let mut letters = key.chars();
        let bare = letters.next().is_some_and(starts_name) && letters.all(continues_name);
        if bare && !self.quoted_keys { key.to_owned() } else { self.string(key) }
    }

    /// A value that begins on a line with this indentation.
    pub(super) fn render(&self, value: &Value, indent: &str) -> String {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                let plain = !items.iter().any(|item| item.is_array() || item.is_object());
                let line = items.iter().map(|item| self.render(item, indent)).collect::<Vec<_>>();
                let line = format!("[{}]", line.join(", "));
                if plain && line.chars().count() <= WIDEST {
                    return line;
                }
                let inner = format!("{indent}{}", self.indent);
                let items = items.iter().map(|item| self.render(item, &inner)).collect();
                self.block('[', items, ']', indent)
            }
            Value::Object(members) => {
                let inner = format!("{indent}{}", self.indent);
                let member = |(key, value): (&String, &Value)| {
                    format!("{}: {}", self.key(key), self.render(value, &inner))
                };
                self.block('{', members.iter().map(member).collect(), '}', indent)
            }
        }
    }

    fn block(&self, open: char, entries: Vec<String>, close: char, indent: &str) -> String {
        if entries.is_empty() {
            return format!("{open}{close}");
        }
        let newline = self.newline;
        let between = format!(",{newline}{indent}{}", self.indent);
        let comma = if self.trailing_comma { "," } else { "" };
        let entries = entries.join(&between);
        format!("{open}{newline}{indent}{}{entries}{comma}{newline}{indent}{close}", self.indent)
    }

    fn string(&self, text: &str) -> String {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push(self.quote);
        for letter in text.chars() {
            match letter {
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\\' => quoted.push_str("\\\\"),
                quote if quote == self.quote => quoted.extend(['\\', quote]),
                odd if odd.is_control() || matches!(odd, '\u{2028}' | '\u{2029}') => {
                    quoted.push_str(&format!("\\u{:04x}", u32::from(odd)));
                }
                plain => quoted.push(plain),
            }
        }
        quoted.push(self.quote);
        quoted
    }
}

fn quote_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next().filter(|letter| matches!(letter, '"' | '\''))
}
