//! The one block in which a failure is told, on the standard error stream.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;

use super::colour_on;
use crate::error::Error;
use crate::exit::Exit;
use crate::logging::redact::redact;

/// Longest line of an error, in bytes.
const LONGEST_LINE: usize = 1_024;

#[derive(Serialize)]
struct Document<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: String,
    causes: Vec<String>,
    explain: String,
    /// What is wrong in the configuration, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    place: String,
    setting: String,
    message: String,
}

/// Tells why the command failed: what happened, why, and where to read more.
pub fn tell(error: &Error, json: bool) {
    if json {
        return write_document(&Document { error: told(error) });
    }
    let text = block(error, colour_on(&io::stderr()));
    // When nobody can be told, the exit code still tells it.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Tells what is wrong with the command line; also answers `--help` and `--version`, which are no
/// failures and go to the standard output.
pub fn tell_usage(error: &clap::Error, json: bool) -> Exit {
    if error.exit_code() == 0 || !json {
        // When nobody can be told, the exit code still tells it.
        let _ = error.print();
    } else {
        let text = error.render().to_string();
        let message = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
        tell(&Error::Usage { message: message.trim().to_owned() }, json);
    }
    if error.exit_code() == 0 { Exit::Ok } else { Exit::Usage }
}

fn told(error: &Error) -> Told<'_> {
    let code = error.stable_code();
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(clean(&cause.to_string()));
        source = cause.source();
    }
    let message = clean(&error.to_string());
    let problems = match error {
        Error::Config(error) => error.problems().iter().map(Problem::from).collect(),
        _ => Vec::new(),
    };
    Told { code, message, causes, explain: format!("openclaw explain {code}"), problems }
}

/// Words of an error, which may quote anything: no keys, nothing that a terminal would obey.
fn clean(text: &str) -> String {
    let lines: Vec<String> = redact(text, false)
        .lines()
        .map(|line| domain::text::one_line(line, LONGEST_LINE))
        .collect();
    lines.join("\n")
}

fn write_document(document: &Document<'_>) {
    let mut text = serde_json::to_string(document).unwrap_or_default();
    text.push('\n');
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn block(error: &Error, colour: bool) -> String {
    let told = told(error);
    let [red, dim, plain] = if colour { ["\x1b[1;31m", "\x1b[2m", "\x1b[0m"] } else { [""; 3] };
    let mut text = format!("{red}error:{plain} {}\n", told.message);
    // Writing to a String cannot fail.
    for cause in told.causes {
        let _ = writeln!(text, "  {dim}because{plain}  {cause}");
    }
    let _ = writeln!(text, "  {dim}code{plain}     {}", told.code);
    let _ = writeln!(text, "  {dim}more{plain}     {}", told.explain);
    text
}

impl From<&config::Problem> for Problem {
    fn from(problem: &config::Problem) -> Self {
        let config::Problem { place, path, message } = problem;
        let (place, setting) = (clean(&place.to_string()), clean(&path.to_string()));
        Self { place, setting, message: clean(message) }
    }
}
