//! `openclaw config get`: values that are in force, and where they come from. Secrets are masked.

use std::io;

use config::{KeyPath, Loaded};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table};

/// Shows one setting or all; with `source`, each value by itself with where it comes from.
pub fn get(key: Option<&str>, source: bool, context: &Context) -> Result<(), Error> {
    let loaded = Installation::find()?.loaded;
    let path: KeyPath = key.unwrap_or_default().parse()?;
    let unknown =
        || Error::UnknownSetting { key: domain::text::one_line(key.unwrap_or_default(), 64) };
    let setting = loaded.get(&path).ok_or_else(unknown)?;
    if !source {
        return context.print(&InForce(setting.effective));
    }
    let mut settings = Vec::new();
    collect(&loaded, &path, setting.effective, &mut settings);
    context.print(&Sources { settings })
}

/// The values in an object each by itself, with their paths.
fn collect(loaded: &Loaded, path: &KeyPath, value: Option<Value>, into: &mut Vec<Sourced>) {
    match value {
        Some(Value::Object(members)) if !members.is_empty() => {
            for (key, value) in members {
                collect(loaded, &path.key(&key), Some(value), into);
            }
        }
        value => {
            let source = loaded.get(path).map(|setting| setting.source.to_string());
            let source = source.unwrap_or_else(|| config::Place::Default.to_string());
            into.push(Sourced { key: path.to_string(), value, source });
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct InForce(Option<Value>);

#[derive(Serialize)]
struct Sources {
    settings: Vec<Sourced>,
}

#[derive(Serialize)]
struct Sourced {
    key: String,
    value: Option<Value>,
    source: String,
}

// === impl InForce ===

impl Show for InForce {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        match &self.0 {
            None => screen.line("(not set)"),
            Some(Value::String(text)) => screen.text(text),
            Some(value) => screen.line(&serde_json::to_string_pretty(value)?),
        }
    }
}

// === impl Sources ===

impl Show for Sources {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["SETTING", "VALUE", "SOURCE"]);
        for Sourced { key, value, source } in &self.settings {
            let value = match value {
                None => "(not set)".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            table.row([key.clone(), value, source.clone()]);
        }
        table.show(screen, "Nothing is set.")
    }
}
