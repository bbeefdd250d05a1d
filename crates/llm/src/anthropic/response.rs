//! What is answered: one whole message, or an error.

use serde::{Deserialize, Serialize};

use super::content::Block;
use crate::wire::nullable;

/// A whole message of the model; at the start of a stream, one that is still empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Its id.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// Always `message`.
    #[serde(default, rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// Always `assistant`.
    #[serde(default, deserialize_with = "nullable")]
    pub role: String,
    /// The model that made it.
    #[serde(default, deserialize_with = "nullable")]
    pub model: String,
    /// What it says.
    #[serde(default, deserialize_with = "nullable")]
    pub content: Vec<Block>,
    /// Why it ended.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// The text at which it ended.
    #[serde(default)]
    pub stop_sequence: Option<String>,
    /// What was used.
    #[serde(default, deserialize_with = "nullable")]
    pub usage: Usage,
}

/// Why a message ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model was done.
    EndTurn,
    /// The token limit.
    MaxTokens,
    /// One of the texts that were asked for.
    StopSequence,
    /// The model waits for the results of tools.
    ToolUse,
    /// The provider paused a long turn of its own tools.
    PauseTurn,
    /// The model refused.
    Refusal,
    /// The context window is full.
    ModelContextWindowExceeded,
    /// A reason that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// Tokens used. Inside a stream, fields that are absent say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt, cached ones not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Of the prompt, put into the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Of the prompt, taken from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// The body of an answer that is an error, and the event of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Always `error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The error.
    pub error: ErrorDetail,
    /// The request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Its class, such as `overloaded_error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
}

// === impl Usage ===

impl Usage {
    /// What is known when `later` is known too: it wins where it says something.
    #[must_use]
    pub fn updated(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
        }
    }
}

impl From<Usage> for domain::event::Usage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage
                .input_tokens
                .unwrap_or(0)
                .saturating_add(usage.cache_creation_input_tokens.unwrap_or(0)),
            cached: usage.cache_read_input_tokens.unwrap_or(0),
            output: usage.output_tokens.unwrap_or(0),
        }
    }
}
