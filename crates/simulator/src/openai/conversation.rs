//! Reads the messages of a Chat Completions request and checks that they follow each other as they must.

use serde_json::Value;

use super::field::{Object, wrong_type, wrong_value};
use super::request::check_name;
use crate::ask::Ask;
use crate::refusal::Refusal;

const ROLES: [&str; 6] = ["system", "assistant", "user", "function", "tool", "developer"];

/// Reads the messages.
pub(super) fn read(messages: &[Value], proper: bool, ask: &mut Ask) -> Result<(), Refusal> {
    let mut reader = Reader { ask, open: Vec::new(), answered: Vec::new(), proper };
    for (number, message) in messages.iter().enumerate() {
        reader.message(&Object::new(message, format!("messages[{number}]"))?)?;
    }
    reader.close_calls()
}

/// Reads one message after the other.
struct Reader<'a> {
    ask: &'a mut Ask,
    /// Ids of the calls that wait for a result.
    open: Vec<String>,
    /// Ids of the calls of the same turn that have one.
    answered: Vec<String>,
    proper: bool,
}

// === impl Reader ===

impl Reader<'_> {
    fn message(&mut self, message: &Object<'_>) -> Result<(), Refusal> {
        let role = message.need_text("role")?;
        if role != "tool" {
            self.close_calls()?;
        }
        match role {
            "user" => {
                self.ask.results.clear();
                self.ask.words =
                    self.content(message, &["text", "image_url", "input_audio", "file"])?;
                Ok(())
            }
            "system" | "developer" => self.content(message, &["text"]).map(drop),
            "assistant" => self.assistant(message),
            "tool" => self.tool(message),
            "function" => Err(Refusal::invalid(
                "Invalid parameter: messages with role 'function' are no longer supported.",
            )
            .param(message.path("role"))),
            other => Err(wrong_value(&message.path("role"), other, &ROLES)),
        }
    }

    fn assistant(&mut self, message: &Object<'_>) -> Result<(), Refusal> {
        self.ask.turns += 1;
        self.ask.results.clear();
        for name in ["reasoning_content", "reasoning"] {
            if self.proper && message.get(name).is_some() {
                let path = message.path(name);
                let refusal = Refusal::invalid(format!("Unknown parameter: '{path}'."));
                return Err(refusal.param(path).code("unknown_parameter"));
            }
            if let Some(text) = message.text(name)? {
                self.ask.size.text(text);
            }
        }
        let calls = message.list("tool_calls")?;
        if calls.is_none() || message.get("content").is_some() {
            self.content(message, &["text", "refusal"])?;
        }
        for (number, call) in calls.into_iter().flatten().enumerate() {
            let id = self.call(call, message.path(&format!("tool_calls[{number}]")))?;
            self.open.push(id);
        }
        Ok(())
    }

    fn call(&mut self, call: &Value, path: String) -> Result<String, Refusal> {
        let call = Object::new(call, path)?;
        let id = call.need_text("id")?;
        match call.need_text("type")? {
            "function" => {}
            other => return Err(wrong_value(&call.path("type"), other, &["function"])),
        }
        let function = Object::new(call.need("function")?, call.path("function"))?;
        let name = function.need_text("name")?;
        check_name(name, &function.path("name"))?;
        let arguments = match function.need("arguments")? {
            Value::String(arguments) => arguments,
            other => return Err(wrong_type(&function.path("arguments"), "a string", other)),
        };
        self.ask.size.text(name);
        self.ask.size.text(arguments);
        Ok(id.to_owned())
    }

    fn tool(&mut self, message: &Object<'_>) -> Result<(), Refusal> {
        let Some(id) = message.text("tool_call_id")? else {
            let message_path = message.path("tool_call_id");
            let text = "Missing parameter 'tool_call_id': messages with role 'tool' must have a \
                        'tool_call_id'.";
            return Err(Refusal::invalid(text).param(message_path));
        };
        let Some(position) = self.open.iter().position(|open| open == id) else {
            let text = if self.answered.iter().any(|answered| answered == id) {
                format!("Duplicate value for 'tool_call_id' of '{id}'.")
            } else {
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding \
                 message with 'tool_calls'."
                    .to_owned()
            };
            return Err(Refusal::invalid(text).param(message.path("role")));
        };
        self.answered.push(self.open.remove(position));
        let text = self.content(message, &["text"])?;
        self.ask.results.push(text);
        self.ask.has_results = true;
        Ok(())
    }

    /// Every call must have its result before anything else is said.
    fn close_calls(&mut self) -> Result<(), Refusal> {
        self.answered.clear();
        if self.open.is_empty() {
            return Ok(());
        }
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
             'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            self.open.join(", ")
        );
        Err(Refusal::invalid(message).param("messages"))
    }

    /// The text of a message: a string, or parts of the allowed types.
    fn content(&mut self, message: &Object<'_>, allowed: &[&str]) -> Result<String, Refusal> {
        let path = message.path("content");
        let parts = match message.get("content") {
            Some(Value::String(text)) => {
                self.ask.size.text(text);
                return Ok(text.clone());
            }
            Some(Value::Array(_)) => message.list("content")?.map_or(&[][..], Vec::as_slice),
            Some(other) => {
                return Err(wrong_type(&path, "one of a string or array of objects", other));
            }
            None => {
                let text = "Invalid value for 'content': expected a string, got null.";
                return Err(Refusal::invalid(text).param(path));
            }
        };
        let mut words = String::new();
        for (number, part) in parts.iter().enumerate() {
            let part = Object::new(part, format!("{path}[{number}]"))?;
            let kind = part.need_text("type")?;
            if !allowed.contains(&kind) {
                return Err(wrong_value(&part.path("type"), kind, allowed));
            }
            self.part(&part, kind, &mut words)?;
        }
        Ok(words)
    }

    fn part(&mut self, part: &Object<'_>, kind: &str, words: &mut String) -> Result<(), Refusal> {
        if let "text" | "refusal" = kind {
            let text = match part.need(kind)? {
                Value::String(text) => text,
                other => return Err(wrong_type(&part.path(kind), "a string", other)),
            };
            self.ask.size.text(text);
            if !words.is_empty() {
                words.push('\n');
            }
            words.push_str(text);
            return Ok(());
        }
        let body = Object::new(part.need(kind)?, part.path(kind))?;
        if kind == "image_url" {
            let url = body.need_text("url")?;
            if !["data:image/", "https://", "http://"].iter().any(|start| url.starts_with(start)) {
                let text = format!("Invalid '{}': expected a URL or a data URL.", body.path("url"));
                let refusal = Refusal::invalid(text).param(body.path("url"));
                return Err(refusal.code("invalid_image_url"));
            }
        }
        self.ask.size.image();
        Ok(())
    }
}
