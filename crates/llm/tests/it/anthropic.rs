//! Messages: what is sent, and what is made of every kind of event.

use domain::event::Usage;
use llm::{Api, Error, Request, StopReason, StreamEvent, Tool, ToolCall, ToolResult, Turn};
use serde_json::json;

use crate::server::{Server, Step, ask, error, events, hello, said};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":100,"output_tokens":1}}}"#;
const WORDS: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn end(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":9}}}}"#
    )
}

fn done(stop: StopReason) -> StreamEvent {
    let usage = Usage { input: 7, cached: 100, output: 9 };
    StreamEvent::Done { stop, usage, model: "claude-x".to_owned() }
}

#[tokio::test]
async fn an_answer_with_thoughts_words_and_calls_is_read() {
    let stream = [
        START,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"line\nline"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\": "}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"s","name":"web","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"q\""}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"brand_new_delta","value":1}}"#,
        r#"{"type":"brand_new_event","value":1}"#,
        &end("tool_use"),
        STOP,
    ];
    let expected = [
        StreamEvent::Thinking("hm".to_owned()),
        StreamEvent::Text("line\nline".to_owned()),
        StreamEvent::ToolCall(ToolCall {
            id: "toolu_1".to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"x": 1}"#.to_owned(),
        }),
        done(StopReason::ToolUse),
    ];
    assert_eq!(said(Api::Anthropic, events(&stream)).await, expected);
}

#[tokio::test]
async fn the_request_says_what_was_asked_and_nothing_else() {
    let mut server =
        Server::start(vec![Step::Write(events(&[START, &end("end_turn"), STOP]))]).await;
    let request = Request {
        model: "claude-x".to_owned(),
        system: vec!["Be kind.".to_owned(), " ".to_owned(), "It is Monday.".to_owned()],
        turns: vec![
            Turn::User("weather?".to_owned()),
            Turn::Assistant {
                text: "Let me look.".to_owned(),
                calls: vec![ToolCall {
                    id: "t1".into(),
                    name: "weather".into(),
                    arguments: r#"{"city":"Oslo"}"#.into(),
                }],
            },
            Turn::Results(vec![ToolResult {
                call: "t1".into(),
                text: "no net".into(),
                failed: true,
            }]),
            Turn::assistant(""),
        ],
        tools: vec![Tool {
            name: "weather".into(),
            description: "Tells it.".into(),
            schema: json!({"type": "object"}),
        }],
        max_tokens: None,
        temperature: None,
    };
    ask(server.settings(Api::Anthropic), request).await.unwrap();
    let (head, body) = server.request().await;
    assert!(head.starts_with("post /v1/messages http/1.1\r\n"), "{head}");
    assert!(head.contains("x-api-key: sk-test-0123456789"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    let expected = json!({
        "model": "claude-x",
        "max_tokens": 8192,
        "messages": [
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": [
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "no net", "is_error": true},
            ]},
        ],
        "system": [
            {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "It is Monday."},
        ],
        "stream": true,
        "tools": [{"name": "weather", "description": "Tells it.", "input_schema": {"type": "object"}}],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_reason_to_stop_means_something() {
    for (reason, stop) in [
        ("end_turn", StopReason::End),
        ("stop_sequence", StopReason::End),
        ("max_tokens", StopReason::MaxTokens),
        ("model_context_window_exceeded", StopReason::ContextFull),
        ("refusal", StopReason::Refusal),
        ("pause_turn", StopReason::End),
        ("brand_new", StopReason::End),
    ] {
        let said = said(Api::Anthropic, events(&[START, WORDS, &end(reason), STOP])).await;
        assert_eq!(said, [StreamEvent::Text("Hi".to_owned()), done(stop)], "{reason}");
    }
}

#[tokio::test]
async fn an_end_is_only_what_the_model_said_is_one() {
    for cut in [&[START, WORDS][..], &[START, WORDS, STOP], &[]] {
        let error = error(Api::Anthropic, events(cut)).await;
        assert!(matches!(error, Error::Cut { .. }), "{cut:?} gives {error:?}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_keeps_its_meaning() {
    let event = |kind: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"as it is"}}}}"#)
    };
    let ended = |kind: &str| {
        let event = event(kind);
        async move { error(Api::Anthropic, events(&[START, WORDS, &event])).await }
    };
    assert!(matches!(ended("overloaded_error").await, Error::Overloaded { .. }));
    assert!(matches!(ended("rate_limit_error").await, Error::RateLimited { .. }));
    assert!(matches!(ended("api_error").await, Error::Server { status: 500, .. }));
    assert!(matches!(ended("invalid_request_error").await, Error::Invalid { status: 400, .. }));
}

#[tokio::test]
async fn half_a_call_is_never_handed_on() {
    let open = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#;
    let half = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x"}}"#;
    let whole = said(Api::Anthropic, events(&[START, open, half, &end("max_tokens"), STOP])).await;
    assert_eq!(whole, [done(StopReason::MaxTokens)]);
    let error = error(Api::Anthropic, events(&[START, open, half, &end("tool_use"), STOP])).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn an_address_that_names_its_version_keeps_it() {
    let mut server =
        Server::start(vec![Step::Write(events(&[START, &end("end_turn"), STOP]))]).await;
    let mut settings = server.settings(Api::Anthropic);
    settings.base_url.push_str("/v1/messages");
    ask(settings, hello()).await.unwrap();
    assert!(server.request().await.0.starts_with("post /v1/messages "));
}
