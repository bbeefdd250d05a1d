//! Our own request into a request for a chat completion.

use crate::{Turn, openai as wire};

/// Puts it in words that OpenAI, vLLM, `SGLang` and their kin take. Fields that were not asked for are not sent.
pub(crate) fn encode(request: crate::Request) -> wire::Request {
    let mut messages = Vec::with_capacity(request.turns.len() + 1);
    let system: Vec<String> = request.system.into_iter().filter(|text| !text.is_empty()).collect();
    if !system.is_empty() {
        messages.push(wire::Message::new(wire::Role::System, system.join("\n\n")));
    }
    for turn in request.turns {
        encode_turn(turn, &mut messages);
    }
    let counts_thoughts = counts_thoughts(&request.model);
    wire::Request {
        messages,
        stream: true,
        stream_options: Some(wire::StreamOptions { include_usage: true }),
        max_tokens: request.max_tokens.filter(|_| !counts_thoughts),
        max_completion_tokens: request.max_tokens.filter(|_| counts_thoughts),
        temperature: request.temperature,
        tools: request.tools.into_iter().map(encode_tool).collect(),
        model: request.model,
        ..wire::Request::default()
    }
}

fn encode_turn(turn: Turn, messages: &mut Vec<wire::Message>) {
    match turn {
        Turn::User(text) => messages.push(wire::Message::new(wire::Role::User, text)),
        Turn::Assistant { text, calls } => {
            let mut message = wire::Message::new(wire::Role::Assistant, text);
            message.tool_calls = calls
                .into_iter()
                .map(|call| wire::ToolCall::new(call.id, call.name, call.arguments))
                .collect();
            messages.push(message);
        }
        Turn::Results(results) => messages.extend(results.into_iter().map(|result| {
            let text = match (result.text.is_empty(), result.failed) {
                (true, false) => "(no output)".to_owned(),
                (_, true) => format!("Error: {}", result.text),
                (false, false) => result.text,
            };
            let mut message = wire::Message::new(wire::Role::Tool, text);
            message.tool_call_id = Some(result.call);
            message
        })),
    }
}

fn encode_tool(tool: crate::Tool) -> wire::Tool {
    wire::Tool::Function {
        function: wire::Function {
            name: tool.name,
            description: Some(tool.description),
            parameters: Some(tool.schema),
            strict: None,
        },
    }
}

/// Whether the model takes `max_completion_tokens` and refuses `max_tokens`: OpenAI's o-series and GPT-5
/// and later.
fn counts_thoughts(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let generation =
        name.strip_prefix("gpt-").map(digits).and_then(|count| count.parse::<u32>().ok());
    let is_o_series = name.strip_prefix('o').is_some_and(|rest| !digits(rest).is_empty());
    is_o_series || generation.is_some_and(|generation| generation >= 5)
}
