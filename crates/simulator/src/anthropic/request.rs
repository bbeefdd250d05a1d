//! Reads a Messages request as strictly as Anthropic does.

use http::HeaderMap;
use serde_json::Value;

use super::conversation;
use super::field::{Object, complaint};
use crate::ask::{Ask, Choice, Tool};
use crate::refusal::Refusal;

/// Fields of a request. Those of betas are in [`BETA_FIELDS`].
const KNOWN: &[&str] = &[
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Fields that only exist with a beta, and how its name begins.
const BETA_FIELDS: [(&str, &str); 2] =
    [("context_management", "context-management-"), ("mcp_servers", "mcp-client-")];

/// Fields that version 2026-10-21 removed.
const REMOVED: [&str; 3] = ["temperature", "top_p", "top_k"];

/// How the types of tools begin that the server itself, or a client by convention, runs.
const SERVER_TOOLS: [&str; 9] = [
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "bash_",
    "text_editor_",
    "computer_",
    "memory_",
    "tool_search_",
    "mcp_toolset",
];

/// What the headers say about how to read the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Version 2026-10-21 rather than 2023-06-01.
    pub new: bool,
    betas: String,
}

// === impl Dialect ===

impl Dialect {
    /// Reads the headers.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let new = match text("anthropic-version") {
            Some("2023-06-01") => false,
            Some("2026-10-21") => true,
            None => return Err(complaint("anthropic-version", "header is required")),
            Some(other) => {
                let problem = format!("\"{other}\" is not a valid version");
                return Err(complaint("anthropic-version", &problem));
            }
        };
        Ok(Self { new, betas: text("anthropic-beta").unwrap_or_default().to_owned() })
    }

    /// Whether a beta whose name begins so is on.
    pub fn beta(&self, beginning: &str) -> bool {
        self.betas.split(',').any(|beta| beta.trim().starts_with(beginning))
    }
}

