//! Writing a proposal into `openclaw.json`, after showing what changes and asking.

use std::{fs, io};

use config::edit;
use domain::capacity::Proposal;
use serde::Serialize;
use serde_json::Value;

use super::SECTION;
use crate::clock::SystemIds;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, diff};

/// Shows the change, asks, and makes it. All figures are written at once, so that no two of them contradict
/// each other for a moment.
pub fn apply(
    proposal: &Proposal,
    installation: &Installation,
    yes: bool,
    context: &Context,
) -> Result<Applied, Error> {
    let settings = proposal.changes().count();
    if settings == 0 {
        return Ok(Applied { settings });
    }
    config::first_run(&installation.paths, &SystemIds)?;
    let before = read(installation)?;
    let after = edited(&before, proposal)?;
    if !context.output.json {
        context.output.raw(&format!("\n{}", diff(&before, &after))).map_err(Error::Output)?;
    }
    context.confirm(&format!("Write this to {}?", installation.paths.config.display()), yes)?;
    // Somebody may have edited the file while the question stood.
    let after = edited(&read(installation)?, proposal)?;
    config::save(&installation.paths, &installation.env, after)?;
    Ok(Applied { settings })
}

fn read(installation: &Installation) -> Result<String, Error> {
    let path = &installation.paths.config;
    fs::read_to_string(path).map_err(|source| Error::State { path: path.clone(), source })
}

/// The text with the proposed figures in it and nothing else changed.
fn edited(text: &str, proposal: &Proposal) -> Result<String, Error> {
    proposal.changes().try_fold(text.to_owned(), |text, figure| {
        let path = format!("{SECTION}.{}", figure.setting).parse()?;
        Ok(edit::set(&text, &path, &Value::from(figure.proposed))?)
    })
}

/// What was done.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Applied {
    /// How many settings were changed.
    pub settings: usize,
}

// === impl Applied ===

impl Show for Applied {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        match self.settings {
            0 => screen.line("Nothing was changed."),
            _ => screen.line("Written. A running gateway takes it over by itself."),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::capacity::{Load, Machine, Sizes, propose};

    use super::*;

    #[test]
    fn only_what_changes_is_written_and_comments_stay() {
        let load = Load {
            minutes: 1_440,
            answered: 100,
            busiest_minute: 9,
            longest_ms: 20_000,
            ..Load::default()
        };
        let machine = Machine { processors: 2, memory: None };
        let proposal = propose(&load, machine, Sizes::default(), 60_000).unwrap();
        let text = "{\n  // mine\n  concurrency: {\n    maxWorkers: 4, // was 8\n  },\n}\n";
        let after = edited(text, &proposal).unwrap();
        assert_eq!(
            after,
            "{\n  // mine\n  concurrency: {\n    maxWorkers: 2, // was 8\n    maxQueueSize: 16,\n    \
             workerTimeoutMs: 60000,\n  },\n}\n"
        );
    }
}
