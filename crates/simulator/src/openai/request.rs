//! Reads a Chat Completions request as strictly as OpenAI does.

use serde_json::Value;

use super::conversation;
use super::field::{Object, wrong_type, wrong_value};
use crate::ask::{Ask, Choice, Tool};
use crate::refusal::Refusal;

/// Fields that OpenAI documents.
const KNOWN: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// Fields that vLLM, `SGLang` and the makers of open models add.
const OPEN: &[&str] = &[
    "add_generation_prompt",
    "bad_words",
    "cache_salt",
    "chat_template",
    "chat_template_kwargs",
    "continue_final_message",
    "ignore_eos",
    "include_reasoning",
    "include_stop_str_in_output",
    "length_penalty",
    "min_p",
    "min_tokens",
    "mm_processor_kwargs",
    "priority",
    "repetition_penalty",
    "request_id",
    "return_token_ids",
    "separate_reasoning",
    "skip_special_tokens",
    "stop_token_ids",
    "stream_reasoning",
    "structured_outputs",
    "thinking",
    "thinking_token_budget",
    "tool_stream",
    "top_k",
];

/// Longest name of a function, in characters.
const LONGEST_NAME: usize = 64;

/// Reads a request. `proper`: fields that OpenAI does not document are refused.
pub fn read(body: &Value, proper: bool) -> Result<Ask, Refusal> {
    let request = Object::new(body, "")?;
    let model = match request.get("model") {
        None => return Err(Refusal::invalid("you must provide a model parameter")),
        Some(_) => request.need_text("model")?.to_owned(),
    };
    let unknown = |name: &&str| !KNOWN.contains(name) && (proper || !OPEN.contains(name));
    if let Some(name) = request.names().find(unknown) {
        let refusal = Refusal::invalid(format!("Unknown parameter: '{name}'."));
        return Err(refusal.param(name).code("unknown_parameter"));
    }
    scalars(&request)?;
    let mut ask = Ask { model, ..Ask::default() };
    ask.stream = request.flag("stream")?.unwrap_or(false);
    stream_options(&request, &mut ask)?;
    ask.max_tokens = limit(&request)?;
    ask.choices = request.integer("n", 1)?.unwrap_or(1).min(8);
    ask.stop = stop(&request)?;
    ask.may_think = may_think(&request);
    ask.conversation = request.text("user")?.map(str::to_owned);
    tools(&request, &mut ask)?;
    response_format(&request, &mut ask)?;
    request.need("messages")?;
    conversation::read(request.list("messages")?.map_or(&[], Vec::as_slice), proper, &mut ask)?;
    Ok(ask)
}

/// Checks the fields that change nothing here.
fn scalars(request: &Object<'_>) -> Result<(), Refusal> {
    request.number("temperature", 0.0, 2.0)?;
    request.number("top_p", 0.0, 1.0)?;
    request.number("presence_penalty", -2.0, 2.0)?;
    request.number("frequency_penalty", -2.0, 2.0)?;
    request.integer("seed", i64::MIN)?;
    request.integer("top_logprobs", 0)?;
    request.integer("top_k", -1)?;
    request.flag("logprobs")?;
    request.flag("store")?;
    if let Some(effort) = request.text("reasoning_effort")? {
        let allowed = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        if !allowed.contains(&effort) {
            return Err(wrong_value("reasoning_effort", effort, &allowed));
        }
    }
    for name in ["metadata", "logit_bias", "chat_template_kwargs"] {
        if let Some(value) = request.get(name) {
            Object::new(value, name)?;
        }
    }
    Ok(())
}

fn stream_options(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    let Some(options) = request.get("stream_options") else { return Ok(()) };
    let options = Object::new(options, "stream_options")?;
    if !ask.stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::invalid(message).param("stream_options"));
    }
    let known = ["include_usage", "include_obfuscation", "continuous_usage_stats"];
    if let Some(name) = options.names().find(|name| !known.contains(name)) {
        let path = options.path(name);
        let refusal = Refusal::invalid(format!("Unknown parameter: '{path}'."));
        return Err(refusal.param(path).code("unknown_parameter"));
    }
    options.flag("include_obfuscation")?;
    ask.include_usage = options.flag("include_usage")?.unwrap_or(false);
    ask.usage_in_each = options.flag("continuous_usage_stats")?.unwrap_or(false);
    Ok(())
}

fn limit(request: &Object<'_>) -> Result<Option<u32>, Refusal> {
    let old = request.integer("max_tokens", 1)?;
    let new = request.integer("max_completion_tokens", 1)?;
    if old.is_some() && new.is_some() {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not \
                       supported.";
        return Err(Refusal::invalid(message).param("max_tokens").code("invalid_parameter"));
    }
    Ok(old.or(new))
}

fn stop(request: &Object<'_>) -> Result<Vec<String>, Refusal> {
    let texts: Vec<&Value> = match request.get("stop") {
        None => return Ok(Vec::new()),
        Some(Value::Array(texts)) => texts.iter().collect(),
        Some(text) => vec![text],
    };
    if texts.len() > 4 {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an \
             array with length {} instead.",
            texts.len()
        );
        return Err(Refusal::invalid(message).param("stop").code("array_above_max_length"));
    }
    let text = |value: &&Value| match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(wrong_type("stop", "a non-empty string or an array of them", value)),
    };
    texts.iter().map(text).collect()
}

