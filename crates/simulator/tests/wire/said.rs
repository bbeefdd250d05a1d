//! Asks a simulator in both interfaces, and reads what it says as naively as possible.

use serde_json::{Value, json};
use simulator::{Options, Simulator};

use crate::client::{Client, Reply};

pub const ANTHROPIC: [(&str, &str); 2] =
    [("content-type", "application/json"), ("anthropic-version", "2023-06-01")];
pub const OPENAI: [(&str, &str); 1] = [("content-type", "application/json")];

/// The two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    OpenAi,
    Anthropic,
}

pub const BOTH: [Api; 2] = [Api::OpenAi, Api::Anthropic];

/// What a stream said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    pub text: String,
    pub thinking: String,
    /// OpenAI: every entry of `tool_calls`. Anthropic: every opened tool block and its deltas.
    pub tools: Vec<Value>,
    /// The arguments of all calls, concatenated.
    pub arguments: String,
    pub finish: Option<String>,
    pub usage: Option<Value>,
    pub usages: usize,
    pub done: bool,
    pub errors: Vec<Value>,
    pub names: Vec<String>,
    /// Data that is no JSON.
    pub junk: Vec<Vec<u8>>,
}

pub async fn start() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

/// A streaming request that declares a tool, in the shape of the interface.
pub fn body(api: Api, model: &str) -> Value {
    let words = "Grüße 你好 one two three";
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    });
    let mut body = match api {
        Api::OpenAi => json!({
            "model": model, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": words}],
        }),
        Api::Anthropic => json!({
            "model": model, "stream": true, "max_tokens": 100_000,
            "messages": [{"role": "user", "content": words}],
        }),
    };
    if model.contains("think") && api == Api::Anthropic {
        body["thinking"] = json!({"type": "adaptive"});
    }
    if model.contains("tools") {
        body["tools"] = match api {
            Api::OpenAi => {
                json!([{"type": "function", "function": {"name": "get_weather", "parameters": schema}}])
            }
            Api::Anthropic => json!([{"name": "get_weather", "input_schema": schema}]),
        };
    }
    body
}

/// Begins a request.
pub async fn begin(simulator: &Simulator, api: Api, body: &Value) -> Client {
    let mut client = Client::connect(simulator.address()).await;
    let (path, headers) = match api {
        Api::OpenAi => ("/v1/chat/completions", &OPENAI[..]),
        Api::Anthropic => ("/v1/messages?beta=true", &ANTHROPIC[..]),
    };
    client.send("POST", path, headers, &body.to_string()).await;
    client
}

/// Sends a request and reads the whole response.
pub async fn exchange(simulator: &Simulator, api: Api, body: &Value) -> Reply {
    begin(simulator, api, body).await.reply().await
}

/// The response to a streaming request.
pub async fn stream(simulator: &Simulator, api: Api, model: &str) -> Reply {
    exchange(simulator, api, &body(api, model)).await
}

/// The response to a request that is not streamed.
pub async fn whole(simulator: &Simulator, api: Api, model: &str) -> Reply {
    let mut body = body(api, model);
    let fields = body.as_object_mut().unwrap();
    fields.remove("stream");
    fields.remove("stream_options");
    exchange(simulator, api, &body).await
}

/// The events of a stream: name and data. Follows the standard: a byte order mark, any line end, comments,
/// several data lines; what is not ended by an empty line is no event.
pub fn events(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let (mut events, mut name, mut data) = (Vec::new(), String::new(), Vec::<Vec<u8>>::new());
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            if !data.is_empty() {
                events.push((std::mem::take(&mut name), data.join(&b'\n')));
            }
            data.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = String::from_utf8(value.to_vec()).unwrap(),
            b"data" => data.push(value.to_vec()),
            other => assert!(other.is_empty(), "a field that nobody knows"),
        }
    }
    events
}

/// What a stream said.
pub fn said(api: Api, reply: &Reply) -> Said {
    let mut said = Said::default();
    for (name, data) in events(&reply.bytes()) {
        said.names.push(name.clone());
        if data == b"[DONE]" {
            said.done = true;
            continue;
        }
        let Ok(event) = serde_json::from_slice::<Value>(&data) else {
            said.junk.push(data);
            continue;
        };
        match api {
            Api::OpenAi => said.chunk(&event),
            Api::Anthropic => {
                assert_eq!(event["type"], name.as_str(), "{event}");
                said.event(&event);
            }
        }
    }
    said
}

// === impl Said ===

impl Said {
    fn chunk(&mut self, chunk: &Value) {
        if chunk.get("error").is_some() {
            self.errors.push(chunk["error"].clone());
        }
        if chunk["usage"].is_object() {
            self.usage = Some(chunk["usage"].clone());
            self.usages += 1;
        }
        let choice = &chunk["choices"][0];
        if choice["index"] != 0 {
            return;
        }
        let delta = &choice["delta"];
        self.text.push_str(delta["content"].as_str().unwrap_or_default());
        for field in ["reasoning_content", "reasoning"] {
            self.thinking.push_str(delta[field].as_str().unwrap_or_default());
        }
        for tool in delta["tool_calls"].as_array().into_iter().flatten() {
            self.arguments.push_str(tool["function"]["arguments"].as_str().unwrap());
            self.tools.push(tool.clone());
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = Some(finish.to_owned());
        }
    }

    fn event(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "message_start" => {
                assert_eq!(event["message"]["stop_reason"], Value::Null);
                self.usage = Some(event["message"]["usage"].clone());
                self.usages += 1;
            }
            "content_block_start" if event["content_block"]["type"] == "tool_use" => {
                self.tools.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                self.text.push_str(delta["text"].as_str().unwrap_or_default());
                self.thinking.push_str(delta["thinking"].as_str().unwrap_or_default());
                self.arguments.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "message_delta" => {
                self.finish = event["delta"]["stop_reason"].as_str().map(str::to_owned);
                self.usage = Some(event["usage"].clone());
                self.usages += 1;
            }
            "message_stop" => self.done = true,
            "error" => self.errors.push(event["error"].clone()),
            "ping" | "content_block_start" | "content_block_stop" | "note" => {}
            other => panic!("unexpected {other}"),
        }
    }
}
