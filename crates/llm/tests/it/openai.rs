//! Chat Completions: what is sent, and what is made of every kind of chunk.

use domain::event::Usage;
use llm::{Api, Error, Request, StopReason, StreamEvent, Tool, ToolCall, ToolResult, Turn};
use serde_json::json;

use crate::server::{Server, Step, ask, error, events, hello, said};

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const TOOL_CALLS: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;

async fn openai(data: &[&str]) -> Vec<StreamEvent> {
    said(Api::OpenAi, events(data)).await
}

fn text(words: &str) -> StreamEvent {
    StreamEvent::Text(words.to_owned())
}

fn done(stop: StopReason) -> StreamEvent {
    StreamEvent::Done { stop, usage: Usage::default(), model: "m".to_owned() }
}

fn call(id: &str, name: &str, arguments: &str) -> StreamEvent {
    StreamEvent::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    })
}

/// A chunk with one part of a call.
fn part(part: &str) -> String {
    format!(r#"{{"id":"r1","choices":[{{"index":0,"delta":{{"tool_calls":[{part}]}}}}]}}"#)
}

/// The calls that these parts make, and the end.
async fn calls(parts: &[&str]) -> Vec<StreamEvent> {
    let mut chunks: Vec<String> = parts.iter().map(|text| part(text)).collect();
    chunks.push(TOOL_CALLS.to_owned());
    openai(&chunks.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn an_answer_comes_as_it_was_said_however_it_is_cut() {
    let chunks = events(&[
        r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"glm-4.7","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"id":"c1","model":"glm-4.7","choices":[{"index":0,"delta":{"reasoning_content":"hm "}}]}"#,
        r#"{"id":"c1","model":"glm-4.7","choices":[{"index":0,"delta":{"reasoning":"so","content":null}}]}"#,
        r#"{"id":"c1","model":"glm-4.7","choices":[{"index":0,"delta":{"content":"Приве\u0442 🦀"}},{"index":1,"delta":{"content":"no"}}]}"#,
        r#"{"id":"c1","model":"glm-4.7","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"id":"c1","model":"glm-4.7","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":6}}}"#,
        "[DONE]",
    ]);
    let expected = [
        StreamEvent::Thinking("hm ".to_owned()),
        StreamEvent::Thinking("so".to_owned()),
        text("Привет 🦀"),
        text("!"),
        StreamEvent::Done {
            stop: StopReason::End,
            usage: Usage { input: 4, cached: 6, output: 4 },
            model: "glm-4.7".to_owned(),
        },
    ];
    for step in [Step::Write(chunks.clone()), Step::Drip(chunks)] {
        let server = Server::start(vec![step]).await;
        let said = ask(server.settings(Api::OpenAi), hello()).await.unwrap();
        assert_eq!(said.into_iter().map(Result::unwrap).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn the_request_says_what_was_asked_and_nothing_else() {
    let mut server = Server::start(vec![Step::Write(events(&[STOP]))]).await;
    let request = Request {
        model: "zai-org/GLM-4.7".to_owned(),
        system: vec!["Be kind.".to_owned(), String::new(), "It is Monday.".to_owned()],
        turns: vec![
            Turn::User("weather?".to_owned()),
            Turn::Assistant {
                text: String::new(),
                calls: vec![ToolCall {
                    id: "call_1".into(),
                    name: "weather".into(),
                    arguments: r#"{"city":"Oslo"}"#.into(),
                }],
            },
            Turn::Results(vec![ToolResult {
                call: "call_1".into(),
                text: "rain".into(),
                failed: false,
            }]),
        ],
        tools: vec![Tool {
            name: "weather".into(),
            description: "Tells it.".into(),
            schema: json!({"type": "object"}),
        }],
        max_tokens: Some(100),
        temperature: Some(0.5),
    };
    ask(server.settings(Api::OpenAi), request).await.unwrap();
    let (head, body) = server.request().await;
    assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
    for line in [
        "authorization: bearer sk-test-0123456789",
        "x-team: header-secret-42",
        "content-type: application/json",
        concat!("user-agent: openclaw/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let expected = json!({
        "model": "zai-org/GLM-4.7",
        "messages": [
            {"role": "system", "content": "Be kind.\n\nIt is Monday."},
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}},
            ]},
            {"role": "tool", "content": "rain", "tool_call_id": "call_1"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 100,
        "temperature": 0.5,
        "tools": [{"type": "function", "function": {
            "name": "weather", "description": "Tells it.", "parameters": {"type": "object"},
        }}],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn models_that_count_their_thoughts_get_the_other_limit() {
    for (model, counts) in [
        ("o3-mini", true),
        ("openai/gpt-5.2", true),
        ("gpt-4o", false),
        ("gpt-oss-120b", false),
        ("opus", false),
    ] {
        let mut server = Server::start(vec![Step::Write(events(&[STOP]))]).await;
        let request = Request { model: model.to_owned(), max_tokens: Some(7), ..hello() };
        ask(server.settings(Api::OpenAi), request).await.unwrap();
        let (_, body) = server.request().await;
        let limits =
            (body.get("max_tokens").is_some(), body.get("max_completion_tokens").is_some());
        assert_eq!(limits, (!counts, counts), "{model}");
    }
}

#[tokio::test]
async fn an_address_works_with_and_without_its_version() {
    for (written, path) in [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/openai", "/openai/v1/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
        ("/v1beta/openai", "/v1beta/openai/chat/completions"),
    ] {
        let mut server = Server::start(vec![Step::Write(events(&[STOP]))]).await;
        let mut settings = server.settings(Api::OpenAi);
        settings.base_url.push_str(written);
        ask(settings, hello()).await.unwrap();
        let (head, _) = server.request().await;
        assert!(head.starts_with(&format!("post {path} ")), "{written} gives {head}");
    }
}

#[tokio::test]
async fn an_end_is_only_what_the_model_said_is_one() {
    let words = r#"{"choices":[{"delta":{"content":"half"}}]}"#;
    for cut in [&[words][..], &[words, "[DONE]"], &[]] {
        let error = error(Api::OpenAi, events(cut)).await;
        assert!(matches!(error, Error::Cut { .. }), "{cut:?} gives {error:?}");
    }
    assert_eq!(openai(&[words, STOP]).await, [text("half"), done(StopReason::End)]);
    assert_eq!(
        openai(&[words, STOP, "[DONE]", words]).await,
        [text("half"), done(StopReason::End)]
    );
}

#[tokio::test]
async fn every_reason_to_stop_means_something() {
    for (reason, stop) in [
        ("stop", StopReason::End),
        ("length", StopReason::MaxTokens),
        ("content_filter", StopReason::Refusal),
        ("tool_calls", StopReason::End),
        ("eos_token", StopReason::End),
    ] {
        let chunk =
            format!(r#"{{"choices":[{{"delta":{{"content":"a"}},"finish_reason":"{reason}"}}]}}"#);
        assert_eq!(openai(&[&chunk]).await, [text("a"), done(stop)], "{reason}");
    }
    let aborted = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"abort"}]}"#;
    assert!(matches!(error(Api::OpenAi, events(&[aborted])).await, Error::Cut { .. }));
    let refused = r#"{"choices":[{"delta":{"refusal":"no"},"finish_reason":"stop"}]}"#;
    assert_eq!(openai(&[refused]).await, [text("no"), done(StopReason::Refusal)]);
}

#[tokio::test]
async fn a_call_wins_over_any_reason_to_stop() {
    let one = part(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#);
    assert_eq!(openai(&[&one, STOP]).await, [call("a", "f", "{}"), done(StopReason::ToolUse)]);
}

#[tokio::test]
async fn calls_are_put_together_whatever_way_their_parts_come() {
    let end = || done(StopReason::ToolUse);
    // Two calls side by side, their parts interleaved.
    assert_eq!(
        calls(&[
            r#"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}"#,
            r#"{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"x\":1}"}}"#,
            r#"{"index":1,"function":{"arguments":":2}"}}"#,
        ])
        .await,
        [call("a", "f", r#"{"x":1}"#), call("b", "g", r#"{"y":2}"#), end()]
    );
    // Both say index 0, and differ in their ids.
    assert_eq!(
        calls(&[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}"#,
        ])
        .await,
        [call("a", "f", "{}"), call("b", "f", "{}"), end()]
    );
    // The name comes again with every part.
    assert_eq!(
        calls(&[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"1}"}}"#,
        ])
        .await,
        [call("a", "f", r#"{"x":1}"#), end()]
    );
    assert_eq!(
        calls(&[
            r#"{"function":{"name":"f","arguments":"{\"x\":"}}"#,
            r#"{"function":{"name":"f","arguments":"1}"}}"#,
        ])
        .await,
        [call("call_r1_0", "f", r#"{"x":1}"#), end()]
    );
    // No ids, no indexes, no arguments: ids are made, unlike each other.
    assert_eq!(
        calls(&[
            r#"{"id":null,"function":{"name":"f","arguments":"{\"x\":1}"}}"#,
            r#"{"id":"","function":{"name":"g","arguments":null}}"#,
        ])
        .await,
        [call("call_r1_0", "f", r#"{"x":1}"#), call("call_r1_1", "g", "{}"), end()]
    );
    // The same id twice.
    assert_eq!(
        calls(&[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            r#"{"index":1,"id":"a","function":{"name":"g","arguments":"{}"}}"#,
        ])
        .await,
        [call("a", "f", "{}"), call("call_r1_1", "g", "{}"), end()]
    );
}

#[tokio::test]
async fn half_a_call_is_never_handed_on() {
    let half = part(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}"#);
    let nameless = part(r#"{"index":0,"id":"a","function":{"name":null,"arguments":"{}"}}"#);
    let length = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    assert_eq!(openai(&[&half, length]).await, [done(StopReason::MaxTokens)]);
    for broken in [&half, &nameless] {
        let error = error(Api::OpenAi, events(&[broken, TOOL_CALLS])).await;
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn made_ids_count_on_from_the_calls_of_the_conversation() {
    let chunk = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}}]},"finish_reason":"tool_calls"}]}"#;
    let server = Server::start(vec![Step::Write(events(&[chunk]))]).await;
    let earlier = ToolCall { id: "call_0".into(), name: "f".into(), arguments: "{}".into() };
    let turn = Turn::Assistant { text: "hm".into(), calls: vec![earlier] };
    let request = Request { turns: vec![turn], ..hello() };
    let said = ask(server.settings(Api::OpenAi), request).await.unwrap();
    assert_eq!(said[0].as_ref().unwrap(), &call("call_1", "f", "{}"));
}
