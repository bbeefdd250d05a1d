//! `logging`: how much is logged, where, and in which form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is logged, where, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Logging {
    /// How much goes to the file.
    pub level: Level,
    /// The file. Without it, `logs/openclaw-YYYY-MM-DD.log` in the state folder, a new one every day.
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// How many daily files are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub max_files: u32,
    /// How much goes to the terminal; the same as `level` when it is left out.
    pub console_level: Option<Level>,
    /// The form of lines on the terminal.
    pub console_style: ConsoleStyle,
    /// What is made unreadable before it is written. Secrets of this file are never written, whatever
    /// this says.
    pub redact_sensitive: Redact,
}

/// How much is logged: this and everything worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Silent,
    /// What ends the process.
    Fatal,
    /// What failed.
    Error,
    /// What may fail soon.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// Why it happened.
    Debug,
    /// Every step.
    Trace,
}

/// The form of lines on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleStyle {
    /// Several lines where that reads better.
    #[default]
    Pretty,
    /// One line each.
    Compact,
    /// JSON, one object per line, as in the file.
    Json,
}

/// What is made unreadable in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Redact {
    /// Nothing beyond the secrets of this file.
    Off,
    /// What looks like a secret in the arguments and results of tools.
    #[default]
    Tools,
}

// === impl Logging ===

impl Default for Logging {
    fn default() -> Self {
        Self {
            level: Level::default(),
            file: None,
            max_files: 14,
            console_level: None,
            console_style: ConsoleStyle::default(),
            redact_sensitive: Redact::default(),
        }
    }
}

impl Logging {
    /// How much goes to the terminal.
    #[must_use]
    pub fn console(&self) -> Level {
        self.console_level.unwrap_or(self.level)
    }
}
