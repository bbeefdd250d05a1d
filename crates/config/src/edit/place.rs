//! Where in a text an entry goes in, and what goes out with one.

use super::splice;
use super::style::Style;
use crate::syntax::{Kind, Node, Span};

/// A member of an object or an element of a list, with its key if it has one.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub start: usize,
    pub end: usize,
    pub comma: Option<usize>,
}

pub(super) fn entries(node: &Node) -> Vec<Entry> {
    match &node.kind {
        Kind::Object(members) => members
            .iter()
            .map(|member| Entry {
                start: member.key_span.start,
                end: member.node.span.end,
                comma: member.comma,
            })
            .collect(),
        Kind::Array(items) => items
            .iter()
            .map(|item| Entry {
                start: item.node.span.start,
                end: item.node.span.end,
                comma: item.comma,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The white space with which the line of `at` begins.
pub(super) fn indent_at(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

/// The text with one more entry, made for the indentation it gets, behind all others.
pub(super) fn insert(
    text: &str,
    container: &Node,
    style: &Style,
    entry: impl Fn(&str) -> String,
) -> String {
    match entries(container).last() {
        Some(last) => insert_behind(text, container.span, *last, style, entry),
        None => insert_first(text, container.span, style, entry),
    }
}

/// The text without one of the entries.
pub(super) fn remove(text: &str, entries: &[Entry], index: usize) -> String {
    let Some(entry) = entries.get(index) else { return text.to_owned() };
    let mut start = entry.start;
    let mut end = entry.comma.map_or(entry.end, |comma| comma + 1);
    let line = line_start(text, start);
    let first_on_line = is_blank(text.get(line..start));
    let line_end = text.get(end..).and_then(|rest| rest.find('\n')).map(|length| end + length + 1);
    match line_end {
        Some(line_end) if first_on_line && is_blank(text.get(end..line_end)) => {
            (start, end) = (line, line_end);
        }
        _ if entry.comma.is_some() => end += blanks(text.get(end..)),
        _ if !first_on_line => {
            let before = text.get(..start).unwrap_or_default();
            start = before.trim_end_matches([' ', '\t']).len();
        }
        _ => {}
    }
    let without = splice(text, Span { start, end }, "");
    // What is now the last entry keeps its comma only if the last one had one.
    let is_last = index + 1 == entries.len();
    let previous = index.checked_sub(1).and_then(|index| entries.get(index)?.comma);
    match previous {
        Some(comma) if is_last && entry.comma.is_none() => {
            splice(&without, Span { start: comma, end: comma + 1 }, "")
        }
        _ => without,
    }
}

fn insert_behind(
    text: &str,
    span: Span,
    last: Entry,
    style: &Style,
    entry: impl Fn(&str) -> String,
) -> String {
    let has_comma = last.comma.is_some();
    let behind = last.comma.map_or(last.end, |comma| comma + 1);
    let on_one_line = !text.get(span.start..span.end).unwrap_or_default().contains('\n');
    if on_one_line {
        let indent = indent_at(text, span.start);
        let added =
            if has_comma { format!(" {},", entry(indent)) } else { format!(", {}", entry(indent)) };
        return splice(text, Span { start: behind, end: behind }, &added);
    }
    let first_on_line = is_blank(text.get(line_start(text, last.start)..last.start));
    let indent = if first_on_line {
        indent_at(text, last.start).to_owned()
    } else {
        format!("{}{}", indent_at(text, span.start), style.indent)
    };
    let tail = end_of_comments(text, behind);
    let comma = if has_comma { "," } else { "" };
    let added = format!("{}{indent}{}{comma}", style.newline, entry(&indent));
    let with_entry = splice(text, Span { start: tail, end: tail }, &added);
    if has_comma {
        return with_entry;
    }
    splice(&with_entry, Span { start: last.end, end: last.end }, ",")
}

fn insert_first(text: &str, span: Span, style: &Style, entry: impl Fn(&str) -> String) -> String {
    let inside = Span { start: span.start + 1, end: span.end - 1 };
    let outer = indent_at(text, span.start);
    let indent = format!("{outer}{}", style.indent);
    let comma = if style.trailing_comma { "," } else { "" };
    let newline = style.newline;
    if is_blank(text.get(inside.start..inside.end)) {
        let added = format!("{newline}{indent}{}{comma}{newline}{outer}", entry(&indent));
        return splice(text, inside, &added);
    }
    // Only comments are inside: the entry goes behind them.
    let close = line_start(text, inside.end);
    if close > span.start && is_blank(text.get(close..inside.end)) {
        let added = format!("{indent}{}{comma}{newline}", entry(&indent));
        return splice(text, Span { start: close, end: close }, &added);
    }
    let added = format!("{} ", entry(outer));
    splice(text, Span { start: inside.end, end: inside.end }, &added)
}

/// Where the comments that stand behind `at` on the same line end.
fn end_of_comments(text: &str, at: usize) -> usize {
    let mut end = at;
    loop {
        let from = end + blanks(text.get(end..));
        let rest = text.get(from..).unwrap_or_default();
        let line = rest.split(['\n', '\r', '\u{2028}', '\u{2029}']).next().unwrap_or_default();
        if line.starts_with("//") {
            return from + line.len();
        }
        match line.starts_with("/*").then(|| line.get(2..)?.find("*/")).flatten() {
            Some(length) => end = from + length + 4,
            None => return end,
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

fn is_blank(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim().is_empty())
}

/// How many bytes of blanks the text begins with.
fn blanks(text: Option<&str>) -> usize {
    text.map_or(0, |text| text.len() - text.trim_start_matches([' ', '\t']).len())
}
