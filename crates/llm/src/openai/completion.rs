//! What we answer when somebody asks us in this format: one text, whole or piece by piece.

use std::borrow::Cow;

use super::chunk::{Chunk, ChunkChoice, Delta};
use super::content::Content;
use super::request::{Message, Role};
use super::response::{Choice, FinishReason, Response, Usage};

/// One completion that we make. Its pieces share an id, a time and a model's name.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Its id.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The model's name as it was asked for.
    pub model: String,
}

// === impl Completion ===

impl Completion {
    /// The whole answer at once.
    #[must_use]
    pub fn whole(&self, text: String, reason: FinishReason, usage: Usage) -> Response {
        let message = Message {
            role: Role::Assistant,
            content: Some(Content::Text(text)),
            name: None,
            reasoning_content: None,
            reasoning: None,
            refusal: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
        };
        Response {
            id: self.id.clone(),
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices: vec![Choice { index: 0, message, finish_reason: Some(reason) }],
            usage: Some(usage),
        }
    }

    /// The first chunk of a stream: who speaks.
    #[must_use]
    pub fn opening(&self) -> Chunk<'_> {
        let delta = Delta {
            role: Some(Cow::Borrowed("assistant")),
            content: Some(Cow::Borrowed("")),
            ..Delta::default()
        };
        self.chunk(delta, None)
    }

    /// A chunk that adds words.
    #[must_use]
    pub fn piece<'a>(&'a self, text: &'a str) -> Chunk<'a> {
        self.chunk(Delta { content: Some(Cow::Borrowed(text)), ..Delta::default() }, None)
    }

    /// The chunk that says why the answer ended.
    #[must_use]
    pub fn closing(&self, reason: FinishReason) -> Chunk<'_> {
        self.chunk(Delta::default(), Some(reason))
    }

    /// The chunk behind the last one that tells what was used, for those who asked for it.
    #[must_use]
    pub fn total(&self, usage: Usage) -> Chunk<'_> {
        Chunk { choices: Vec::new(), usage: Some(usage), ..self.chunk(Delta::default(), None) }
    }

    fn chunk<'a>(&'a self, delta: Delta<'a>, finish_reason: Option<FinishReason>) -> Chunk<'a> {
        Chunk {
            id: Cow::Borrowed(&self.id),
            object: Cow::Borrowed("chat.completion.chunk"),
            created: self.created,
            model: Cow::Borrowed(&self.model),
            choices: vec![ChunkChoice { index: 0, delta, finish_reason }],
            usage: None,
            error: None,
        }
    }
}