/// Whether none of the known switches turns thinking off.
fn may_think(request: &Object<'_>) -> bool {
    let template = request.get("chat_template_kwargs");
    let off = |name: &str| {
        template.and_then(|options| options.get(name)).and_then(Value::as_bool) == Some(false)
    };
    let kind = request.get("thinking").and_then(|thinking| thinking.get("type"));
    let effort = request.get("reasoning_effort").and_then(Value::as_str);
    !off("enable_thinking")
        && !off("thinking")
        && kind.and_then(Value::as_str) != Some("disabled")
        && effort != Some("none")
}

fn tools(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    let declared = request.list("tools")?;
    for (number, tool) in declared.into_iter().flatten().enumerate() {
        let (tool, description) = function(tool, number)?;
        ask.size.text(&tool.name);
        ask.size.text(description);
        ask.size.json(&tool.schema);
        ask.tools.push(tool);
    }
    let parallel = request.flag("parallel_tool_calls")?;
    ask.parallel = parallel.unwrap_or(true);
    if ask.tools.is_empty() {
        let choice = request.get("tool_choice").filter(|choice| choice.as_str() != Some("none"));
        let given =
            [("tool_choice", choice.is_some()), ("parallel_tool_calls", parallel.is_some())];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            let message = format!(
                "Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            );
            return Err(Refusal::invalid(message).param(*name));
        }
    }
    ask.choice = choice(request, &ask.tools)?;
    Ok(())
}

/// A declared function and its description.
fn function(tool: &Value, number: usize) -> Result<(Tool, &str), Refusal> {
    let tool = Object::new(tool, format!("tools[{number}]"))?;
    match tool.need_text("type")? {
        "function" => {}
        other => return Err(wrong_value(&tool.path("type"), other, &["function", "custom"])),
    }
    let function = Object::new(tool.need("function")?, tool.path("function"))?;
    let name = function.need_text("name")?;
    check_name(name, &function.path("name"))?;
    let description = function.text("description")?.unwrap_or_default();
    function.flag("strict")?;
    let schema = function.get("parameters").cloned();
    let schema = schema.unwrap_or_else(|| serde_json::json!({"type": "object"}));
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "object" => {}
        kind => {
            let kind = kind.map_or_else(|| "None".to_owned(), Value::to_string);
            let message = format!(
                "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \
                 \"object\"', got 'type: {kind}'."
            );
            let refusal = Refusal::invalid(message).code("invalid_function_parameters");
            return Err(refusal.param(function.path("parameters")));
        }
    }
    Ok((Tool { name: name.to_owned(), schema }, description))
}

/// Checks the name of a function.
pub(super) fn check_name(name: &str, path: &str) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.chars().all(plain) && name.len() <= LONGEST_NAME {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern \
         '^[a-zA-Z0-9_-]+$' of at most {LONGEST_NAME} characters."
    );
    Err(Refusal::invalid(message).param(path).code("invalid_value"))
}

fn choice(request: &Object<'_>, tools: &[Tool]) -> Result<Choice, Refusal> {
    let value = match request.get("tool_choice") {
        None => return Ok(Choice::Auto),
        Some(Value::String(word)) => {
            return match word.as_str() {
                "auto" => Ok(Choice::Auto),
                "none" => Ok(Choice::Never),
                "required" => Ok(Choice::Any),
                other => Err(wrong_value("tool_choice", other, &["none", "auto", "required"])),
            };
        }
        Some(value) => value,
    };
    let choice = Object::new(value, "tool_choice")?;
    if choice.need_text("type")? != "function" {
        let path = choice.path("type");
        return Err(wrong_value(&path, choice.need_text("type")?, &["function"]));
    }
    let function = Object::new(choice.need("function")?, "tool_choice.function")?;
    let name = function.need_text("name")?;
    if !tools.iter().any(|tool| tool.name == name) {
        let message = format!(
            "Invalid value for 'tool_choice': '{name}' is not the name of a tool in 'tools'."
        );
        return Err(Refusal::invalid(message).param("tool_choice"));
    }
    Ok(Choice::Named(name.to_owned()))
}

fn response_format(request: &Object<'_>, ask: &mut Ask) -> Result<(), Refusal> {
    let Some(format) = request.get("response_format") else { return Ok(()) };
    let format = Object::new(format, "response_format")?;
    let allowed = ["text", "json_object", "json_schema"];
    match format.need_text("type")? {
        "text" => {}
        "json_object" => ask.format = Some(serde_json::json!({"type": "object"})),
        "json_schema" => {
            let path = format.path("json_schema");
            let named = Object::new(format.need("json_schema")?, path)?;
            check_name(named.need_text("name")?, &named.path("name"))?;
            let schema = named.need("schema")?;
            Object::new(schema, named.path("schema"))?;
            ask.format = Some(schema.clone());
        }
        other => return Err(wrong_value("response_format.type", other, &allowed)),
    }
    Ok(())
}
