//! The Anthropic side is as strict as Anthropic, in both versions, and consistent with itself.

use serde_json::{Value, json};
use simulator::Simulator;

use crate::client::{Client, Reply};
use crate::said::{ANTHROPIC, Api, body, events, exchange, said, start, stream, whole};

const NEW: [(&str, &str); 2] =
    [("content-type", "application/json"), ("anthropic-version", "2026-10-21")];

async fn post(simulator: &Simulator, headers: &[(&str, &str)], path: &str, body: &Value) -> Reply {
    let mut client = Client::connect(simulator.address()).await;
    client.send("POST", path, headers, &body.to_string()).await;
    client.reply().await
}

async fn refused(simulator: &Simulator, headers: &[(&str, &str)], body: &Value, text: &str) {
    let reply = post(simulator, headers, "/v1/messages", body).await;
    assert_eq!(reply.head.status, 400, "{body}\n{}", reply.text());
    let error = reply.json();
    assert_eq!(
        (&error["type"], &error["error"]["type"]),
        (&json!("error"), &json!("invalid_request_error"))
    );
    assert!(error["request_id"].as_str().unwrap().starts_with("req_"));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains(text), "{message}");
}

/// A good request with one field replaced; null takes it away.
fn with(field: &str, value: Value) -> Value {
    let mut body = body(Api::Anthropic, "echo+tools");
    if value.is_null() {
        body.as_object_mut().unwrap().remove(field);
    } else {
        body[field] = value;
    }
    body
}

#[tokio::test]
async fn refuses_wrong_fields() {
    let simulator = start().await;
    let tool = json!({"name": "a", "input_schema": {"type": "object"}});
    for (field, value, text) in [
        ("model", Value::Null, "model: Field required"),
        ("model", json!(""), "model: String should have at least 1 character"),
        ("max_tokens", Value::Null, "max_tokens: Field required"),
        ("max_tokens", json!(0), "max_tokens: Input should be greater than or equal to 1"),
        ("max_tokens", json!("9"), "max_tokens: Input should be a valid integer"),
        ("messages", Value::Null, "messages: Field required"),
        ("messages", json!([]), "messages: at least one message is required"),
        ("messages", json!("hi"), "messages: Input should be a valid list"),
        ("stream", json!("yes"), "stream: Input should be a valid boolean"),
        ("temperature", json!(1.5), "temperature: Input should be less than or equal to 1"),
        ("stop_sequences", json!([" "]), "stop_sequences: each stop sequence must contain"),
        ("stop_sequences", json!([4]), "stop_sequences.0: Input should be a valid string"),
        ("n", json!(1), "n: Extra inputs are not permitted"),
        ("metadata", json!({"user": "x"}), "metadata.user: Extra inputs are not permitted"),
        ("system", json!([{"type": "image"}]), "system.0.type: Input should be 'text'"),
        (
            "context_management",
            json!({"edits": []}),
            "context_management: Extra inputs are not permitted",
        ),
        ("thinking", json!({"type": "on"}), "thinking.type: Input should be"),
        ("thinking", json!({"type": "enabled"}), "thinking.budget_tokens: Field required"),
        (
            "thinking",
            json!({"type": "enabled", "budget_tokens": 10}),
            "greater than or equal to 1024",
        ),
        (
            "thinking",
            json!({"type": "enabled", "budget_tokens": 100_000}),
            "`max_tokens` must be greater than",
        ),
        ("tools", json!([{"name": "a"}]), "tools.0.input_schema: Field required"),
        (
            "tools",
            json!([{"name": "a b", "input_schema": {}}]),
            "tools.0.custom.name: String should match",
        ),
        (
            "tools",
            json!([{"name": "a", "input_schema": {"type": "string"}}]),
            "input_schema.type: Input should be 'object'",
        ),
        ("tools", json!([tool, tool]), "tools: Tool names must be unique."),
        (
            "tools",
            json!([{"type": "teleport_2026", "name": "t"}]),
            "'teleport_2026' is not a known type",
        ),
        ("tool_choice", json!({"type": "required"}), "tool_choice.type: Input should be 'auto'"),
        ("tool_choice", json!({"type": "tool", "name": "b"}), "Tool 'b' not found"),
        ("output_config", json!({"effort": "huge"}), "output_config.effort: Input should be"),
    ] {
        refused(&simulator, &ANTHROPIC, &with(field, value), text).await;
    }
    let mut alone = with("tools", Value::Null);
    alone["tool_choice"] = json!({"type": "auto"});
    refused(&simulator, &ANTHROPIC, &alone, "may only be specified while providing `tools`").await;
    let mut forced = with("tool_choice", json!({"type": "any"}));
    forced["thinking"] = json!({"type": "adaptive"});
    refused(&simulator, &ANTHROPIC, &forced, "Thinking may not be enabled when tool_choice").await;
}

