//! Changing the text of a file and nothing else about it: comments, order, indentation, quotes and
//! commas stay as they are.
//!
//! Works on text alone; [`crate::save`] checks and writes the result.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::key_path::{KeyPath, Step};
use crate::syntax::{self, Kind, Node, Span};

mod place;
mod style;

use style::Style;

/// The value that somebody means who writes this on a command line: JSON5 if it is that, else the text
/// itself, so that `debug` needs no quotes.
#[must_use]
pub fn value(written: &str) -> Value {
    match syntax::parse(written) {
        Ok(node) => plain(&node),
        Err(_) => Value::String(written.to_owned()),
    }
}

/// The text with a setting put in: replaced where it stands, or added behind its neighbours, with the
/// objects around it made if they are missing. An object is put in key by key, so that comments inside
/// stay; a list is replaced as a whole.
///
/// # Errors
/// [`Error::Edit`] when the text cannot be read, when something that is not an object stands where one
/// is needed, or when an element beyond the end of a list is named.
pub fn set(text: &str, path: &KeyPath, value: &Value) -> Result<String, Error> {
    let edit = Edit { path };
    let root = edit.parse(text)?;
    let (node, missing) = descend(&root, path.steps());
    let changed = match missing {
        None => edit.replace(text, &root, node, value)?,
        Some((step, rest)) => edit.add(text, &root, node, step, &wrap(rest, value, &edit)?)?,
    };
    let found = edit.parse(&changed)?;
    match descend(&found, path.steps()) {
        (node, None) if same(&plain(node), value) => Ok(changed),
        _ => Err(edit.refuse("the result would not be what was asked for; edit the file by hand")),
    }
}

/// The text without a setting; unchanged when it does not stand there. Comments around it stay.
///
/// # Errors
/// [`Error::Edit`] when the text cannot be read, or the path is that of the whole file.
pub fn unset(text: &str, path: &KeyPath) -> Result<String, Error> {
    let edit = Edit { path };
    let root = edit.parse(text)?;
    let Some((last, above)) = path.steps().split_last() else {
        return Err(edit.refuse("this is the whole file"));
    };
    let (node, missing) = descend(&root, above);
    let Some(index) = missing.is_none().then(|| index_of(node, last)).flatten() else {
        return Ok(text.to_owned());
    };
    let changed = place::remove(text, &place::entries(node), index);
    let before = place::entries(node).len();
    match descend(&edit.parse(&changed)?, above) {
        (node, None) if place::entries(node).len() + 1 == before => Ok(changed),
        _ => Err(edit.refuse("the result would not be what was asked for; edit the file by hand")),
    }
}

/// One change, and which setting it is about.
struct Edit<'a> {
    path: &'a KeyPath,
}

// === impl Edit ===

impl Edit<'_> {
    fn parse(&self, text: &str) -> Result<Node, Error> {
        syntax::parse(text).map_err(|faults| {
            let fault = faults.first();
            let line = fault.map_or(1, |fault| {
                1 + text.get(..fault.at).unwrap_or_default().matches('\n').count()
            });
            let message = fault.map_or("", |fault| &fault.message);
            self.refuse(format!("the file has a fault on line {line}: {message}"))
        })
    }

    fn replace(
        &self,
        text: &str,
        root: &Node,
        node: &Node,
        value: &Value,
    ) -> Result<String, Error> {
        if same(&plain(node), value) {
            return Ok(text.to_owned());
        }
        if let (Kind::Object(members), Value::Object(wanted)) = (&node.kind, value) {
            let mut changed = text.to_owned();
            for member in members.iter().filter(|member| !wanted.contains_key(&member.key)) {
                changed = unset(&changed, &self.path.key(&member.key))?;
            }
            for (key, value) in wanted {
                changed = set(&changed, &self.path.key(key), value)?;
            }
            return Ok(changed);
        }
        let style = Style::of(text, root);
        let rendered = style.render(value, place::indent_at(text, node.span.start));
        Ok(splice(text, node.span, &rendered))
    }

    fn add(
        &self,
        text: &str,
        root: &Node,
        container: &Node,
        step: &Step,
        value: &Value,
    ) -> Result<String, Error> {
        let style = Style::of(text, root);
        let key = match (step, &container.kind) {
            (Step::Key(key), Kind::Object(_)) => Some(key),
            (Step::Index(index), Kind::Array(items)) if *index == items.len() => None,
            (Step::Index(_), Kind::Array(items)) => {
                return Err(self.refuse(format!("the list has only {} elements", items.len())));
            }
            (Step::Key(key), Kind::Array(items)) if key.parse() == Ok(items.len()) => None,
            (Step::Key(key), _) => {
                return Err(self.refuse(format!("what should hold {key:?} is not an object")));
            }
            (Step::Index(_), _) => return Err(self.refuse("what should hold it is not a list")),
        };
        let entry = |indent: &str| match key {
            Some(key) => format!("{}: {}", style.key(key), style.render(value, indent)),
            None => style.render(value, indent),
        };
        Ok(place::insert(text, container, &style, entry))
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Edit { path: self.path.clone(), reason: reason.into() }
    }
}

/// As far down as the text goes, and, when that is not all the way, the first step that is missing and
/// those behind it.
fn descend<'n, 's>(
    root: &'n Node,
    steps: &'s [Step],
) -> (&'n Node, Option<(&'s Step, &'s [Step])>) {
    let mut node = root;
    let mut rest = steps;
    while let Some((step, below)) = rest.split_first() {
        let child = index_of(node, step).and_then(|index| match &node.kind {
            Kind::Object(members) => members.get(index).map(|member| &member.node),
            Kind::Array(items) => items.get(index).map(|item| &item.node),
            _ => None,
        });
        match child {
            Some(child) => (node, rest) = (child, below),
            None => return (node, Some((step, below))),
        }
    }
    (node, None)
}

fn index_of(node: &Node, step: &Step) -> Option<usize> {
    match (&node.kind, step) {
        (Kind::Object(members), Step::Key(key)) => {
            members.iter().position(|member| member.key == *key)
        }
        (Kind::Array(items), Step::Index(index)) => (*index < items.len()).then_some(*index),
        (Kind::Array(items), Step::Key(key)) => {
            key.parse().ok().filter(|index| *index < items.len())
        }
        _ => None,
    }
}

/// The value with the objects and lists around it that are still missing.
fn wrap(steps: &[Step], value: &Value, edit: &Edit<'_>) -> Result<Value, Error> {
    steps.iter().rev().try_fold(value.clone(), |value, step| match step {
        Step::Key(key) => Ok(Value::Object(Map::from_iter([(key.clone(), value)]))),
        Step::Index(0) => Ok(Value::Array(vec![value])),
        Step::Index(_) => Err(edit.refuse("the list is empty; begin with [0]")),
    })
}

/// The plain value of a piece of text.
fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(number) => Value::Number(number.clone()),
        Kind::String(text) => Value::String(text.clone()),
        Kind::Array(items) => items.iter().map(|item| plain(&item.node)).collect(),
        Kind::Object(members) => {
            members.iter().map(|member| (member.key.clone(), plain(&member.node))).collect()
        }
    }
}

/// Equal in meaning: `1.0` and `1` are the same number, and the order of keys says nothing.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}

fn splice(text: &str, span: Span, replacement: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    [before, replacement, after].concat()
}

#[cfg(test)]
mod tests;
