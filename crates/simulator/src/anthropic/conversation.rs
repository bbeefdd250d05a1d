//! Reads the system prompt and the messages of a Messages request and checks that they follow each other as
//! they must.

use serde_json::Value;

use super::field::{Object, complaint};
use super::request::{Dialect, is_plain};
use super::signature;
use crate::ask::Ask;
use crate::refusal::Refusal;

/// Reads the system prompt.
pub(super) fn system(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    match request.get("system") {
        None => Ok(()),
        Some(Value::String(text)) => {
            ask.size.text(text);
            Ok(())
        }
        Some(Value::Array(blocks)) => {
            for (number, block) in blocks.iter().enumerate() {
                let block = Object::new(block, format!("system.{number}"))?;
                if block.need_text("type")? != "text" {
                    return Err(block.wrong("type", "Input should be 'text'"));
                }
                text(&block, ask)?;
            }
            Ok(())
        }
        Some(_) => Err(request.wrong("system", "Input should be a valid string or list")),
    }
}

/// Reads the messages.
pub(super) fn read(messages: &[Value], dialect: &Dialect, ask: &mut Ask) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(complaint("messages", "at least one message is required"));
    }
    let mut reader = Reader { ask, dialect, open: Vec::new(), seen: Vec::new(), opened_at: 0 };
    for (number, message) in messages.iter().enumerate() {
        let message = Object::new(message, format!("messages.{number}"))?;
        message.only(&["role", "content", "output_config"])?;
        let role = message.need_text("role")?;
        match role {
            "user" => reader.user(&message)?,
            _ if number == 0 && matches!(role, "assistant" | "system") => {
                return Err(complaint("messages", "first message must use the \"user\" role"));
            }
            "assistant" => reader.assistant(&message, number, number + 1 == messages.len())?,
            "system" if dialect.beta("mid-conversation-system-") => reader.system(&message)?,
            _ => return Err(message.wrong("role", "Input should be 'user' or 'assistant'")),
        }
    }
    reader.close_calls()
}

/// Reads one message after the other.
struct Reader<'a> {
    ask: &'a mut Ask,
    dialect: &'a Dialect,
    /// Ids of the calls that wait for a result.
    open: Vec<String>,
    /// Ids of all calls.
    seen: Vec<String>,
    /// The message of the waiting calls.
    opened_at: usize,
}

// === impl Reader ===