#[tokio::test]
async fn refuses_wrong_conversations() {
    let simulator = start().await;
    let user = json!({"role": "user", "content": "hi"});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "a", "input": {}});
    let calls = |calls: Value| json!({"role": "assistant", "content": calls});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    let says = |content: Value| json!({"role": "user", "content": content});
    let text = json!({"type": "text", "text": "x"});
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": ""});
    for (messages, expected) in [
        (json!([{"content": "hi"}]), "messages.0.role: Field required"),
        (
            json!([{"role": "model", "content": "hi"}]),
            "messages.0.role: Input should be 'user' or 'assistant'",
        ),
        (json!([calls(json!("hi"))]), "messages: first message must use the \"user\" role"),
        (
            json!([user, {"role": "system", "content": "x"}]),
            "messages.1.role: Input should be 'user'",
        ),
        (json!([says(json!(""))]), "messages.0: all messages must have non-empty content"),
        (json!([says(json!([]))]), "messages.0: all messages must have non-empty content"),
        (
            json!([says(json!([{"type": "text", "text": ""}]))]),
            "text content blocks must be non-empty",
        ),
        (
            json!([user, calls(json!("")), user]),
            "messages.1: all messages must have non-empty content",
        ),
        (json!([user, calls(json!("so "))]), "cannot end with trailing whitespace"),
        (json!([says(json!([{"type": "video"}]))]), "messages.0.content.0.type: Input tag 'video'"),
        (json!([says(json!([result("a")]))]), "messages.0.content.0: unexpected `tool_use_id`"),
        (
            json!([user, calls(json!([call("a")])), user]),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a.",
        ),
        (json!([user, calls(json!([call("a")]))]), "immediately after: a."),
        (
            json!([user, calls(json!([call("a"), call("b")])), says(json!([result("b")]))]),
            "immediately after: a.",
        ),
        (
            json!([user, calls(json!([call("a")])), says(json!([text, result("a")]))]),
            "immediately after: a.",
        ),
        (json!([user, calls(json!([call("a"), call("a")]))]), "`tool_use` ids must be unique"),
        (
            json!([user, calls(json!([call("a:1")]))]),
            "messages.1.content.0.id: String should match pattern",
        ),
        (
            json!([
                user,
                calls(json!([{"type": "tool_use", "id": "a", "name": "a", "input": "{}"}]))
            ]),
            "messages.1.content.0.input: Input should be a valid dictionary",
        ),
        (
            json!([user, calls(json!([thought, text]))]),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
    ] {
        refused(&simulator, &ANTHROPIC, &with("messages", messages), expected).await;
    }
}

#[tokio::test]
async fn accepts_what_real_clients_send() {
    let simulator = start().await;
    let headers = [
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "context-management-2025-06-27,mid-conversation-system-2026-04-07"),
    ];
    let thought = said(Api::Anthropic, &stream(&simulator, Api::Anthropic, "echo+think=2").await);
    assert_eq!(thought.thinking, "The user");
    let thinking =
        whole(&simulator, Api::Anthropic, "echo+think=2").await.json()["content"][0].clone();
    let mut body = body(Api::Anthropic, "echo");
    body["messages"] = json!([
        {"role": "user", "content": [{"type": "text", "text": "weather?"}]},
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": [
            thinking,
            {"type": "tool_use", "id": "a", "name": "get", "input": {}},
            {"type": "tool_use", "id": "b", "name": "get", "input": {"x": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "b", "is_error": true},
            {"type": "tool_result", "tool_use_id": "a", "content": [
                {"type": "text", "text": "sunny"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
            {"type": "text", "text": "go on"}]},
    ]);
    body["context_management"] =
        json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]});
    body["metadata"] = json!({"user_id": "somebody"});
    body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let reply = post(&simulator, &headers, "/v1/messages?beta=true", &body).await;
    assert_eq!(said(Api::Anthropic, &reply).text, "Tool results:  | sunny");
}

