//! Notes that programs leave in the file about themselves. They are accepted and mean nothing.

use schemars::JsonSchema;
use serde::Deserialize;

/// Who touched the file last.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The version of the program.
    pub last_touched_version: Option<String>,
    /// When, in the form of RFC 3339.
    pub last_touched_at: Option<String>,
}

/// When the set-up assistant ran last.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Wizard {
    /// When, in the form of RFC 3339.
    pub last_run_at: Option<String>,
    /// The version of the program.
    pub last_run_version: Option<String>,
    /// The revision of the program.
    pub last_run_commit: Option<String>,
    /// The command that was given.
    pub last_run_command: Option<String>,
    /// Whether the gateway was local or remote.
    pub last_run_mode: Option<String>,
}
