//! Writes an answer as Messages events, or as one message.

use serde::Serialize;
use serde_json::{Value, json};

use super::signature;
use crate::ask::Ask;
use crate::catalogue::catalogue;
use crate::compose::Wire;
use crate::plan::{Finish, Piece, Plan, ToolPiece, Usage};
use crate::recipe::{Recipe, UsageMode};
use crate::reel::Event;

/// When the simulated models were made.
const CREATED_AT: &str = "2026-01-01T00:00:00Z";

/// Writes one answer.
pub struct Reply<'a> {
    plan: &'a Plan,
    model: &'a str,
    id: String,
    tells_usage: bool,
    index_zero: bool,
    /// What the open block is, if one is open.
    open: Option<Kind>,
    /// How many blocks were opened.
    blocks: usize,
    thinking: String,
}

/// The kinds of content blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thinking,
    Text,
    Tool(usize),
}

/// The list of models: an example of every word of the catalogue, and the given names.
pub fn models<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let examples = catalogue().iter().flat_map(|section| section.items).map(|item| item.example);
    let model =
        |id: &str| json!({"type": "model", "id": id, "display_name": id, "created_at": CREATED_AT});
    let data: Vec<Value> = names.chain(examples).map(model).collect();
    let id = |model: Option<&Value>| model.and_then(|model| model.get("id")).cloned();
    json!({"first_id": id(data.first()), "last_id": id(data.last()), "has_more": false, "data": data})
}

/// The answer to a question about the size of a prompt.
pub fn count(ask: &Ask) -> Value {
    json!({"input_tokens": ask.size.tokens()})
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: usize, content_block: Block<'a> },
    ContentBlockDelta { index: usize, delta: Delta<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: Ending<'a>, usage: UsageBody },
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'a str>,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    ToolUse {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Option<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<Option<&'a str>>,
        input: Value,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: Option<&'a str>,
    stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
struct UsageBody {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

// === impl Reply ===

impl<'a> Reply<'a> {
    /// The answer with this number.
    pub fn new(plan: &'a Plan, ask: &'a Ask, recipe: &Recipe, number: u64) -> Self {
        Self {
            plan,
            model: &ask.model,
            id: format!("msg_sim{number:08}"),
            tells_usage: recipe.content.usage != UsageMode::Never,
            index_zero: recipe.shape.index_zero,
            open: None,
            blocks: 0,
            thinking: String::new(),
        }
    }

    fn message(&self, content: Vec<Block<'a>>, ending: Ending<'a>, output: u64) -> Message<'_> {
        Message {
            id: &self.id,
            kind: "message",
            role: "assistant",
            model: self.model,
            content,
            stop_reason: ending.stop_reason,
            stop_sequence: ending.stop_sequence,
            usage: Some(self.usage(output)),
        }
    }

    /// The usage with this many tokens of answer; zeros when it is not to be told.
    fn usage(&self, output_tokens: u64) -> UsageBody {
        let Usage { prompt, cached, .. } = self.plan.usage;
        let told = |tokens| if self.tells_usage { tokens } else { 0 };
        UsageBody {
            input_tokens: told(prompt - cached),
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: told(cached),
            output_tokens: told(output_tokens),
        }
    }

    fn ending(&self) -> Ending<'a> {
        let (stop_reason, stop_sequence) = match &self.plan.finish {
            Finish::Stop => (Some("end_turn"), None),
            Finish::StopText(text) => (Some("stop_sequence"), Some(text.as_str())),
            Finish::Length => (Some("max_tokens"), None),
            Finish::Tools => (Some("tool_use"), None),
            Finish::Unsaid => (None, None),
            Finish::Other(word) if word == "content_filter" => (Some("refusal"), None),
            Finish::Other(word) => (Some(word.as_str()), None),
        };
        Ending { stop_reason, stop_sequence }
    }

    /// The index of the open block.
    fn index(&self) -> usize {
        if self.index_zero { 0 } else { self.blocks.saturating_sub(1) }
    }

    /// Makes sure that the open block is the one that a piece belongs to.
    fn turn_to(&mut self, kind: Kind, block: Block<'_>, events: &mut Vec<Event>) {
        if self.open == Some(kind) {
            return;
        }
        self.close(events);
        self.open = Some(kind);
        self.blocks += 1;
        let index = self.index();
        push(
            events,
            "content_block_start",
            &Said::ContentBlockStart { index, content_block: block },
        );
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        let index = self.index();
        if self.open == Some(Kind::Thinking) {
            let signature = signature(&std::mem::take(&mut self.thinking));
            let delta = Delta::Signature { signature };
            push(events, "content_block_delta", &Said::ContentBlockDelta { index, delta });
        }
        if self.open.take().is_some() {
            push(events, "content_block_stop", &Said::ContentBlockStop { index });
        }
    }

    fn delta(&self, delta: Delta<'_>, events: &mut Vec<Event>) {
        let index = self.index();
        push(events, "content_block_delta", &Said::ContentBlockDelta { index, delta });
    }

    /// The blocks of an answer in one body.
    fn content(&self) -> Vec<Block<'a>> {
        let (mut thinking, mut text) = (String::new(), String::new());
        let mut calls: Vec<(&ToolPiece, String)> = Vec::new();
        for piece in &self.plan.pieces {
            match piece {
                Piece::Thinking(part) => thinking.push_str(part),
                Piece::Text(part) => text.push_str(part),
                Piece::Tool(part) if part.opens => calls.push((part, part.arguments.clone())),
                Piece::Tool(part) => {
                    if let Some((_, arguments)) = calls.get_mut(part.call) {
                        arguments.push_str(&part.arguments);
                    }
                }
            }
        }
        let mut content = Vec::new();
        if !thinking.is_empty() {
            content.push(Block::Thinking { signature: signature(&thinking), thinking });
        }
        if !text.is_empty() {
            content.push(Block::Text { text });
        }
        content.extend(calls.into_iter().map(|(piece, arguments)| Block::ToolUse {
            id: piece.id.nullable(),
            name: piece.name.nullable(),
            // What is no JSON cannot stand in a body as JSON: it stands there as text.
            input: serde_json::from_str(&arguments).unwrap_or(Value::String(arguments)),
        }));
        content
    }
}

