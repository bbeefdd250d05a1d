//! What is asked: `POST /v1/messages`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::{CacheControl, Content};
use crate::wire::nullable;

/// A request for a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model's id.
    pub model: String,
    /// Most tokens of the answer.
    pub max_tokens: u64,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Content>,
    /// Whether the answer comes as a stream of events.
    #[serde(default, deserialize_with = "nullable")]
    pub stream: bool,
    /// Sampling temperature, 0 to 1. The API version of October 2026 refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Sampling from the likeliest tokens only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Texts at which the answer ends.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    /// The tools that the model may call.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// How to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Value>,
    /// Fields that are not named above, so that whoever reads the request can refuse or pass them on.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub content: Content,
    /// Fields that are not named above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person, or the result of a tool.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of the conversation, which newer clients send.
    System,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Absent or `custom` for a tool of the caller; otherwise one that the provider runs.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it does and when to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Whether the prompt is cached up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
    /// Fields that are not named above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Whether a model may, must or must not call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChoice {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The tool, when it must call a certain one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may call only one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_parallel_tool_use: Option<bool>,
}

// === impl Message ===

impl Message {
    /// A message that says something.
    #[must_use]
    pub fn new(role: Role, content: Content) -> Self {
        Self { role, content, extra: Map::new() }
    }
}
