//! The log as a person reads it on a terminal, or as a collector reads it from the standard error stream.

use std::io::Write as _;
use std::str::FromStr;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking};

use super::record::Record;
use super::words::Words;

/// How the log looks on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Date, time, level, module, words, fields.
    #[default]
    Pretty,
    /// Time, level, words, fields.
    Compact,
    /// The lines of the file.
    Json,
}

/// Writes records to the standard error stream.
#[derive(Debug)]
pub struct Console {
    style: Style,
    colour: bool,
    writer: NonBlocking,
}

// === impl Style ===

impl FromStr for Style {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "compact" => Ok(Self::Compact),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "a console style is pretty, compact or json; {:?} is not",
                domain::text::one_line(text, 32)
            )),
        }
    }
}

// === impl Console ===

impl Console {
    /// A console with this look.
    pub fn new(style: Style, colour: bool, writer: NonBlocking) -> Self {
        Self { style, colour, writer }
    }

    /// How many lines were dropped because the terminal was too slow.
    pub fn error_counter(&self) -> ErrorCounter {
        self.writer.error_counter()
    }

    /// Queues the record.
    pub fn show(&self, record: &Record<'_>) {
        let text = match self.style {
            Style::Json => record.to_json_line(),
            Style::Pretty => self.words(record, true),
            Style::Compact => self.words(record, false),
        };
        // Queueing cannot fail: a full queue drops the line and counts it.
        let _ = self.writer.clone().write_all(text.as_bytes());
    }

    fn words(&self, record: &Record<'_>, long: bool) -> String {
        let words = Words {
            level: record.level,
            time: record.time,
            module: record.module,
            message: &record.fields.message,
            fields: record.fields.values.iter().map(|(name, value)| (*name, value)).collect(),
        };
        words.line(long, self.colour)
    }
}
