//! One answer of a program, from its start to the last word.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use futures::stream::unfold;
use llm::{Error, EventStream, ProgramError, StreamEvent};
use tokio::time::{Instant, sleep_until};

use super::output::Reader;
use super::recipe::Recipe;
use crate::child::{Child, Exit};

/// A program that is answering. Dropping it ends the program.
pub(super) struct Answer {
    recipe: Arc<Recipe>,
    child: Option<Child>,
    reader: Reader,
    said: VecDeque<StreamEvent>,
    started: Instant,
    /// When the program wrote last.
    heard: Instant,
}

// === impl Answer ===

impl Answer {
    pub(super) fn new(recipe: Arc<Recipe>, child: Child, model: String) -> Self {
        let (reader, now) = (Reader::new(Arc::clone(&recipe), model), Instant::now());
        Self { recipe, child: Some(child), reader, said: VecDeque::new(), started: now, heard: now }
    }

    pub(super) fn into_stream(self) -> EventStream {
        Box::pin(unfold(self, |mut answer| async move {
            let event = answer.next().await?;
            Some((event, answer))
        }))
    }

    /// What was said next. After the end, and after an error, there is no program any more and nothing is said.
    async fn next(&mut self) -> Option<Result<StreamEvent, Error>> {
        loop {
            if let Some(event) = self.said.pop_front() {
                return Some(Ok(event));
            }
            let mut child = self.child.take()?;
            match self.listen(&mut child).await {
                Ok(true) => {}
                Ok(false) => self.child = Some(child),
                Err(error) => {
                    self.said.clear();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Takes in one piece of output, or the end. Returns whether the answer is complete.
    async fn listen(&mut self, child: &mut Child) -> Result<bool, Error> {
        let silence =
            self.recipe.silence.map(|most| (self.heard + most, most, "noOutputTimeoutMs"));
        let total = self.recipe.total.map(|most| (self.started + most, most, "timeoutMs"));
        let limit = silence.into_iter().chain(total).min_by_key(|(moment, ..)| *moment);
        let piece = tokio::select! {
            biased;
            piece = child.next() => piece,
            () = async { match limit {
                Some((moment, ..)) => sleep_until(moment).await,
                None => pending().await,
            } } => {
                let (after, setting) = limit.map(|(_, most, setting)| (most, setting)).unwrap_or_default();
                let provider = self.recipe.id.clone();
                return Err(ProgramError::Timeout { provider, after, setting }.into());
            }
        };
        match piece.map_err(|error| self.recipe.unreadable(&error.to_string()))? {
            Some(piece) => {
                self.heard = Instant::now();
                self.reader.push(&piece, &mut self.said)
            }
            None => {
                self.reader.finish(&mut self.said, || ending(&self.recipe, child))?;
                Ok(true)
            }
        }
    }
}

/// What the end of a program means when it has not said what it should.
fn ending(recipe: &Recipe, child: &Child) -> Result<(), Error> {
    let provider = recipe.id.clone();
    match child.exit() {
        Some(Exit::Code(0)) => Ok(()),
        Some(Exit::Signal(signal)) => Err(ProgramError::Killed { provider, signal }.into()),
        Some(Exit::Code(status)) => {
            let complaints = String::from_utf8_lossy(child.complaints());
            let last = complaints.lines().rev().find(|line| !line.trim().is_empty());
            let message = recipe.safe(last.unwrap_or("it said nothing more"));
            Err(ProgramError::Failed { provider, status, message }.into())
        }
        None => Err(recipe.unreadable("it closed its output and goes on").into()),
    }
}