#[tokio::test]
async fn the_two_versions_differ() {
    let simulator = start().await;
    let good = body(Api::Anthropic, "echo");
    let path = "/v1/messages";
    let typed = ("content-type", "application/json");
    for (version, text) in [
        (None, "anthropic-version: header is required"),
        (Some("2024-01-01"), "\"2024-01-01\" is not a valid version"),
    ] {
        let headers: Vec<_> = version
            .map(|version| ("anthropic-version", version))
            .into_iter()
            .chain([typed])
            .collect();
        let reply = post(&simulator, &headers, path, &good).await;
        assert_eq!(reply.head.status, 400);
        assert!(reply.json()["error"]["message"].as_str().unwrap().contains(text));
    }
    let cited =
        json!([{"role": "user", "content": [{"type": "text", "text": "x", "citations": [{}]}]}]);
    let document = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}]},
        {"role": "user", "content": "y"},
    ]);
    for (field, value, text) in [
        ("temperature", json!(1.0), "temperature: Extra inputs are not permitted"),
        ("top_p", json!(1.0), "top_p: Extra inputs are not permitted"),
        ("top_k", json!(5), "top_k: Extra inputs are not permitted"),
        ("messages", cited, "citations: Extra inputs are not permitted"),
        ("messages", document, "Input tag 'document' is not one of the expected tags"),
    ] {
        let body = with(field, value);
        assert_eq!(post(&simulator, &ANTHROPIC, path, &body).await.head.status, 200);
        refused(&simulator, &NEW, &body, text).await;
    }
    assert_eq!(post(&simulator, &NEW, path, &good).await.head.status, 200);
}

#[tokio::test]
async fn a_stream_and_a_body_say_the_same() {
    let simulator = start().await;
    let streamed = stream(&simulator, Api::Anthropic, "echo+think=3+tools=2+cached=2").await;
    assert!(streamed.head.header("request-id").is_some_and(|id| id.starts_with("req_sim")));
    let said = said(Api::Anthropic, &streamed);
    let whole = whole(&simulator, Api::Anthropic, "echo+think=3+tools=2+cached=2").await.json();
    assert_eq!((&whole["type"], &whole["stop_reason"]), (&json!("message"), &json!("tool_use")));
    assert_eq!(whole["content"][0]["thinking"], said.thinking.as_str());
    assert_eq!(whole["content"][1]["input"], json!({"city": "city", "days": 7}));
    assert_eq!(whole["usage"], said.usage.unwrap());
    assert_eq!(whole["usage"]["cache_read_input_tokens"], 2);
    // One block at a time, each closed before the next.
    let mut open = None;
    let mut opened = 0;
    for (_, data) in events(&streamed.bytes()) {
        let event: Value = serde_json::from_slice(&data).unwrap();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, event["index"].as_u64()), (None, Some(opened)));
                open = event["index"].as_u64();
                opened += 1;
            }
            "content_block_delta" => assert_eq!(event["index"].as_u64(), open),
            "content_block_stop" => {
                assert_eq!(event["index"].as_u64(), open);
                open = None;
            }
            _ => assert_eq!(open, None),
        }
    }
    assert_eq!(opened, 3);
}

#[tokio::test]
async fn counts_as_it_charges() {
    let simulator = start().await;
    let mut body = body(Api::Anthropic, "echo+tools");
    body["system"] = json!([{"type": "text", "text": "be brief"}]);
    let usage = said(Api::Anthropic, &exchange(&simulator, Api::Anthropic, &body).await).usage;
    let path = "/v1/messages/count_tokens?beta=true";
    let reply = post(&simulator, &ANTHROPIC, path, &body).await;
    assert_eq!(reply.head.status, 400, "max_tokens has no place here");
    let fields = body.as_object_mut().unwrap();
    fields.remove("max_tokens");
    fields.remove("stream");
    let counted = post(&simulator, &ANTHROPIC, path, &body).await.json();
    assert_eq!(counted["input_tokens"], usage.unwrap()["input_tokens"]);
    assert!(counted["input_tokens"].as_u64().unwrap() > 20);
}

#[tokio::test]
async fn stop_texts_are_told() {
    let simulator = start().await;
    let body = with("stop_sequences", json!(["two"]));
    let mut body = body;
    body["model"] = json!("echo");
    let reply = exchange(&simulator, Api::Anthropic, &body).await;
    assert!(reply.text().contains(r#""stop_reason":"stop_sequence","stop_sequence":"two""#));
    assert_eq!(said(Api::Anthropic, &reply).text, "You said: Grüße 你好 one ");
}

#[tokio::test]
async fn lists_its_models_in_its_own_shape() {
    let simulator = start().await;
    let mut client = Client::connect(simulator.address()).await;
    client.send("GET", "/v1/models?limit=1000", &ANTHROPIC, "").await;
    let list = client.reply().await.json();
    assert_eq!((&list["first_id"], &list["has_more"]), (&json!("echo"), &json!(false)));
    assert_eq!(list["data"][0]["type"], "model");
    let unknown = stream(&simulator, Api::Anthropic, "claude-9").await;
    assert_eq!(
        (unknown.head.status, &unknown.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
}
