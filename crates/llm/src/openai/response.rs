//! What is answered: one whole completion, or an error.

use serde::{Deserialize, Serialize};

use super::request::Message;
use crate::wire::nullable;

/// A whole chat completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Its id.
    #[serde(default, deserialize_with = "nullable")]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default, deserialize_with = "nullable")]
    pub object: String,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "nullable")]
    pub created: i64,
    /// The model that made it.
    #[serde(default, deserialize_with = "nullable")]
    pub model: String,
    /// The answers.
    pub choices: Vec<Choice>,
    /// What was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place among the answers, from 0.
    #[serde(default, deserialize_with = "nullable")]
    pub index: u64,
    /// What was said.
    pub message: Message,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop text.
    Stop,
    /// The token limit.
    Length,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The same, from before there were tools.
    FunctionCall,
    /// A filter stopped it.
    ContentFilter,
    /// A reason that we do not know.
    #[serde(untagged)]
    Other(String),
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt, cached ones included.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt_tokens: u64,
    /// Of the answer, reasoning included.
    #[serde(default, deserialize_with = "nullable")]
    pub completion_tokens: u64,
    /// Both.
    #[serde(default, deserialize_with = "nullable")]
    pub total_tokens: u64,
    /// More about the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// More about the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

/// More about the tokens of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// How many were cached.
    #[serde(default, deserialize_with = "nullable")]
    pub cached_tokens: u64,
}

/// More about the tokens of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// How many were thought.
    #[serde(default, deserialize_with = "nullable")]
    pub reasoning_tokens: u64,
}

/// The body of an answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For people.
    #[serde(default, deserialize_with = "nullable")]
    pub message: String,
    /// The class of the error, such as `invalid_request_error`.
    #[serde(default, deserialize_with = "nullable", rename = "type")]
    pub kind: String,
    /// The field at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// A stable name, or as vLLM has it the HTTP status.
    #[serde(default)]
    pub code: Option<ErrorCode>,
}

/// The code of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ErrorCode {
    /// A number, which is an HTTP status.
    Number(u16),
    /// A name.
    Name(String),
}

// === impl Usage ===

impl From<Usage> for domain::event::Usage {
    fn from(usage: Usage) -> Self {
        let cached = usage.prompt_tokens_details.unwrap_or_default().cached_tokens;
        Self {
            input: usage.prompt_tokens.saturating_sub(cached),
            cached,
            output: usage.completion_tokens,
        }
    }
}

impl From<domain::event::Usage> for Usage {
    fn from(usage: domain::event::Usage) -> Self {
        let prompt_tokens = usage.input + usage.cached;
        Self {
            prompt_tokens,
            completion_tokens: usage.output,
            total_tokens: prompt_tokens + usage.output,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: usage.cached }),
            completion_tokens_details: None,
        }
    }
}
