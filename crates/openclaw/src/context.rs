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
        let answer = ask(question, "[y/N]")?;
        match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Error::Declined),
        }
    }

    /// Asks for a name to be written again before what bears it is gone for good. `yes` answers in advance.
    ///
    /// # Errors
    /// [`Error::Declined`] when something else is written, [`Error::Unconfirmed`] when there is nobody to ask.
    pub fn confirm_name(&self, question: &str, name: &str, yes: bool) -> Result<(), Error> {
        if yes || ask(question, &format!("[write {name}]"))? == name {
            return Ok(());
        }
        Err(Error::Declined)
    }
}

/// What the person at the terminal answers.
fn ask(question: &str, choice: &str) -> Result<String, Error> {
    let (input, mut terminal) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !terminal.is_terminal() {
        return Err(Error::Unconfirmed { question: question.to_owned() });
    }
    let mut answer = String::new();
    write!(terminal, "{question} {choice} ").map_err(Error::Output)?;
    input.lock().read_line(&mut answer).map_err(Error::Input)?;
    Ok(answer.trim().to_owned())
}
