//! The events of a streamed message. The texts of deltas are borrowed from the event that carried them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::content::Block;
use super::response::{ErrorDetail, Response, StopReason, Usage};
use crate::wire::{nullable, text_or_empty};

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamEvent<'a> {
    /// The message begins.
    MessageStart {
        /// The message, still empty.
        message: Response,
    },
    /// A block begins.
    ContentBlockStart {
        /// Its place in the message, from 0.
        index: u64,
        /// The block, still empty.
        content_block: Block,
    },
    /// More of a block.
    ContentBlockDelta {
        /// Its place in the message.
        index: u64,
        /// What is added.
        #[serde(borrow)]
        delta: Delta<'a>,
    },
    /// A block is complete.
    ContentBlockStop {
        /// Its place in the message.
        index: u64,
    },
    /// Why the message ends and what was used.
    MessageDelta {
        /// Why.
        delta: MessageDelta,
        /// What was used, in all.
        #[serde(default, deserialize_with = "nullable")]
        usage: Usage,
    },
    /// The message is complete.
    MessageStop,
    /// The connection is alive.
    Ping,
    /// Something went wrong; then the stream ends.
    Error {
        /// What.
        error: ErrorDetail,
    },
    /// An event that we do not know.
    #[serde(other)]
    Unknown,
}

/// What is added to a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Delta<'a> {
    /// Words.
    TextDelta {
        /// The words.
        #[serde(borrow, deserialize_with = "text_or_empty")]
        text: Cow<'a, str>,
    },
    /// Thoughts.
    ThinkingDelta {
        /// The thoughts.
        #[serde(borrow, deserialize_with = "text_or_empty")]
        thinking: Cow<'a, str>,
    },
    /// The seal on the thoughts.
    SignatureDelta {
        /// The seal.
        #[serde(borrow, deserialize_with = "text_or_empty")]
        signature: Cow<'a, str>,
    },
    /// Arguments of a call.
    InputJsonDelta {
        /// A part of a JSON object, written as text.
        #[serde(borrow, deserialize_with = "text_or_empty")]
        partial_json: Cow<'a, str>,
    },
    /// A delta that we do not know.
    #[serde(other)]
    Unknown,
}

/// Why a message ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelta {
    /// The reason.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// The text at which it ended.
    #[serde(default)]
    pub stop_sequence: Option<String>,
}
