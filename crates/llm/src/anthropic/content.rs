//! The content of a message: a string, or a list of blocks.

use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::nullable;

/// What a message, the instructions or a tool's result say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Texts, pictures, calls and other things, in order.
    Blocks(Vec<Block>),
}

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Text.
    Text {
        /// The words.
        text: String,
        /// Whether the prompt is cached up to here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// A picture.
    Image {
        /// Where it is.
        source: ImageSource,
        /// Whether the prompt is cached up to here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// What the model thought.
    Thinking {
        /// The thoughts.
        thinking: String,
        /// The provider's seal on them, which it wants back unchanged.
        #[serde(default, deserialize_with = "nullable")]
        signature: String,
    },
    /// Thoughts that only the provider can read.
    RedactedThinking {
        /// The thoughts, encrypted.
        data: String,
    },
    /// A call of a tool.
    ToolUse {
        /// Its id, which the result repeats.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments: an object.
        #[serde(default)]
        input: Value,
        /// Whether the prompt is cached up to here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// What a call gave.
    ToolResult {
        /// The id of the call.
        tool_use_id: String,
        /// What the model is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        /// Whether the call failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
        /// Whether the prompt is cached up to here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// A block of a type that we do not know, as it was sent.
    #[serde(untagged)]
    Other(Value),
}

/// That the prompt is cached up to a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    /// Always `ephemeral`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For how long: `5m` or `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ImageSource {
    /// In the message.
    Base64 {
        /// Its type, such as `image/png`.
        media_type: String,
        /// Its bytes in base64.
        data: String,
    },
    /// On the web.
    Url {
        /// Its address.
        url: String,
    },
    /// In a place that we do not know, as it was sent.
    #[serde(untagged)]
    Other(Value),
}

// === impl Content ===

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

// === impl Block ===

impl Block {
    /// A block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }
}

// === impl CacheControl ===

impl CacheControl {
    /// Cached for as long as the provider does by default.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { kind: "ephemeral".to_owned(), ttl: None }
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content blocks")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut blocks: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(block) = blocks.next_element()? {
            list.push(block);
        }
        Ok(Content::Blocks(list))
    }
}
