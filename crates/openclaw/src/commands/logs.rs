//! `openclaw logs`: what the running process wrote about itself.

use std::time::Duration;

use gateway::log_file::{Cursor, LogFiles, Most, level_of};
use serde_json::{Map, Value};

use crate::cli::LogsArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation;
use crate::logging::Threshold;
use crate::logging::words::Words;

/// How often new lines are looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How much is taken at once while following.
const AT_ONCE: Most = Most { lines: 1_000, bytes: 1024 * 1024 };

/// Prints the last lines, then perhaps new ones as they come.
pub async fn run(arguments: &LogsArgs, context: &Context) -> Result<(), Error> {
    let files = installation::log_files()?;
    let level = match arguments.level {
        Threshold::Trace => 0,
        other => other.number(),
    };
    let lines = usize::try_from(arguments.tail).unwrap_or(usize::MAX);
    let tail =
        files.tail(Most { lines, bytes: usize::MAX }, level).map_err(Error::LogUnreadable)?;
    print(&tail.lines, context)?;
    if arguments.follow {
        tokio::select! {
            done = follow(&files, tail.next, level, context) => return done,
            _ = tokio::signal::ctrl_c() => return Err(Error::Interrupted),
        }
    }
    Ok(())
}

async fn follow(
    files: &LogFiles,
    mut cursor: Cursor,
    level: u8,
    context: &Context,
) -> Result<(), Error> {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let new = files.after(&cursor, AT_ONCE, level).map_err(Error::LogUnreadable)?;
        cursor = new.next;
        print(&new.lines, context)?;
        if !new.truncated {
            looks.tick().await;
        }
    }
}

fn print(lines: &[String], context: &Context) -> Result<(), Error> {
    let mut text = String::new();
    for line in lines {
        if context.output.json {
            text.push_str(line);
            text.push('\n');
        } else {
            text.push_str(&words(line, context.output.colour));
        }
    }
    context.output.raw(&text).map_err(Error::Output)
}

/// The line for a person; one that we did not write is shown as it is, made safe.
fn words(line: &str, colour: bool) -> String {
    let plain = || format!("{}\n", domain::text::one_line(line, 4_096));
    let Ok(record) = serde_json::from_str::<Map<String, Value>>(line) else { return plain() };
    let Some(level) = level_of(line) else { return plain() };
    let text = |name: &str| {
        let text = record.get(name).and_then(Value::as_str).unwrap_or_default();
        domain::text::one_line(text, 4_096)
    };
    let (module, message) = (text("module"), text("msg"));
    let words = Words {
        level,
        time: record.get("time").and_then(Value::as_i64).unwrap_or_default(),
        module: &module,
        message: &message,
        fields: record
            .iter()
            .filter(|(name, _)| !["level", "time", "pid", "module", "msg"].contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value))
            .collect(),
    };
    words.line(true, colour)
}
