//! `openclaw config`: what is configured, and changing it without losing a comment.

mod setting;

use std::io;

use config::{KeyPath, Loaded};
use serde::Serialize;
use serde_json::Value;

use crate::cli::ConfigCommand;
use crate::clock::SystemIds;
use crate::context::Context;
use crate::error::Error;
use crate::installation::{Installation, locate};
use crate::output::{Screen, Show};

/// Does what was asked.
pub fn run(command: ConfigCommand, context: &Context) -> Result<(), Error> {
    match command {
        ConfigCommand::Validate => context.print(&Valid::new(&Installation::find()?)),
        ConfigCommand::Get { key, source } => setting::get(key.as_deref(), source, context),
        ConfigCommand::Set { key, value } => {
            let path: KeyPath = key.parse()?;
            set(&path, &value)?;
            context.print(&Changed { key, change: "set" })
        }
        ConfigCommand::Unset { key } => {
            let (env, paths) = locate()?;
            config::unset(&paths, &env, &key.parse()?)?;
            context.print(&Changed { key, change: "unset" })
        }
        ConfigCommand::Schema { markdown: true } => {
            let markdown = config::reference();
            context.print(&Reference { markdown })
        }
        ConfigCommand::Schema { markdown: false } => context.print(&Schema(config::schema())),
    }
}

/// Reads the value as JSON5 first. What is no JSON5, or does not fit as such, is taken as text, so that
/// `set gateway.bind lan` and a token of digits need no quotes inside quotes. Where there is no file yet,
/// one is begun as a first start would, with a token for the operator.
fn set(path: &KeyPath, value: &str) -> Result<Loaded, Error> {
    let (env, paths) = locate()?;
    config::first_run(&paths, &SystemIds)?;
    let text = Value::String(value.to_owned());
    let Ok(parsed) = json5::from_str::<Value>(value) else {
        return Ok(config::set(&paths, &env, path, &text)?);
    };
    match config::set(&paths, &env, path, &parsed) {
        Err(refused @ config::Error::Invalid { .. }) => {
            config::set(&paths, &env, path, &text).map_err(|_| refused.into())
        }
        done => Ok(done?),
    }
}

#[derive(Serialize)]
struct Valid {
    valid: bool,
    config: String,
    files: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Changed {
    key: String,
    change: &'static str,
}

#[derive(Serialize)]
struct Reference {
    markdown: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Schema(Value);

// === impl Valid ===

impl Valid {
    fn new(installation: &Installation) -> Self {
        let Loaded { files, warnings, .. } = &installation.loaded;
        Self {
            valid: true,
            config: installation.paths.config.display().to_string(),
            files: files.iter().map(|file| file.display().to_string()).collect(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Show for Valid {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        if self.files.is_empty() {
            screen.line(&format!("{} does not exist: every default is in force.", self.config))?;
        } else {
            let word = screen.good("is valid");
            screen.line(&format!("{} {word}.", self.config))?;
        }
        self.warnings.iter().try_for_each(|warning| screen.line(&format!("warning: {warning}")))
    }
}

// === impl Changed ===

impl Show for Changed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} is {}.", self.key, self.change))
    }
}

// === impl Reference ===

impl Show for Reference {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(self.markdown.trim_end())
    }
}

// === impl Schema ===

impl Show for Schema {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&serde_json::to_string_pretty(&self.0)?)
    }
}
