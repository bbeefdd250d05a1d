//! Our own request into a request for a message.

use serde_json::{Map, Value};

use super::content::{Block, CacheControl, Content};
use super::request::{Message, Request, Role, Tool};
use crate::Turn;

/// Most tokens of an answer when nobody says: the format wants a number, and every current model allows this.
const DEFAULT_MAX_TOKENS: u64 = 8_192;

/// Puts it in words that the Messages API takes. The first of the instructions is marked for caching.
pub(crate) fn encode(request: crate::Request) -> Request {
    let mut system: Vec<Block> =
        request.system.into_iter().filter(|text| !is_blank(text)).map(Block::text).collect();
    if let Some(Block::Text { cache_control, .. }) = system.first_mut() {
        *cache_control = Some(CacheControl::ephemeral());
    }
    Request {
        model: request.model,
        max_tokens: request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        messages: request.turns.into_iter().filter_map(encode_turn).collect(),
        system: (!system.is_empty()).then_some(Content::Blocks(system)),
        stream: true,
        temperature: request.temperature,
        top_p: None,
        top_k: None,
        stop_sequences: Vec::new(),
        tools: request.tools.into_iter().map(encode_tool).collect(),
        tool_choice: None,
        thinking: None,
        extra: Map::new(),
    }
}

/// A turn as a message; none for a turn that says nothing, which the API would refuse.
fn encode_turn(turn: Turn) -> Option<Message> {
    let (role, blocks) = match turn {
        Turn::User(text) => {
            return (!is_blank(&text)).then(|| Message::new(Role::User, text.into()));
        }
        Turn::Assistant { text, calls } => {
            let words = (!is_blank(&text)).then(|| Block::text(text));
            let calls = calls.into_iter().map(|call| Block::ToolUse {
                id: call.id,
                name: call.name,
                input: serde_json::from_str(&call.arguments).unwrap_or(Value::Object(Map::new())),
                cache_control: None,
            });
            (Role::Assistant, words.into_iter().chain(calls).collect::<Vec<_>>())
        }
        Turn::Results(results) => {
            let results = results.into_iter().map(|result| Block::ToolResult {
                tool_use_id: result.call,
                content: Some(result.text.into()),
                is_error: result.failed.then_some(true),
                cache_control: None,
            });
            (Role::User, results.collect())
        }
    };
    (!blocks.is_empty()).then(|| Message::new(role, Content::Blocks(blocks)))
}

fn encode_tool(tool: crate::Tool) -> Tool {
    Tool {
        name: tool.name,
        kind: None,
        description: Some(tool.description),
        input_schema: Some(tool.schema),
        cache_control: None,
        extra: Map::new(),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