impl Reader<'_> {
    fn user(&mut self, message: &Object<'_>) -> Result<(), Refusal> {
        let blocks = match self.content(message, false)? {
            Content::Text(words) => {
                self.close_calls()?;
                self.ask.results.clear();
                self.ask.words = words;
                return Ok(());
            }
            Content::Blocks(blocks) => blocks,
        };
        let mut words: Vec<&str> = Vec::new();
        let mut results = Vec::new();
        for block in &blocks {
            match block.need_text("type")? {
                "tool_result" => {
                    if !words.is_empty() {
                        self.close_calls()?;
                    }
                    results.push(self.tool_result(block)?);
                }
                "text" => {
                    let cited = block.get("citations").and_then(Value::as_array);
                    if self.dialect.new && cited.is_some_and(|cited| !cited.is_empty()) {
                        return Err(block.wrong("citations", "Extra inputs are not permitted"));
                    }
                    words.push(text(block, self.ask)?);
                }
                "image" | "document" => self.source(block)?,
                "search_result" | "container_upload" | "tool_reference" | "tool_addition"
                | "tool_removal" => {}
                other => return Err(unexpected(block, other)),
            }
        }
        self.close_calls()?;
        self.ask.has_results |= !results.is_empty();
        self.ask.results = results;
        if !words.is_empty() {
            self.ask.words = words.join("\n");
        }
        Ok(())
    }

    fn system(&mut self, message: &Object<'_>) -> Result<(), Refusal> {
        if let Content::Blocks(blocks) = self.content(message, true)? {
            for block in &blocks {
                text(block, self.ask)?;
            }
        }
        Ok(())
    }

    fn assistant(
        &mut self,
        message: &Object<'_>,
        number: usize,
        last: bool,
    ) -> Result<(), Refusal> {
        self.close_calls()?;
        self.ask.turns += 1;
        self.ask.results.clear();
        let mut end = String::new();
        match self.content(message, last)? {
            Content::Text(words) => end = words,
            Content::Blocks(blocks) => {
                for block in &blocks {
                    end.clear();
                    match block.need_text("type")? {
                        "text" => text(block, self.ask)?.clone_into(&mut end),
                        "thinking" => self.thinking(block)?,
                        "redacted_thinking" => block.need_text("data").map(drop)?,
                        "tool_use" => self.tool_use(block, number)?,
                        "document" if !self.dialect.new => self.source(block)?,
                        "server_tool_use" | "compaction" | "fallback" => {}
                        other if other.ends_with("_tool_result") => {}
                        other => return Err(unexpected(block, other)),
                    }
                }
            }
        }
        if last && end.ends_with(char::is_whitespace) {
            let problem = "final assistant content cannot end with trailing whitespace";
            return Err(complaint("messages", problem));
        }
        Ok(())
    }

    fn thinking(&mut self, block: &Object<'_>) -> Result<(), Refusal> {
        let thought = block.need_text("thinking")?;
        self.ask.size.text(thought);
        if block.need_text("signature")? != signature(thought) {
            let path = block.path("");
            let path = path.trim_end_matches('.');
            return Err(complaint(path, "Invalid `signature` in `thinking` block"));
        }
        Ok(())
    }

    fn tool_use(&mut self, block: &Object<'_>, number: usize) -> Result<(), Refusal> {
        let id = block.need_text("id")?;
        if !is_plain(id) {
            return Err(block.wrong("id", "String should match pattern '^[a-zA-Z0-9_-]+$'"));
        }
        if self.seen.iter().any(|seen| seen == id) {
            return Err(complaint("messages", "`tool_use` ids must be unique"));
        }
        let input = block.need("input")?;
        Object::new(input, block.path("input"))?;
        self.ask.size.text(block.need_text("name")?);
        self.ask.size.json(input);
        self.seen.push(id.to_owned());
        self.open.push(id.to_owned());
        self.opened_at = number;
        Ok(())
    }

    fn tool_result(&mut self, block: &Object<'_>) -> Result<String, Refusal> {
        let id = block.need_text("tool_use_id")?;
        let Some(position) = self.open.iter().position(|open| open == id) else {
            let path = block.path("");
            let problem = format!(
                "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block \
                 must have a corresponding `tool_use` block in the previous message."
            );
            return Err(complaint(path.trim_end_matches('.'), &problem));
        };
        self.open.remove(position);
        block.flag("is_error")?;
        let mut words = String::new();
        match block.get("content") {
            None => {}
            Some(Value::String(text)) => {
                self.ask.size.text(text);
                words.push_str(text);
            }
            Some(Value::Array(parts)) => {
                for (number, part) in parts.iter().enumerate() {
                    let part = Object::new(part, block.path(&format!("content.{number}")))?;
                    match part.need_text("type")? {
                        "text" => words.push_str(text(&part, self.ask)?),
                        "image" | "document" => self.source(&part)?,
                        "search_result" | "tool_reference" => {}
                        other => return Err(unexpected(&part, other)),
                    }
                }
            }
            Some(_) => {
                return Err(block.wrong("content", "Input should be a valid string or list"));
            }
        }
        Ok(words)
    }

    /// Every call must have its result at the beginning of the next user message.
    fn close_calls(&mut self) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return Ok(());
        }
        let problem = format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` \
             block must have a corresponding `tool_result` block in the next message.",
            self.open.join(", ")
        );
        Err(complaint(&format!("messages.{}", self.opened_at), &problem))
    }

    /// The content of a message. `may_be_empty`: the last message of the assistant, and directives.
    fn content<'m>(
        &mut self,
        message: &Object<'m>,
        may_be_empty: bool,
    ) -> Result<Content<'m>, Refusal> {
        let path = message.path("content");
        let (content, empty) = match message.need("content")? {
            Value::String(text) => {
                self.ask.size.text(text);
                (Content::Text(text.clone()), text.is_empty())
            }
            Value::Array(blocks) => {
                let block = |(number, block)| Object::new(block, format!("{path}.{number}"));
                let blocks: Result<Vec<_>, _> = blocks.iter().enumerate().map(block).collect();
                let blocks = blocks?;
                let empty = blocks.is_empty();
                (Content::Blocks(blocks), empty)
            }
            _ => return Err(message.wrong("content", "Input should be a valid string or list")),
        };
        if empty && !may_be_empty {
            let place = path.trim_end_matches(".content");
            let problem = "all messages must have non-empty content except for the optional final \
                           assistant message";
            return Err(complaint(place, problem));
        }
        Ok(content)
    }

    /// An image or document.
    fn source(&mut self, block: &Object<'_>) -> Result<(), Refusal> {
        let source = Object::new(block.need("source")?, block.path("source"))?;
        match source.need_text("type")? {
            "base64" => {
                source.need_text("media_type")?;
                source.need_text("data")?;
            }
            "url" => source.need_text("url").map(drop)?,
            "file" => source.need_text("file_id").map(drop)?,
            "text" => self.ask.size.text(source.need_text("data")?),
            "content" => self.ask.size.json(source.need("content")?),
            other => return Err(unexpected(&source, other)),
        }
        self.ask.size.image();
        Ok(())
    }
}

/// What stands in a message.
enum Content<'a> {
    Text(String),
    Blocks(Vec<Object<'a>>),
}

/// The text of a text block, counted.
fn text<'a>(block: &Object<'a>, ask: &mut Ask) -> Result<&'a str, Refusal> {
    let text = block.need_text("text")?;
    if text.is_empty() {
        return Err(complaint("messages", "text content blocks must be non-empty"));
    }
    ask.size.text(text);
    Ok(text)
}

fn unexpected(block: &Object<'_>, kind: &str) -> Refusal {
    block.wrong("type", &format!("Input tag '{kind}' is not one of the expected tags"))
}
