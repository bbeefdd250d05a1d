//! The tree against the schema: every unknown key, wrong type and impossible value, all at once.
//!
//! Owns the wording. It never repeats a value that is secret or came from the environment.

use std::cmp::Ordering;

use domain::text::one_line;
use serde_json::{Number, Value};

use crate::error::Problem;
use crate::key_path::KeyPath;
use crate::nearest::nearest;
use crate::tree::{Kind, Member, Node, Origin};
use crate::{format, schema};

/// Finds everything in the tree that the schema does not allow.
pub(crate) fn check(tree: &Node) -> Vec<Problem> {
    let mut check = Check { problems: Vec::new() };
    check.node(schema::shared(), tree, &KeyPath::root());
    check.problems
}

struct Check {
    problems: Vec<Problem>,
}

/// With more names than this, a list of them helps nobody.
const MOST_NAMES: usize = 16;

// === impl Check ===

impl Check {
    fn node(&mut self, schema: &Value, node: &Node, path: &KeyPath) {
        if matches!(node.kind, Kind::Absent) {
            return;
        }
        let forms = schema::forms(schema);
        let Some(form) = forms.iter().find(|form| fits(form, &node.kind)) else {
            let wanted: Vec<_> = forms.iter().map(|form| type_name(form)).collect();
            let message = format!("wants {}, not {}", wanted.join(" or "), kind_name(&node.kind));
            return self.note(&node.origin, path, message);
        };
        match &node.kind {
            Kind::Object(members) => self.object(form, members, node, path),
            Kind::Array(items) => {
                if let Some(schema) = form.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.node(schema, item, &path.index(index));
                    }
                }
            }
            Kind::String(text) => {
                let secret = node.written.is_some() || schema::is_secret(path);
                if let Err(message) = check_text(form, text, secret) {
                    self.note(&node.origin, path, message);
                }
            }
            Kind::Number(number) => {
                if let Err(message) = check_number(form, number) {
                    self.note(&node.origin, path, message);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Absent => {}
        }
    }

    fn object(&mut self, form: &Value, members: &[Member], node: &Node, path: &KeyPath) {
        let properties = form.get("properties").and_then(Value::as_object);
        let other = form.get("additionalProperties").filter(|other| other.is_object());
        for member in members {
            let path = path.key(&member.key);
            let property = properties.and_then(|properties| properties.get(&member.key));
            match property.or(other) {
                Some(schema) => self.node(schema, &member.node, &path),
                None => {
                    let known = properties.into_iter().flat_map(|known| known.keys());
                    let known: Vec<&str> = known.map(String::as_str).collect();
                    self.note(&member.origin, &path, unknown_key(&member.key, &known));
                }
            }
        }
        let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| node.get(key).is_none()) {
            self.note(&node.origin, path, format!("{key:?} is missing"));
        }
    }

    fn note(&mut self, origin: &Origin, path: &KeyPath, message: String) {
        self.problems.push(Problem { place: origin.place(), path: path.clone(), message });
    }
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    match nearest(key, known.iter().copied()) {
        Some(meant) => format!("unknown key; did you mean {meant:?}?"),
        None if known.len() > MOST_NAMES => "unknown key; see docs/config.md".to_owned(),
        None => format!("unknown key; known here: {}", known.join(", ")),
    }
}

fn fits(form: &Value, kind: &Kind) -> bool {
    match form.get("type").and_then(Value::as_str) {
        Some("object") => matches!(kind, Kind::Object(_)),
        Some("array") => matches!(kind, Kind::Array(_)),
        Some("string") => matches!(kind, Kind::String(_)),
        Some("boolean") => matches!(kind, Kind::Bool(_)),
        Some("number") => matches!(kind, Kind::Number(_)),
        Some("integer") => matches!(kind, Kind::Number(number) if !number.is_f64()),
        _ => words(form).is_some() && matches!(kind, Kind::String(_)),
    }
}

fn type_name(form: &Value) -> &'static str {
    match form.get("type").and_then(Value::as_str) {
        Some("object") => "an object",
        Some("array") => "a list",
        Some("boolean") => "true or false",
        Some("number") => "a number",
        Some("integer") => "a whole number",
        _ => "text",
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null | Kind::Absent => "null",
        Kind::Bool(true) => "true",
        Kind::Bool(false) => "false",
        Kind::Number(number) if number.is_f64() => "a fraction",
        Kind::Number(_) => "a number",
        Kind::String(_) => "text",
        Kind::Array(_) => "a list",
        Kind::Object(_) => "an object",
    }
}

/// The words that a text must be one of, if the schema names any.
pub(crate) fn words(form: &Value) -> Option<Vec<&str>> {
    if let Some(Value::Array(words)) = form.get("enum") {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let constants = form.get("oneOf")?.as_array()?;
    let mut all = Vec::new();
    for constant in constants {
        match (constant.get("const"), constant.get("enum")) {
            (Some(word), _) => all.extend(word.as_str()),
            (None, Some(Value::Array(words))) => all.extend(words.iter().filter_map(Value::as_str)),
            _ => return None,
        }
    }
    Some(all)
}

fn check_text(form: &Value, text: &str, secret: bool) -> Result<(), String> {
    if let Some(words) = words(form) {
        if words.contains(&text) {
            return Ok(());
        }
        let shown = if secret { "this".to_owned() } else { format!("{:?}", one_line(text, 64)) };
        let hint = match nearest(text, words.iter().copied()) {
            Some(meant) if !secret => format!("; did you mean {meant:?}?"),
            _ => String::new(),
        };
        return Err(format!("{shown} is none of: {}{hint}", words.join(", ")));
    }
    if form.get("minLength").is_some() && text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    match form.get("format").and_then(Value::as_str) {
        Some(name) => format::check(name, text),
        None => Ok(()),
    }
}

fn check_number(form: &Value, number: &Number) -> Result<(), String> {
    let beyond = |key: &str, refused: &[Ordering]| {
        let limit = form.get(key).and_then(Value::as_number)?;
        compare(number, limit).is_none_or(|order| refused.contains(&order)).then_some(limit)
    };
    if let Some(limit) = beyond("minimum", &[Ordering::Less]) {
        return Err(format!("{number} is too small; at least {limit}"));
    }
    if let Some(limit) = beyond("exclusiveMinimum", &[Ordering::Less, Ordering::Equal]) {
        return Err(format!("{number} is too small; more than {limit}"));
    }
    if let Some(limit) = beyond("maximum", &[Ordering::Greater]) {
        return Err(format!("{number} is too large; at most {limit}"));
    }
    Ok(())
}

/// Whole numbers are compared exactly; an `f64` could not tell the largest apart.
fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
