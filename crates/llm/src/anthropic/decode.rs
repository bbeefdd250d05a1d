//! Events of a streamed message into what the model said.
//!
//! Passes over events, blocks and deltas that it does not know, as the API asks its clients to.

use std::sync::Arc;

use super::content::Block;
use super::event::{Delta, StreamEvent as Event};
use super::response::{StopReason as Reason, Usage};
use crate::complaint::Complaint;
use crate::reading::{Decode, LARGEST_CALLS, MOST_CALLS, Said};
use crate::upstream::Upstream;
use crate::{Error, StopReason, StreamEvent, ToolCall, sse};

/// The state of one answer.
pub(crate) struct Decoder {
    upstream: Arc<Upstream>,
    asked_model: String,
    model: String,
    usage: Usage,
    stop: Option<Reason>,
    calls: Vec<PartialCall>,
    call_bytes: usize,
}

/// A call whose arguments are still coming.
struct PartialCall {
    index: u64,
    call: ToolCall,
}

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(upstream: Arc<Upstream>, asked_model: String) -> Self {
        Self {
            upstream,
            asked_model,
            model: String::new(),
            usage: Usage::default(),
            stop: None,
            calls: Vec::new(),
            call_bytes: 0,
        }
    }

    fn take_block(&mut self, index: u64, block: Block, said: &mut Said) -> Result<(), Error> {
        match block {
            Block::Text { text, .. } if !text.is_empty() => {
                said.push_back(Ok(StreamEvent::Text(text)));
            }
            Block::Thinking { thinking, .. } if !thinking.is_empty() => {
                said.push_back(Ok(StreamEvent::Thinking(thinking)));
            }
            Block::ToolUse { id, name, input, .. } => {
                let whole = input.as_object().is_some_and(|arguments| !arguments.is_empty());
                let arguments = if whole { input.to_string() } else { String::new() };
                self.call_bytes += arguments.len();
                self.calls.push(PartialCall { index, call: ToolCall { id, name, arguments } });
                return self.check_calls();
            }
            _ => {}
        }
        Ok(())
    }

    fn take_delta(&mut self, index: u64, delta: Delta<'_>, said: &mut Said) -> Result<(), Error> {
        match delta {
            Delta::TextDelta { text } if !text.is_empty() => {
                said.push_back(Ok(StreamEvent::Text(text.into_owned())));
            }
            Delta::ThinkingDelta { thinking } if !thinking.is_empty() => {
                said.push_back(Ok(StreamEvent::Thinking(thinking.into_owned())));
            }
            Delta::InputJsonDelta { partial_json } => {
                // A tool that the provider runs itself has no call here, and its arguments are not ours.
                if let Some(partial) = self.calls.iter_mut().rev().find(|call| call.index == index)
                {
                    self.call_bytes += partial_json.len();
                    partial.call.arguments.push_str(&partial_json);
                    return self.check_calls();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_calls(&self) -> Result<(), Error> {
        if self.calls.len() > MOST_CALLS || self.call_bytes > LARGEST_CALLS {
            return Err(self.upstream.malformed("more calls of tools than one answer can have"));
        }
        Ok(())
    }

    fn complained(&self, data: &str) -> Error {
        match Complaint::in_answer(data) {
            Some(complaint) => self.upstream.complained(&complaint, &self.asked_model),
            None => self.upstream.malformed("an event that does not belong to a message"),
        }
    }
}

impl Decode for Decoder {
    fn take(&mut self, event: sse::Event<'_>, said: &mut Said) -> Result<bool, Error> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(false);
        }
        match serde_json::from_str::<Event<'_>>(data) {
            Ok(Event::MessageStart { message }) => {
                self.usage = self.usage.updated(message.usage);
                self.model = message.model;
            }
            Ok(Event::ContentBlockStart { index, content_block }) => {
                self.take_block(index, content_block, said)?;
            }
            Ok(Event::ContentBlockDelta { index, delta }) => self.take_delta(index, delta, said)?,
            Ok(Event::MessageDelta { delta, usage }) => {
                self.usage = self.usage.updated(usage);
                self.stop = delta.stop_reason.or(self.stop.take());
            }
            Ok(Event::MessageStop) if self.stop.is_some() => return Ok(true),
            Ok(Event::MessageStop) => return Err(self.upstream.cut()),
            Ok(Event::ContentBlockStop { .. } | Event::Ping | Event::Unknown) => {}
            Ok(Event::Error { .. }) | Err(_) => return Err(self.complained(data)),
        }
        Ok(false)
    }

    fn has_stopped(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, said: &mut Said) -> Result<(), Error> {
        let cut_off =
            matches!(self.stop, Some(Reason::MaxTokens | Reason::ModelContextWindowExceeded));
        let mut called = false;
        for PartialCall { mut call, .. } in std::mem::take(&mut self.calls) {
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            let is_object = serde_json::from_str::<serde_json::Map<_, _>>(&call.arguments).is_ok();
            if is_object && !call.name.is_empty() && !call.id.is_empty() {
                called = true;
                said.push_back(Ok(StreamEvent::ToolCall(call)));
            } else if !cut_off {
                return Err(self
                    .upstream
                    .malformed("a call of a tool without a name or with broken arguments"));
            }
        }
        let stop = match self.stop {
            _ if called => StopReason::ToolUse,
            Some(Reason::MaxTokens) => StopReason::MaxTokens,
            Some(Reason::ModelContextWindowExceeded) => StopReason::ContextFull,
            Some(Reason::Refusal) => StopReason::Refusal,
            _ => StopReason::End,
        };
        let model = std::mem::take(if self.model.is_empty() {
            &mut self.asked_model
        } else {
            &mut self.model
        });
        said.push_back(Ok(StreamEvent::Done { stop, usage: self.usage.into(), model }));
        Ok(())
    }
}
