//! The lines that Claude Code prints, and those that resemble them.
//!
//! Fields and kinds of lines that are not known are passed over.
//! <https://code.claude.com/docs/en/headless>

use domain::event::Usage;
use llm::anthropic::{Block, Delta, Response, StopReason as Reason, StreamEvent as Event};
use llm::{Error, ProgramError, StopReason};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::recipe::Recipe;

/// What one line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// This model answers.
    Started { model: String },
    /// A new paragraph begins.
    Break,
    /// More words.
    Words(String),
    /// Words of a message that is complete.
    Whole(String),
    /// More thoughts.
    Thought(String),
    /// The class of what went wrong.
    Complaint(String),
    /// The end.
    Report(Box<Report>),
}

/// What the last line says.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    subtype: String,
    is_error: bool,
    api_error_status: Option<u16>,
    result: Option<Value>,
    /// Where programs other than Claude Code put their words.
    response: Option<String>,
    text: Option<String>,
    stop_reason: Option<Reason>,
    usage: Option<llm::anthropic::Usage>,
    #[serde(rename = "modelUsage")]
    models: Map<String, Value>,
}

/// The lines as they are written.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Written<'a> {
    StreamEvent {
        #[serde(borrow)]
        event: Event<'a>,
        #[serde(default)]
        parent_tool_use_id: Option<String>,
    },
    Assistant {
        message: Response,
        #[serde(default)]
        parent_tool_use_id: Option<String>,
        #[serde(default)]
        error: Option<String>,
    },
    Result(Box<Report>),
    #[serde(other)]
    Other,
}

// === impl Line ===

impl Line {
    /// Reads a line. A helper that the program started speaks to the program, not to the person.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        match serde_json::from_slice::<Written<'_>>(line.trim_ascii()).ok()? {
            Written::StreamEvent { event, parent_tool_use_id: None } => Self::of_event(event),
            Written::Assistant { error: Some(name), .. } => Some(Self::Complaint(name)),
            Written::Assistant { message, parent_tool_use_id: None, .. } => {
                let words = message.content.into_iter().filter_map(|block| match block {
                    Block::Text { text, .. } => Some(text),
                    _ => None,
                });
                let words = words.collect::<Vec<_>>().join("\n\n");
                (!words.is_empty()).then_some(Self::Whole(words))
            }
            Written::Result(report) => Some(Self::Report(report)),
            Written::StreamEvent { .. } | Written::Assistant { .. } | Written::Other => None,
        }
    }

    fn of_event(event: Event<'_>) -> Option<Self> {
        match event {
            Event::MessageStart { message } if !message.model.is_empty() => {
                Some(Self::Started { model: message.model })
            }
            Event::ContentBlockStart { content_block: Block::Text { .. }, .. } => Some(Self::Break),
            Event::ContentBlockDelta { delta: Delta::TextDelta { text }, .. }
                if !text.is_empty() =>
            {
                Some(Self::Words(text.into_owned()))
            }
            Event::ContentBlockDelta { delta: Delta::ThinkingDelta { thinking }, .. }
                if !thinking.is_empty() =>
            {
                Some(Self::Thought(thinking.into_owned()))
            }
            _ => None,
        }
    }
}

// === impl Report ===

impl Report {
    /// Reads a line that should be one.
    pub(super) fn in_line(line: &[u8]) -> Option<Self> {
        match Line::read(line)? {
            Line::Report(report) => Some(*report),
            _ => None,
        }
    }

    /// Reads what was printed as a whole: an object, or a list that ends with one.
    pub(super) fn last_in(output: &[u8]) -> Option<Self> {
        let value = match serde_json::from_slice::<Value>(output.trim_ascii()).ok()? {
            Value::Array(mut all) => all.pop()?,
            value => value,
        };
        let report: Self = serde_json::from_value(value).ok()?;
        (report.is_error || !report.text().is_empty() || !report.subtype.is_empty())
            .then_some(report)
    }

    /// The answer.
    pub(super) fn text(&self) -> &str {
        let result = self.result.as_ref().and_then(Value::as_str);
        result.or(self.response.as_deref()).or(self.text.as_deref()).unwrap_or_default()
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage.map(Usage::from).unwrap_or_default()
    }

    /// The model that answered, where it was one.
    pub(super) fn model(&self) -> Option<&String> {
        let mut models = self.models.keys();
        models.next().filter(|_| models.next().is_none())
    }

    pub(super) fn stop(&self) -> StopReason {
        match self.stop_reason {
            Some(Reason::MaxTokens) => StopReason::MaxTokens,
            Some(Reason::ModelContextWindowExceeded) => StopReason::ContextFull,
            Some(Reason::Refusal) => StopReason::Refusal,
            _ => StopReason::End,
        }
    }

    /// The error that it tells of, if it does. `complaint` is the class that an earlier line named.
    pub(super) fn error(
        &self,
        recipe: &Recipe,
        model: &str,
        complaint: Option<&str>,
    ) -> Option<Error> {
        let failed = self.is_error || self.subtype.starts_with("error");
        if !failed {
            return None;
        }
        let (provider, text) = (recipe.id.clone(), self.text());
        let message = recipe.safe(if text.is_empty() { &self.subtype } else { text });
        let status = self.api_error_status.or_else(|| complaint.and_then(status_of));
        Some(match status {
            Some(401 | 403) => ProgramError::Authentication { provider, message }.into(),
            // With neither a status nor a class: the words of a program that nobody has logged in.
            None if text.contains("/login") => {
                ProgramError::Authentication { provider, message }.into()
            }
            Some(status) => Error::reported(provider, model.to_owned(), status, message),
            None => ProgramError::Failed { provider, status: 1, message }.into(),
        })
    }
}

/// The status that stands for a class.
fn status_of(class: &str) -> Option<u16> {
    match class {
        "authentication_failed" => Some(401),
        "billing_error" => Some(402),
        "model_not_found" => Some(404),
        "invalid_request" => Some(400),
        "rate_limit" => Some(429),
        "server_error" => Some(500),
        "overloaded" => Some(529),
        _ => None,
    }
}
