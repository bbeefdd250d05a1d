//! One event as it is written: every text on one line, short, and free of keys.

use std::error::Error;
use std::fmt::{self, Write};

use domain::text::{FIELD_LIMIT, one_line};
use serde::Serialize;
use serde_json::{Number, Value};
use tracing::field::{Field, Visit};

use super::redact::redact;

/// How much of a text is looked at. More than is shown, so that a key at the cut is still known as one.
const WINDOW: usize = 4 * FIELD_LIMIT;

/// Names that the line itself uses; a field of that name gets a `_` behind it.
const TAKEN: [&str; 5] = ["level", "time", "pid", "module", "msg"];

/// Named values in the order in which they were recorded; of two with one name the later one counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// What happened, in words.
    pub message: String,
    /// Whether the process cannot go on.
    pub fatal: bool,
    /// The rest.
    pub values: Vec<(&'static str, Value)>,
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Pino's number.
    pub level: u8,
    /// Milliseconds since the epoch.
    pub time: i64,
    /// Whose process.
    pub pid: u32,
    /// Where in the code.
    pub module: &'a str,
    /// What.
    pub fields: Fields,
}

/// Makes any text fit for a log: no keys, one line, at most [`FIELD_LIMIT`] bytes.
#[must_use]
pub fn safe(text: &str) -> String {
    let cut = text.floor_char_boundary(WINDOW.min(text.len()));
    let clean = redact(&text[..cut], cut < text.len());
    if cut < text.len() && clean.len() <= FIELD_LIMIT {
        return one_line(&format!("{clean}…"), FIELD_LIMIT);
    }
    one_line(&clean, FIELD_LIMIT)
}

// === impl Fields ===

impl Fields {
    /// Adds what is not there yet; `self` is the more specific one.
    pub fn inherit(&mut self, outer: &Self) {
        let missing =
            outer.values.iter().filter(|(name, _)| self.values.iter().all(|(own, _)| own != name));
        let missing: Vec<_> = missing.cloned().collect();
        self.values.extend(missing);
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            ("fatal", Value::Bool(fatal)) => self.fatal = fatal,
            (name, value) => match self.values.iter_mut().find(|(own, _)| *own == name) {
                Some((_, old)) => *old = value,
                None => self.values.push((name, value)),
            },
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Number::from_f64(value).map_or(Value::Null, Value::Number));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, safe(value).into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = Bounded::default();
        let mut source = Some(value);
        let mut separator = "";
        while let Some(error) = source {
            if write!(text, "{separator}{error}").is_err() {
                break;
            }
            separator = ": ";
            source = error.source();
        }
        self.put(field, safe(&text.0).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Bounded::default();
        // An error here means that there was more than is kept.
        let _ = write!(text, "{value:?}");
        self.put(field, safe(&text.0).into());
    }
}

// === impl Record ===

impl Record<'_> {
    /// The JSON line, with its line feed.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        let mut line = String::with_capacity(256);
        line.push_str("{\"level\":");
        // Writing to a String cannot fail.
        let _ = write!(line, "{},\"time\":{},\"pid\":{}", self.level, self.time, self.pid);
        member(&mut line, "module", self.module);
        member(&mut line, "msg", &self.fields.message);
        for (name, value) in &self.fields.values {
            if TAKEN.contains(name) {
                member(&mut line, &format!("{name}_"), value);
            } else {
                member(&mut line, name, value);
            }
        }
        line.push_str("}\n");
        line
    }
}

fn member(line: &mut String, name: &str, value: &(impl Serialize + ?Sized)) {
    let json = |value: Result<String, serde_json::Error>| value.unwrap_or_else(|_| "null".into());
    line.push(',');
    line.push_str(&json(serde_json::to_string(name)));
    line.push(':');
    line.push_str(&json(serde_json::to_string(value)));
}

/// Text that stops growing: formatting a megabyte ends early. One byte more than the window tells
/// [`safe`] that something is missing.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (WINDOW + 1).saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        // A character may straddle the edge; the mark must stay one byte beyond the window.
        while self.0.len() <= WINDOW {
            self.0.push(' ');
        }
        Err(fmt::Error)
    }
}
