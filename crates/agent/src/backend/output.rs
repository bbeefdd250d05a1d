//! What a program prints, read as it comes.
//!
//! Refuses to hold more than a bounded part of it, and to take a half answer for a whole one.

mod report;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use config::settings::backends::Output;
use domain::event::Usage;
use llm::{Error, StopReason, StreamEvent};

use super::recipe::Recipe;
use report::{Line, Report};
use words::Words;

/// Most that a program may print for one answer, in bytes.
const LARGEST_OUTPUT: usize = 64 * 1024 * 1024;
/// Longest line, and largest single object, in bytes.
const LARGEST_LINE: usize = 8 * 1024 * 1024;

/// Reads the output of one call.
pub(super) struct Reader {
    recipe: Arc<Recipe>,
    printed: usize,
    /// What is not understood yet: the beginning of a line, of an object, or of a character.
    rest: Vec<u8>,
    words: Words,
    model: String,
    /// What the program says went wrong, before it says so at the end.
    complaint: Option<String>,
}

// === impl Reader ===

impl Reader {
    /// `model` is the one that was asked for.
    pub(super) fn new(recipe: Arc<Recipe>, model: String) -> Self {
        Self {
            recipe,
            printed: 0,
            rest: Vec::new(),
            words: Words::default(),
            model,
            complaint: None,
        }
    }

    /// Takes more in. Returns whether the answer is complete.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        said: &mut VecDeque<StreamEvent>,
    ) -> Result<bool, Error> {
        self.printed = self.printed.saturating_add(piece.len());
        if self.printed > LARGEST_OUTPUT {
            return Err(self.recipe.unreadable("more than 64 MiB for one answer").into());
        }
        let complete = match self.recipe.output {
            Output::Jsonl => self.take_lines(piece, said)?,
            Output::Json => {
                self.rest.extend_from_slice(piece);
                false
            }
            Output::Text => {
                self.rest.extend_from_slice(piece);
                self.say_text(said)?;
                false
            }
        };
        if self.rest.len() > LARGEST_LINE {
            return Err(self.recipe.unreadable("a line or an object of more than 8 MiB").into());
        }
        Ok(complete)
    }

    /// Takes the end in. `ending` says whether the program ended well.
    pub(super) fn finish(
        &mut self,
        said: &mut VecDeque<StreamEvent>,
        ending: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let rest = std::mem::take(&mut self.rest);
        match self.recipe.output {
            Output::Text => {
                ending()?;
                self.say(&String::from_utf8_lossy(&rest), said)?;
                self.done(StopReason::End, Usage::default(), said);
                Ok(())
            }
            Output::Json | Output::Jsonl => {
                let whole = self.recipe.output == Output::Json;
                let report = if whole { Report::last_in(&rest) } else { Report::in_line(&rest) };
                if let Some(report) = report {
                    return self.conclude(report, said);
                }
                ending()?;
                let beginning = String::from_utf8_lossy(rest.get(..512).unwrap_or(&rest));
                Err(self
                    .recipe
                    .unreadable(&format!("it ended without a result: {beginning}"))
                    .into())
            }
        }
    }

    fn take_lines(
        &mut self,
        piece: &[u8],
        said: &mut VecDeque<StreamEvent>,
    ) -> Result<bool, Error> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                if self.take_line(&line, said)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// A line that cannot be read is a remark to somebody else: programs print those, too.
    fn take_line(&mut self, line: &[u8], said: &mut VecDeque<StreamEvent>) -> Result<bool, Error> {
        match Line::read(line) {
            Some(Line::Started { model }) => self.model = model,
            Some(Line::Break) => self.words.pause(),
            Some(Line::Words(text)) => self.say_more(&text, said)?,
            Some(Line::Whole(text)) if !self.words.streamed() => {
                self.words.pause();
                self.say(&text, said)?;
            }
            Some(Line::Thought(text)) => said.push_back(StreamEvent::Thinking(text)),
            Some(Line::Complaint(name)) => self.complaint = Some(name),
            Some(Line::Report(report)) => return self.conclude(*report, said).map(|()| true),
            Some(Line::Whole(_)) | None => {}
        }
        Ok(false)
    }

    fn conclude(&mut self, report: Report, said: &mut VecDeque<StreamEvent>) -> Result<(), Error> {
        if let Some(error) = report.error(&self.recipe, &self.model, self.complaint.as_deref()) {
            return Err(error);
        }
        if !self.words.any() {
            self.say(report.text(), said)?;
        }
        if let Some(model) = report.model() {
            model.clone_into(&mut self.model);
        }
        self.done(report.stop(), report.usage(), said);
        Ok(())
    }

    fn say_more(&mut self, text: &str, said: &mut VecDeque<StreamEvent>) -> Result<(), Error> {
        self.words.stream();
        self.say(text, said)
    }

    fn say(&mut self, text: &str, said: &mut VecDeque<StreamEvent>) -> Result<(), Error> {
        match self.words.add(text) {
            Ok(words) => {
                if !words.is_empty() {
                    said.push_back(StreamEvent::Text(words));
                }
                Ok(())
            }
            Err(message) => Err(self.recipe.unreadable(message).into()),
        }
    }

    /// Says as many whole characters as there are.
    fn say_text(&mut self, said: &mut VecDeque<StreamEvent>) -> Result<(), Error> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.rest = bytes.split_off(bytes.len() - begun(&bytes));
        self.say(&String::from_utf8_lossy(&bytes), said)
    }

    fn done(&mut self, stop: StopReason, usage: Usage, said: &mut VecDeque<StreamEvent>) {
        let model = std::mem::take(&mut self.model);
        said.push_back(StreamEvent::Done { stop, usage, model });
    }
}

/// How many bytes at the end are the beginning of a character.
fn begun(bytes: &[u8]) -> usize {
    let is_begun = |count: &usize| {
        let end = bytes.len().checked_sub(*count).and_then(|at| bytes.get(at..));
        let read = end.map(std::str::from_utf8);
        matches!(read, Some(Err(error)) if error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..4).find(is_begun).unwrap_or(0)
}

#[cfg(test)]
mod tests;
