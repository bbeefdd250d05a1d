//! What every command is given: where its output goes, the clock, and the environment.

use std::io::{self, BufRead, IsTerminal, Write};

use domain::{Clock, Timestamp};

use crate::clock::SystemClock;
use crate::error::Error;
use crate::output::{Output, Show};

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// Where its output goes.
    pub output: Output,
}

// === impl Context ===

impl Context {
    /// The context of this process.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { output: Output::new(json) }
    }

    /// The current moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Writes the result of the command.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn print(&self, thing: &impl Show) -> Result<(), Error> {
        self.output.print(thing).map_err(Error::Output)
    }

    /// Asks before something is destroyed. `yes` answers in advance.
    ///
    /// # Errors
    /// [`Error::Declined`] when the person says no, [`Error::Unconfirmed`] when there is nobody to ask.
    pub fn confirm(&self, question: &str, yes: bool) -> Result<(), Error> {
        if yes {
            return Ok(());
        }
        let (input, mut terminal) = (io::stdin(), io::stderr());
        if !input.is_terminal() || !terminal.is_terminal() {
            return Err(Error::Unconfirmed { question: question.to_owned() });
        }
        let mut answer = String::new();
        write!(terminal, "{question} [y/N] ").map_err(Error::Output)?;
        input.lock().read_line(&mut answer).map_err(Error::Input)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Error::Declined),
        }
    }
}
