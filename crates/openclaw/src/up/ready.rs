//! What an instance says on the standard output: a few words for a person, or events for a program.

use std::io;

use domain::Secret;
use serde::Serialize;

use crate::commands::link;
use crate::instance::Model;
use crate::output::{Screen, Show};

/// Said plainly wherever the answers come from the simulator.
const SIMULATED: &str =
    "simulated model: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or edit models.providers";

/// It listens.
#[derive(Debug, Serialize)]
pub struct Ready {
    event: &'static str,
    version: &'static str,
    url: String,
    link: String,
    model: String,
    simulated: bool,
}

/// It was asked to stop, or cannot go on.
#[derive(Debug, Serialize)]
pub struct Stopping {
    event: &'static str,
}

// === impl Ready ===

impl Ready {
    /// An instance that is reached at `url` and lets the first visitor in with `code`.
    #[must_use]
    pub fn new(url: &str, code: &Secret, model: &Model) -> Self {
        Self {
            event: "ready",
            version: env!("CARGO_PKG_VERSION"),
            url: url.to_owned(),
            link: link::address(url, code.expose()),
            model: model.name.clone(),
            simulated: model.simulated,
        }
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Show for Ready {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("OpenClaw {} is running at {}", self.version, self.url))?;
        screen.line("")?;
        screen.line("Open this link; it works once. `openclaw link` prints another.")?;
        screen.line(&format!("  {}", self.link))?;
        screen.line("")?;
        if self.simulated {
            screen.line(SIMULATED)?;
        } else {
            screen.line(&format!("The model is {}.", self.model))?;
        }
        screen.line(&screen.dim("Ctrl-C stops it."))
    }
}

// === impl Stopping ===

impl Stopping {
    /// Said once.
    #[must_use]
    pub fn new() -> Self {
        Self { event: "stopping" }
    }
}

impl Show for Stopping {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line("Stopping: what runs is finished or kept for the next start.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(simulated: bool) -> (String, String) {
        let model = Model { name: "openai/gpt".to_owned(), simulated };
        let ready = Ready::new("http://127.0.0.1:7/", &Secret::new("ocl_x"), &model);
        let mut bytes = Vec::new();
        ready.show(&mut Screen::new(&mut bytes, false)).unwrap();
        (String::from_utf8(bytes).unwrap(), serde_json::to_string(&ready).unwrap())
    }

    #[test]
    fn says_where_it_is_and_who_answers() {
        let version = env!("CARGO_PKG_VERSION");
        let (text, json) = shown(false);
        assert_eq!(
            text,
            format!(
                "OpenClaw {version} is running at http://127.0.0.1:7/\n\n\
                 Open this link; it works once. `openclaw link` prints another.\n  \
                 http://127.0.0.1:7/#token=ocl_x\n\nThe model is openai/gpt.\nCtrl-C stops it.\n"
            )
        );
        assert_eq!(
            json,
            format!(
                "{{\"event\":\"ready\",\"version\":\"{version}\",\"url\":\"http://127.0.0.1:7/\",\
                 \"link\":\"http://127.0.0.1:7/#token=ocl_x\",\"model\":\"openai/gpt\",\
                 \"simulated\":false}}"
            )
        );
    }

    #[test]
    fn a_simulated_model_is_called_one() {
        let line = "\nsimulated model: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or edit models.providers\n";
        assert!(shown(true).0.contains(line));
        assert!(shown(true).1.ends_with("\"simulated\":true}"));
    }
}
