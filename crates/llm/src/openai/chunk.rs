//! One piece of a streamed completion. Its texts are borrowed from the event that carried it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::response::{ErrorDetail, FinishReason, Usage};
use crate::wire::{nullable, text, text_or_empty};

/// One chunk of the stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Chunk<'a> {
    /// The completion's id, the same in every chunk.
    #[serde(default, borrow, deserialize_with = "text_or_empty")]
    pub id: Cow<'a, str>,
    /// Always `chat.completion.chunk`.
    #[serde(default, borrow, deserialize_with = "text_or_empty")]
    pub object: Cow<'a, str>,
    /// When the completion was made, in seconds since 1970.
    #[serde(default, deserialize_with = "nullable")]
    pub created: i64,
    /// The model that makes it.
    #[serde(default, borrow, deserialize_with = "text_or_empty")]
    pub model: Cow<'a, str>,
    /// What is added to each answer; empty in the chunk that only tells the usage.
    #[serde(default, borrow, deserialize_with = "nullable")]
    pub choices: Vec<ChunkChoice<'a>>,
    /// What was used, in the last chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What went wrong; then the stream ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// What is added to one answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice<'a> {
    /// The answer's place among the answers, from 0.
    #[serde(default, deserialize_with = "nullable")]
    pub index: u64,
    /// What is added.
    #[serde(default, borrow, deserialize_with = "nullable")]
    pub delta: Delta<'a>,
    /// Why the answer ended, in its last chunk.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is added to a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta<'a> {
    /// `assistant`, in the first chunk.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub role: Option<Cow<'a, str>>,
    /// More words.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub content: Option<Cow<'a, str>>,
    /// More thoughts, as `SGLang`, GLM and `DeepSeek` name them.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<Cow<'a, str>>,
    /// More thoughts, as vLLM and `OpenRouter` name them.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Cow<'a, str>>,
    /// The model's refusal, in place of words.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Cow<'a, str>>,
    /// Parts of calls.
    #[serde(default, borrow, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta<'a>>,
}

/// A part of a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallDelta<'a> {
    /// The call's place among the calls, from 0.
    #[serde(default, deserialize_with = "nullable")]
    pub index: u64,
    /// The call's id, in its first part.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// `function`, in its first part.
    #[serde(
        default,
        borrow,
        deserialize_with = "text",
        rename = "type",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<Cow<'a, str>>,
    /// The name in the first part, and more of the arguments.
    #[serde(default, borrow, deserialize_with = "nullable")]
    pub function: FunctionDelta<'a>,
}

/// A part of what a call names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDelta<'a> {
    /// The function's name, in the first part.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// More of the arguments.
    #[serde(default, borrow, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Cow<'a, str>>,
}
