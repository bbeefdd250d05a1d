//! The OpenAI side is as strict as OpenAI, and consistent with itself.

use serde_json::{Value, json};
use simulator::Simulator;

use crate::client::{Client, Reply};
use crate::said::{Api, OPENAI, body, exchange, said, start, stream, whole};

/// A good request with one field replaced; null takes it away.
fn with(field: &str, value: Value) -> Value {
    let mut body = body(Api::OpenAi, "echo+tools");
    if value.is_null() {
        body.as_object_mut().unwrap().remove(field);
    } else {
        body[field] = value;
    }
    body
}

async fn refused(simulator: &Simulator, body: &Value, param: &str, code: &str, text: &str) {
    let reply = exchange(simulator, Api::OpenAi, body).await;
    assert_eq!(reply.head.status, 400, "{body}\n{}", reply.text());
    let error = &reply.json()["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(text), "{message}");
    assert_eq!(error["type"], "invalid_request_error");
    let told = |name: &str| error[name].as_str().unwrap_or_default();
    assert_eq!((told("param"), told("code")), (param, code), "{message}");
}

/// A field, the JSON it gets (empty: it is taken away), and the parameter, code and text of the refusal. An
/// empty parameter or code is null.
const WRONG_FIELDS: &[(&str, &str, &str, &str, &str)] = &[
    ("model", "", "", "", "you must provide a model parameter"),
    ("model", "5", "model", "invalid_type", "expected a string, but got an integer"),
    ("messages", "", "messages", "missing_required_parameter", "'messages'"),
    ("messages", "[]", "messages", "empty_array", "minimum length 1"),
    ("messages", r#""hi""#, "messages", "invalid_type", "of objects, but got a string"),
    ("messages", r#"["hi"]"#, "messages[0]", "invalid_type", "expected an object"),
    ("stream", r#""yes""#, "stream", "invalid_type", "expected a boolean"),
    ("stream", "false", "stream_options", "", "only allowed when 'stream' is enabled"),
    ("stream_options", "true", "stream_options", "invalid_type", "expected an object"),
    ("stream_options", r#"{"x": 1}"#, "stream_options.x", "unknown_parameter", "Unknown"),
    ("max_tokens", "0", "max_tokens", "integer_below_min_value", "got 0 instead"),
    ("max_tokens", r#""many""#, "max_tokens", "invalid_type", "expected an integer"),
    ("temperature", "2.5", "temperature", "decimal_above_max_value", "<= 2, but got 2.5"),
    ("top_p", "-0.1", "top_p", "decimal_below_min_value", ">= 0, but got -0.1"),
    ("n", "0", "n", "integer_below_min_value", "got 0"),
    ("stop", r#"["a","b","c","d","e"]"#, "stop", "array_above_max_length", "length 5"),
    ("stop", "[1]", "stop", "invalid_type", "string"),
    ("max_token", "5", "max_token", "unknown_parameter", "Unknown parameter: 'max_token'"),
    ("reasoning_effort", r#""huge""#, "reasoning_effort", "invalid_value", "'huge'"),
    ("user", "7", "user", "invalid_type", "string"),
    ("tools", "[]", "tools", "empty_array", "empty array"),
    ("tools", "[{}]", "tools[0].type", "missing_required_parameter", "type"),
    ("tool_choice", r#""any""#, "tool_choice", "invalid_value", "'none', 'auto', 'required'"),
    ("response_format", r#"{"type": "xml"}"#, "response_format.type", "invalid_value", "'xml'"),
];

#[tokio::test]
async fn refuses_wrong_fields() {
    let simulator = start().await;
    for (field, value, param, code, text) in WRONG_FIELDS {
        let value = serde_json::from_str(value).unwrap_or_default();
        refused(&simulator, &with(field, value), param, code, text).await;
    }
    let mut both = with("max_tokens", json!(5));
    both["max_completion_tokens"] = json!(5);
    refused(&simulator, &both, "max_tokens", "invalid_parameter", "at the same time").await;
    for field in ["tool_choice", "parallel_tool_calls"] {
        let mut alone = with("tools", Value::Null);
        alone[field] = if field == "tool_choice" { json!("auto") } else { json!(true) };
        refused(&simulator, &alone, field, "", "only allowed when 'tools' are specified").await;
    }
    let missing = "missing_required_parameter";
    let format = with("response_format", json!({"type": "json_schema"}));
    refused(&simulator, &format, "response_format.json_schema", missing, "json_schema").await;
    for (function, field, code, text) in [
        (json!({}), "name", missing, "name"),
        (json!({"name": "a b"}), "name", "invalid_value", "pattern"),
        (
            json!({"name": "a", "parameters": {}}),
            "parameters",
            "invalid_function_parameters",
            "None",
        ),
    ] {
        let tools = with("tools", json!([{"type": "function", "function": function}]));
        refused(&simulator, &tools, &format!("tools[0].function.{field}"), code, text).await;
    }
    let choice = json!({"type": "function", "function": {"name": "b"}});
    refused(&simulator, &with("tool_choice", choice), "tool_choice", "", "'b' is not the").await;
}

/// Messages as JSON, in which `USER`, `CALL` and `RESULT` stand for a word of the user, for a turn that calls a
/// tool by the id `a`, and for its result; then the parameter, code and text of the refusal.
const WRONG_CONVERSATIONS: &[(&str, &str, &str, &str)] = &[
    (r#"[{"content": "hi"}]"#, "[0].role", "missing_required_parameter", "role"),
    (r#"[{"role": "model", "content": "hi"}]"#, "[0].role", "invalid_value", "value: 'model'"),
    (r#"[{"role": "user", "content": null}]"#, "[0].content", "", "expected a string, got null"),
    (r#"[{"role": "user", "content": 5}]"#, "[0].content", "invalid_type", "got an integer"),
    (r#"[{"role": "user", "content": []}]"#, "[0].content", "empty_array", "empty array"),
    (
        r#"[{"role": "user", "content": [{"type": "video"}]}]"#,
        "[0].content[0].type",
        "invalid_value",
        "'video'",
    ),
    (
        r#"[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]"#,
        "[0].content[0].image_url.url",
        "invalid_image_url",
        "URL",
    ),
    (
        r#"[{"role": "system", "content": [{"type": "image_url"}]}]"#,
        "[0].content[0].type",
        "invalid_value",
        "'text'",
    ),
    (r#"[USER, {"role": "assistant", "content": null}]"#, "[1].content", "", "got null"),
    (r#"[USER, {"role": "assistant"}]"#, "[1].content", "", "got null"),
    (
        r#"[USER, {"role": "assistant", "tool_calls": []}]"#,
        "[1].tool_calls",
        "empty_array",
        "empty array",
    ),
    (
        r#"[USER, {"role": "assistant", "tool_calls": [{"id": ""}]}]"#,
        "[1].tool_calls[0].id",
        "empty_string",
        "empty string",
    ),
    ("[USER, RESULT]", "[1].role", "", "must be a response to a preceeding message with"),
    ("[USER, CALL, RESULT, RESULT]", "[3].role", "", "Duplicate value for 'tool_call_id' of 'a'"),
    (
        r#"[USER, CALL, {"role": "tool", "content": "ok"}]"#,
        "[2].tool_call_id",
        "",
        "must have a 'tool_call_id'",
    ),
    ("[USER, CALL, USER]", "", "", "did not have response messages: a"),
    ("[USER, CALL]", "", "", "did not have response messages: a"),
];

#[tokio::test]
async fn refuses_wrong_conversations() {
    let simulator = start().await;
    let user = json!({"role": "user", "content": "hi"});
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    let calls = |calls: Value| json!({"role": "assistant", "content": null, "tool_calls": calls});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "ok"});
    for (messages, param, code, text) in WRONG_CONVERSATIONS {
        let messages = messages
            .replace("USER", &user.to_string())
            .replace("CALL", &calls(json!([call("a")])).to_string())
            .replace("RESULT", &result("a").to_string());
        let body = with("messages", serde_json::from_str(&messages).unwrap());
        refused(&simulator, &body, &format!("messages{param}"), code, text).await;
    }
    let mut object = call("a");
    object["function"]["arguments"] = json!({});
    let body = with("messages", json!([user, calls(json!([object]))]));
    let param = "messages[1].tool_calls[0].function.arguments";
    refused(&simulator, &body, param, "invalid_type", "a string, but got an object").await;
    let good = json!([
        {"role": "developer", "content": "be brief"}, user, calls(json!([call("a"), call("b")])),
        result("b"), result("a"), {"role": "assistant", "content": "done", "reasoning_content": "hm"},
        {"role": "user", "content": [{"type": "text", "text": "and"}, {"type": "text", "text": "now?"}]},
    ]);
    let mut asked = with("messages", good);
    asked["model"] = json!("echo");
    let reply = exchange(&simulator, Api::OpenAi, &asked).await;
    assert_eq!(said(Api::OpenAi, &reply).text, "You said: and\nnow?");
}

#[tokio::test]
async fn a_stream_and_a_body_say_the_same() {
    let simulator = start().await;
    let streamed = stream(&simulator, Api::OpenAi, "echo+think=3+tools=2").await;
    assert_eq!(streamed.head.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(streamed.head.header("x-request-id").is_some_and(|id| id.starts_with("req_sim")));
    let said = said(Api::OpenAi, &streamed);
    let whole = whole(&simulator, Api::OpenAi, "echo+think=3+tools=2").await.json();
    let choice = &whole["choices"][0];
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(choice["finish_reason"], said.finish.unwrap().as_str());
    assert_eq!(choice["message"]["reasoning_content"], said.thinking.as_str());
    assert_eq!(choice["message"]["content"], Value::Null);
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    let arguments = |call: &Value| call["function"]["arguments"].as_str().unwrap().to_owned();
    assert_eq!(calls.iter().map(arguments).collect::<String>(), said.arguments);
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!(whole["usage"], said.usage.unwrap());
    assert_eq!(whole["usage"]["completion_tokens_details"]["reasoning_tokens"], 4);
    let sum = whole["usage"]["prompt_tokens"].as_u64().unwrap()
        + whole["usage"]["completion_tokens"].as_u64().unwrap();
    assert_eq!(whole["usage"]["total_tokens"], sum);
}

#[tokio::test]
async fn usage_comes_only_when_asked_for() {
    let simulator = start().await;
    let mut body = body(Api::OpenAi, "echo");
    body.as_object_mut().unwrap().remove("stream_options");
    let plain = exchange(&simulator, Api::OpenAi, &body).await;
    assert!(!plain.text().contains("usage"));
    body["stream_options"] = json!({"include_usage": true, "continuous_usage_stats": true});
    let each = said(Api::OpenAi, &exchange(&simulator, Api::OpenAi, &body).await);
    assert!(each.usages > 5);
    let asked = stream(&simulator, Api::OpenAi, "echo").await.text();
    assert!(asked.contains(r#""choices":[],"usage":{"prompt_tokens":6,"#), "{asked}");
    assert!(asked.contains(r#""usage":null"#));
    assert!(asked.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_wanted_schema_is_followed() {
    let simulator = start().await;
    let schema = json!({
        "type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"],
    });
    let mut body = body(Api::OpenAi, "echo");
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}});
    let said = said(Api::OpenAi, &exchange(&simulator, Api::OpenAi, &body).await);
    assert_eq!(said.text, r#"{"answer":7}"#);
}

#[tokio::test]
async fn wrong_places_are_refused_in_its_shape() {
    let simulator = start().await;
    let good = body(Api::OpenAi, "echo").to_string();
    let typed = &OPENAI[..];
    for (method, path, headers, body, status, text) in [
        ("GET", "/v1/chat/completions", typed, "", 405, "Not allowed to GET"),
        ("POST", "/v1/completions", typed, "{}", 404, "Invalid URL (POST /v1/completions)"),
        ("POST", "/v1/chat/completions", &[], good.as_str(), 415, "application/json"),
        ("POST", "/v1/chat/completions", typed, "{", 400, "could not parse the JSON"),
        ("POST", "/v1/chat/completions", typed, "[]", 400, "expected an object, but got an array"),
        ("GET", "/v1/models/gpt-9", typed, "", 404, "does not exist"),
    ] {
        let mut client = Client::connect(simulator.address()).await;
        client.send(method, path, headers, body).await;
        let reply = client.reply().await;
        assert_eq!(reply.head.status, status, "{method} {path}");
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(text), "{message}");
    }
    let unknown = stream(&simulator, Api::OpenAi, "gpt-9").await;
    assert_eq!(
        (unknown.head.status, &unknown.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn lists_its_models() {
    let simulator = start().await;
    let list = get(&simulator, "/v1/models", &[]).await.json();
    let first = &list["data"][0];
    assert_eq!((&first["id"], &first["object"]), (&json!("echo"), &json!("model")));
    assert!(list["data"].as_array().unwrap().len() > 50);
    let one = get(&simulator, "/v1/models/echo+crlf", &[]).await.json();
    assert_eq!(one["id"], "echo+crlf");
}

async fn get(simulator: &Simulator, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut client = Client::connect(simulator.address()).await;
    client.send("GET", path, headers, "").await;
    client.reply().await
}