impl Wire for Reply<'_> {
    fn opening(&mut self, events: &mut Vec<Event>) {
        let unsaid = Ending { stop_reason: None, stop_sequence: None };
        let message = self.message(Vec::new(), unsaid, 1);
        push(events, "message_start", &Said::MessageStart { message });
        events.extend(self.ping());
    }

    fn piece(&mut self, piece: &Piece, events: &mut Vec<Event>) {
        match piece {
            Piece::Thinking(thinking) => {
                let block = Block::Thinking { thinking: String::new(), signature: String::new() };
                self.turn_to(Kind::Thinking, block, events);
                self.thinking.push_str(thinking);
                self.delta(Delta::Thinking { thinking }, events);
            }
            Piece::Text(text) => {
                self.turn_to(Kind::Text, Block::Text { text: String::new() }, events);
                self.delta(Delta::Text { text }, events);
            }
            Piece::Tool(tool) => {
                let block = Block::ToolUse {
                    id: tool.id.nullable(),
                    name: tool.name.nullable(),
                    input: json!({}),
                };
                self.turn_to(Kind::Tool(tool.call), block, events);
                self.delta(Delta::Input { partial_json: &tool.arguments }, events);
            }
        }
    }

    fn ending(&mut self, events: &mut Vec<Event>) {
        self.close(events);
        let delta = Reply::ending(self);
        let usage = self.usage(self.plan.usage.completion);
        push(events, "message_delta", &Said::MessageDelta { delta, usage });
    }

    fn done(&self) -> Event {
        named("message_stop", r#"{"type":"message_stop"}"#)
    }

    fn error(&self) -> Event {
        named(
            "error",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        )
    }

    fn unknown(&self) -> Event {
        named("note", r#"{"type":"note","note":{"any":["thing"]}}"#)
    }

    fn ping(&self) -> Option<Event> {
        Some(named("ping", r#"{"type":"ping"}"#))
    }

    fn whole(&mut self) -> String {
        let message = self.message(self.content(), Reply::ending(self), self.plan.usage.completion);
        serde_json::to_string(&message).unwrap_or_default()
    }
}

fn named(name: &'static str, data: &str) -> Event {
    Event { name: Some(name), data: data.to_owned() }
}

fn push(events: &mut Vec<Event>, name: &'static str, said: &Said<'_>) {
    events.push(Event { name: Some(name), data: serde_json::to_string(said).unwrap_or_default() });
}
