//! Chunks of a streamed completion into what the model said.
//!
//! Ignores every answer but the first. Calls are gathered until the end, because servers interleave,
//! repeat and misnumber their parts.

use std::collections::HashSet;
use std::sync::Arc;

use domain::event::Usage;

use super::chunk::{Chunk, Delta, ToolCallDelta};
use super::response::FinishReason;
use crate::complaint::Complaint;
use crate::reading::{Decode, LARGEST_CALLS, MOST_CALLS, Said};
use crate::upstream::Upstream;
use crate::{Error, StopReason, StreamEvent, ToolCall, sse};

/// The state of one answer.
pub(crate) struct Decoder {
    upstream: Arc<Upstream>,
    asked_model: String,
    earlier_calls: usize,
    id: String,
    model: String,
    usage: Usage,
    finish: Option<FinishReason>,
    refused: bool,
    calls: Vec<PartialCall>,
    call_bytes: usize,
}

/// A call whose parts are still coming.
struct PartialCall {
    index: u64,
    id: String,
    name: String,
    arguments: String,
}

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(upstream: Arc<Upstream>, asked_model: String, earlier_calls: usize) -> Self {
        Self {
            upstream,
            asked_model,
            earlier_calls,
            id: String::new(),
            model: String::new(),
            usage: Usage::default(),
            finish: None,
            refused: false,
            calls: Vec::new(),
            call_bytes: 0,
        }
    }

    fn take_delta(&mut self, delta: Delta<'_>, said: &mut Said) -> Result<(), Error> {
        let thoughts = delta.reasoning_content.filter(|text| !text.is_empty()).or(delta.reasoning);
        if let Some(text) = thoughts.filter(|text| !text.is_empty()) {
            said.push_back(Ok(StreamEvent::Thinking(text.into_owned())));
        }
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            said.push_back(Ok(StreamEvent::Text(text.into_owned())));
        }
        if let Some(text) = delta.refusal.filter(|text| !text.is_empty()) {
            self.refused = true;
            said.push_back(Ok(StreamEvent::Text(text.into_owned())));
        }
        delta.tool_calls.iter().try_for_each(|part| self.take_call(part))
    }

    fn take_call(&mut self, part: &ToolCallDelta<'_>) -> Result<(), Error> {
        let text =
            |field: &Option<std::borrow::Cow<'_, str>>| field.as_deref().unwrap_or("").to_owned();
        let (id, name) = (text(&part.id), text(&part.function.name));
        let arguments = part.function.arguments.as_deref().unwrap_or("");
        self.call_bytes += id.len() + name.len() + arguments.len();
        let current = self.calls.iter_mut().rev().find(|call| call.index == part.index);
        match current.filter(|call| !call.is_followed_by(&id, &name, arguments)) {
            Some(call) => call.extend(id, name, arguments),
            None => self.calls.push(PartialCall {
                index: part.index,
                id,
                name,
                arguments: arguments.to_owned(),
            }),
        }
        if self.calls.len() > MOST_CALLS || self.call_bytes > LARGEST_CALLS {
            return Err(self.upstream.malformed("more calls of tools than one answer can have"));
        }
        Ok(())
    }

    /// The gathered calls. One that the token limit cut off is left out: half a call is none.
    fn complete_calls(&mut self) -> Result<Vec<ToolCall>, Error> {
        let cut_off = self.finish == Some(FinishReason::Length);
        let mut taken = HashSet::new();
        let mut complete = Vec::with_capacity(self.calls.len());
        for (place, call) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let arguments = match call.arguments.trim() {
                "" => "{}",
                some => some,
            };
            let is_object = serde_json::from_str::<serde_json::Map<_, _>>(arguments).is_ok();
            if call.name.is_empty() || !is_object {
                if cut_off {
                    continue;
                }
                return Err(self
                    .upstream
                    .malformed("a call of a tool without a name or with broken arguments"));
            }
            let unique = !call.id.is_empty() && taken.insert(call.id.clone());
            let id = if unique { call.id } else { self.fresh_id(place) };
            complete.push(ToolCall { id, name: call.name, arguments: arguments.to_owned() });
        }
        Ok(complete)
    }

    /// An id that no other call of the conversation has.
    fn fresh_id(&self, place: usize) -> String {
        let number = self.earlier_calls + place;
        format!("call_{}{}{number}", self.id, if self.id.is_empty() { "" } else { "_" })
    }
}

impl Decode for Decoder {
    fn take(&mut self, event: sse::Event<'_>, said: &mut Said) -> Result<bool, Error> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(false);
        }
        if data == "[DONE]" {
            return if self.finish.is_some() { Ok(true) } else { Err(self.upstream.cut()) };
        }
        let chunk = match serde_json::from_str::<Chunk<'_>>(data) {
            Ok(chunk) if chunk.error.is_none() && chunk.object != "error" => chunk,
            _ => {
                return Err(match Complaint::in_answer(data) {
                    Some(complaint) => self.upstream.complained(&complaint, &self.asked_model),
                    None => {
                        self.upstream.malformed("an event that is not a chunk of a chat completion")
                    }
                });
            }
        };
        remember(&mut self.id, &chunk.id);
        remember(&mut self.model, &chunk.model);
        if let Some(usage) = chunk.usage {
            self.usage = usage.into();
        }
        let only_usage = chunk.choices.is_empty() && chunk.usage.is_some();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.take_delta(choice.delta, said)?;
            self.finish = choice.finish_reason.or(self.finish.take());
        }
        Ok(only_usage && self.finish.is_some())
    }

    fn has_stopped(&self) -> bool {
        self.finish.is_some()
    }

    fn finish(&mut self, said: &mut Said) -> Result<(), Error> {
        let calls = self.complete_calls()?;
        let stop = match &self.finish {
            Some(FinishReason::Other(reason)) if is_failure(reason) => {
                return Err(self.upstream.cut());
            }
            _ if !calls.is_empty() => StopReason::ToolUse,
            Some(FinishReason::Length) => StopReason::MaxTokens,
            Some(FinishReason::ContentFilter) => StopReason::Refusal,
            _ if self.refused => StopReason::Refusal,
            _ => StopReason::End,
        };
        said.extend(calls.into_iter().map(|call| Ok(StreamEvent::ToolCall(call))));
        remember(&mut self.model, &self.asked_model);
        let model = std::mem::take(&mut self.model);
        said.push_back(Ok(StreamEvent::Done { stop, usage: self.usage, model }));
        Ok(())
    }
}

// === impl PartialCall ===

impl PartialCall {
    /// Whether a part with this call's index begins the next call: it has another id; or, where ids are
    /// missing, another name comes, or the same again although the arguments are complete.
    fn is_followed_by(&self, id: &str, name: &str, arguments: &str) -> bool {
        if !id.is_empty() {
            return !self.id.is_empty() && self.id != id;
        }
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        let renamed = name != self.name && !self.arguments.is_empty();
        renamed || (!arguments.is_empty() && is_complete(&self.arguments))
    }

    fn extend(&mut self, id: String, name: String, arguments: &str) {
        if self.id.is_empty() {
            self.id = id;
        }
        if self.name.is_empty() {
            self.name = name;
        }
        self.arguments.push_str(arguments);
    }
}

fn is_complete(arguments: &str) -> bool {
    arguments.ends_with('}') && serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok()
}

/// Reasons that mean that the answer is not all there.
fn is_failure(reason: &str) -> bool {
    matches!(reason, "abort" | "error" | "insufficient_system_resource")
}

/// Keeps the first value that says something.
fn remember(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}