/// Reads a request. `counting`: it only asks for the number of its tokens.
pub fn read(body: &Value, dialect: &Dialect, counting: bool) -> Result<Ask, Refusal> {
    let request = Object::new(body, "")?;
    request.only(KNOWN)?;
    for (name, beta) in BETA_FIELDS {
        if request.get(name).is_some() && !dialect.beta(beta) {
            return Err(request.wrong(name, "Extra inputs are not permitted"));
        }
    }
    let removed = |name: &&&str| request.get(name).is_some();
    if let Some(name) = REMOVED.iter().find(removed).filter(|_| dialect.new) {
        return Err(request.wrong(name, "Extra inputs are not permitted"));
    }
    let model = request.need_text("model")?;
    if model.is_empty() {
        return Err(request.wrong("model", "String should have at least 1 character"));
    }
    let mut ask = Ask { model: model.to_owned(), parallel: true, ..Ask::default() };
    ask.stream = request.flag("stream")?.unwrap_or(false);
    let max_tokens = limit(&request, counting)?;
    ask.max_tokens = max_tokens.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
    request.number("temperature", 0.0, 1.0)?;
    request.number("top_p", 0.0, 1.0)?;
    request.integer("top_k", 0)?;
    ask.stop = stop(&request)?;
    thinking(&request, max_tokens, &mut ask)?;
    if let Some(metadata) = request.get("metadata") {
        let metadata = Object::new(metadata, "metadata")?;
        metadata.only(&["user_id"])?;
        ask.conversation = metadata.get("user_id").and_then(Value::as_str).map(str::to_owned);
    }
    tools(&request, &mut ask)?;
    if ask.may_think && ask.forces_tool() {
        return Err(Refusal::invalid(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    format(&request, &mut ask)?;
    conversation::system(&request, &mut ask)?;
    request.need("messages")?;
    conversation::read(request.list("messages")?.map_or(&[], Vec::as_slice), dialect, &mut ask)?;
    Ok(ask)
}

fn limit(request: &Object<'_>, counting: bool) -> Result<Option<u64>, Refusal> {
    let limit = request.integer("max_tokens", 1)?;
    match (counting, limit) {
        (true, Some(_)) => Err(request.wrong("max_tokens", "Extra inputs are not permitted")),
        (false, None) => Err(request.wrong("max_tokens", "Field required")),
        (_, limit) => Ok(limit),
    }
}

fn stop(request: &Object<'_>) -> Result<Vec<String>, Refusal> {
    let texts = request.list("stop_sequences")?.map_or(&[][..], Vec::as_slice);
    let text = |(number, value): (usize, &Value)| match value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        Some(_) => {
            Err(complaint("stop_sequences", "each stop sequence must contain non-whitespace"))
        }
        None => {
            Err(complaint(&format!("stop_sequences.{number}"), "Input should be a valid string"))
        }
    };
    texts.iter().enumerate().map(text).collect()
}

fn thinking(request: &Object<'_>, max_tokens: Option<u64>, ask: &mut Ask) -> Result<(), Refusal> {
    let Some(thinking) = request.get("thinking") else { return Ok(()) };
    let thinking = Object::new(thinking, "thinking")?;
    match thinking.need_text("type")? {
        "disabled" => return Ok(()),
        "adaptive" => {}
        "enabled" => {
            let budget = thinking.integer("budget_tokens", 1_024)?;
            let budget = budget.ok_or_else(|| thinking.wrong("budget_tokens", "Field required"))?;
            if max_tokens.is_some_and(|limit| budget >= limit) {
                return Err(Refusal::invalid(
                    "`max_tokens` must be greater than `thinking.budget_tokens`.",
                ));
            }
        }
        _ => {
            let problem = "Input should be 'enabled', 'adaptive' or 'disabled'";
            return Err(thinking.wrong("type", problem));
        }
    }
    if request.get("temperature").and_then(Value::as_f64).is_some_and(|heat| heat < 1.0) {
        return Err(Refusal::invalid(
            "`temperature` may only be set to 1 when thinking is enabled.",
        ));
    }
    ask.may_think = true;
    Ok(())
}

fn tools(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    for (number, tool) in request.list("tools")?.into_iter().flatten().enumerate() {
        let tool = Object::new(tool, format!("tools.{number}"))?;
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or("custom");
        if kind != "custom" {
            if !SERVER_TOOLS.iter().any(|start| kind.starts_with(start)) {
                return Err(tool.wrong("type", &format!("'{kind}' is not a known type of tool")));
            }
            continue;
        }
        if let Some(description) = tool.get("description") {
            ask.size.json(description);
        }
        let tool = custom(&tool)?;
        if ask.tools.iter().any(|other| other.name == tool.name) {
            return Err(complaint("tools", "Tool names must be unique."));
        }
        ask.size.text(&tool.name);
        ask.size.json(&tool.schema);
        ask.tools.push(tool);
    }
    choice(request, ask)
}

fn custom(tool: &Object<'_>) -> Result<Tool, Refusal> {
    let name = tool.need_text("name")?;
    if !is_plain(name) || name.len() > 128 {
        let problem = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
        return Err(tool.wrong("custom.name", problem));
    }
    let schema = tool.need("input_schema")?;
    let fields = Object::new(schema, tool.path("custom.input_schema"))?;
    if fields.need_text("type")? != "object" {
        return Err(fields.wrong("type", "Input should be 'object'"));
    }
    Ok(Tool { name: name.to_owned(), schema: schema.clone() })
}

/// Whether a text may be a name or an id.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn choice(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    let Some(choice) = request.get("tool_choice") else { return Ok(()) };
    if request.list("tools")?.is_none_or(Vec::is_empty) {
        return Err(complaint("tool_choice", "may only be specified while providing `tools`"));
    }
    let choice = Object::new(choice, "tool_choice")?;
    ask.choice = match choice.need_text("type")? {
        "auto" => Choice::Auto,
        "any" => Choice::Any,
        "none" => Choice::Never,
        "tool" => Choice::Named(choice.need_text("name")?.to_owned()),
        _ => {
            let problem = "Input should be 'auto', 'any', 'tool' or 'none'";
            return Err(choice.wrong("type", problem));
        }
    };
    if let Choice::Named(name) = &ask.choice {
        let listed = |tool: &Value| tool.get("name").and_then(Value::as_str) == Some(name);
        if !request.list("tools")?.is_some_and(|tools| tools.iter().any(listed)) {
            let problem = format!("Tool '{name}' not found in provided tools");
            return Err(complaint("tool_choice", &problem));
        }
    }
    ask.parallel = !choice.flag("disable_parallel_tool_use")?.unwrap_or(false);
    Ok(())
}

/// The schema that the answer must follow, in its present place or in the one it had as a beta.
fn format(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    let config = request.get("output_config").map(|config| Object::new(config, "output_config"));
    let config = config.transpose()?;
    if let Some(config) = &config {
        let effort = config.get("effort").and_then(Value::as_str);
        if effort.is_some_and(|word| !["low", "medium", "high", "xhigh", "max"].contains(&word)) {
            let problem = "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'";
            return Err(config.wrong("effort", problem));
        }
    }
    let format = config.as_ref().and_then(|config| config.get("format"));
    let Some(format) = format.or_else(|| request.get("output_format")) else { return Ok(()) };
    let format = Object::new(format, "output_config.format")?;
    if format.need_text("type")? != "json_schema" {
        return Err(format.wrong("type", "Input should be 'json_schema'"));
    }
    ask.format = Some(format.need("schema")?.clone());
    Ok(())
}
