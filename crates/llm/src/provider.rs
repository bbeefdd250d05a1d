//! What every provider does: it streams the answer to a request.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Pulse;
use domain::event::Usage;
use futures::Stream;

use crate::{Error, Request, ToolCall};

/// Somebody who runs models.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Its id in the configuration.
    fn id(&self) -> &str;

    /// Sends the request and waits until the provider has taken it. Nothing is retried here. A provider that
    /// runs a process of its own tells the pulse of it; for any other the answer's events are sign enough.
    ///
    /// # Errors
    /// Any [`Error`] of the exchange. Once the stream is there, errors come through it.
    async fn stream(&self, request: Request, pulse: Arc<dyn Pulse>) -> Result<EventStream, Error>;
}

/// An answer as it comes. It ends with [`StreamEvent::Done`] or with an error, never silently; after
/// either there is nothing more. Dropping it closes the connection, so that the provider stops at once.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StreamEvent, Error>> + Send>>;

/// What an answer is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// More words, never empty.
    Text(String),
    /// More thoughts, never empty. They are not part of the answer.
    Thinking(String),
    /// A call of a tool, complete.
    ToolCall(ToolCall),
    /// The answer is complete.
    Done {
        /// Why it ended.
        stop: StopReason,
        /// What it cost; zero where the provider did not tell.
        usage: Usage,
        /// The model that gave it, as the provider names it.
        model: String,
    },
}

/// Why a complete answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The model had said what it had to say.
    End,
    /// The model waits for the results of its calls.
    ToolUse,
    /// The token limit of the answer. What was said is a part.
    MaxTokens,
    /// The context window is full. What was said is a part.
    ContextFull,
    /// The model or a filter refused.
    Refusal,
}
