//! Commands on the configuration.

use clap::Subcommand;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the file: every problem with its line and column.
    Validate,
    /// Show what is in force, secrets masked.
    Get {
        /// A key such as gateway.port; without it, everything.
        key: Option<String>,
        /// Also say where each value comes from.
        #[arg(long)]
        source: bool,
    },
    /// Change one value in the file; comments and the order of keys stay.
    Set {
        /// A key such as gateway.port.
        key: String,
        /// The value as JSON5; what is no JSON5 is taken as text.
        value: String,
    },
    /// Remove one key from the file, so that its default counts.
    Unset {
        /// A key such as gateway.port.
        key: String,
    },
    /// Print the JSON schema of the file.
    Schema {
        /// As a table for people instead.
        #[arg(long)]
        markdown: bool,
    },
}
