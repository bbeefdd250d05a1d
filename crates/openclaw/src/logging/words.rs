//! One line of the log as a person reads it, on the terminal of a running process and in `openclaw logs`.

use std::fmt::Write;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const LONG_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");
const SHORT_TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// What a line says.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    /// Pino's number.
    pub level: u8,
    /// Milliseconds since the epoch; shown in UTC.
    pub time: i64,
    /// Where in the code.
    pub module: &'a str,
    /// What happened.
    pub message: &'a str,
    /// The rest.
    pub fields: Vec<(&'a str, &'a Value)>,
}

// === impl Words ===

impl Words<'_> {
    /// The line with its line feed. A long one has the date and the module.
    #[must_use]
    pub fn line(&self, long: bool, colour: bool) -> String {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.time) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let time = time.format(if long { LONG_TIME } else { SHORT_TIME }).unwrap_or_default();
        let (name, ansi) = look(self.level);
        let [dim, loud, plain] = if colour { ["\x1b[2m", ansi, "\x1b[0m"] } else { [""; 3] };
        let mut line = format!("{dim}{time}{plain} {loud}{name:<5}{plain} ");
        // Writing to a String cannot fail.
        if long {
            let _ = write!(line, "{dim}{}{plain} ", self.module);
        }
        line.push_str(self.message);
        for (name, value) in &self.fields {
            let _ = write!(line, " {dim}{name}={plain}{}", shown(value));
        }
        line.push('\n');
        line
    }
}

fn look(level: u8) -> (&'static str, &'static str) {
    match level {
        0..=10 => ("TRACE", "\x1b[35m"),
        11..=20 => ("DEBUG", "\x1b[34m"),
        21..=30 => ("INFO", "\x1b[32m"),
        31..=40 => ("WARN", "\x1b[33m"),
        41..=50 => ("ERROR", "\x1b[31m"),
        _ => ("FATAL", "\x1b[1;31m"),
    }
}

/// A value as it stands; in quotes when it would run into its neighbours.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains(runs_on) => text.clone(),
        other => other.to_string(),
    }
}

fn runs_on(character: char) -> bool {
    character.is_whitespace() || character.is_control() || matches!(character, '"' | '=')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_short_and_coloured() {
        let (text, number) = (json!("two words"), json!(7));
        let words = Words {
            level: 40,
            time: 1_700_000_000_123,
            module: "engine::turn",
            message: "slow",
            fields: vec![("why", &text), ("ms", &number)],
        };
        assert_eq!(
            words.line(true, false),
            "2023-11-14 22:13:20.123 WARN  engine::turn slow why=\"two words\" ms=7\n"
        );
        assert_eq!(words.line(false, false), "22:13:20 WARN  slow why=\"two words\" ms=7\n");
        assert_eq!(
            words.line(false, true),
            "\x1b[2m22:13:20\x1b[0m \x1b[33mWARN \x1b[0m slow \x1b[2mwhy=\x1b[0m\"two words\" \
             \x1b[2mms=\x1b[0m7\n"
        );
    }
}
