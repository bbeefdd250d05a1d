//! The wire types read what servers and clients really send, and write back what they read.

use llm::{anthropic, openai};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Reads the JSON as `T` and expects the same JSON when it is written again.
#[track_caller]
fn survives<'a, T: Deserialize<'a> + Serialize>(json: &'a str) -> T {
    let read: T = serde_json::from_str(json).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(json).unwrap());
    read
}

#[test]
fn an_openai_request_survives_with_everything_in_it() {
    let request: openai::Request = survives(&json!({
        "model": "openclaw/main",
        "messages": [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "text", "text": "this?"},
            ], "name": "anna"},
            {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "42", "tool_call_id": "c"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_completion_tokens": 5,
        "temperature": 0.5,
        "stop": ["a", "b"],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": true}},
            {"type": "custom", "custom": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "user": "u",
        "api_base": "http://169.254.169.254/",
        "chat_template_kwargs": {"enable_thinking": false},
    }).to_string());
    assert!(request.extra.contains_key("api_base"));
    let content = request.messages[1].content.as_ref().unwrap();
    assert_eq!(content.text(), "what is\nthis?");
}

#[test]
fn an_openai_request_may_say_null_where_it_means_nothing() {
    let request: openai::Request = serde_json::from_value(json!({
        "model": "m", "stream": null, "stream_options": null, "tools": null, "tool_choice": "none", "stop": "x",
        "messages": [{"role": "assistant", "content": null, "tool_calls": null}, {"role": "user"}],
    }))
    .unwrap();
    assert!(!request.stream && request.tools.is_empty() && request.extra.is_empty());
    let none = openai::ToolChoiceMode::None;
    assert_eq!(request.tool_choice, Some(openai::ToolChoice::Mode(none)));
    assert_eq!(request.stop, Some(openai::Stop::One("x".to_owned())));
}

#[test]
fn an_openai_request_of_wrong_types_is_refused_in_words_that_help() {
    let refused =
        |json: Value| serde_json::from_value::<openai::Request>(json).unwrap_err().to_string();
    let text = refused(json!({"model": "m", "messages": [{"role": "user", "content": 7}]}));
    assert!(text.contains("a string or a list of content parts"), "{text}");
    let text = refused(json!({"model": "m", "messages": [{"role": "wizard", "content": "x"}]}));
    assert!(text.contains("wizard"), "{text}");
    assert!(refused(json!({"model": "m"})).contains("messages"));
}

#[test]
fn openai_answers_survive() {
    survives::<openai::Response>(&json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "m",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "brand_new",
        }],
        "usage": {
            "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }).to_string());
    survives::<openai::Chunk<'_>>(&json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m",
        "choices": [{
            "index": 0,
            "delta": {"role": "assistant", "content": "h\"i", "tool_calls": [
                {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}},
            ]},
            "finish_reason": null,
        }],
    }).to_string());
    for code in [json!("x"), json!(400), json!(null)] {
        survives::<openai::ErrorBody>(&json!({
            "error": {"message": "no", "type": "invalid_request_error", "param": "model", "code": code},
        }).to_string());
    }
}

#[test]
fn a_chunk_borrows_what_needs_no_unescaping() {
    let text = r#"{"id":"c1","choices":[{"delta":{"content":"plain","reasoning":"a\nb"}}]}"#;
    let chunk: openai::Chunk<'_> = serde_json::from_str(text).unwrap();
    let delta = &chunk.choices[0].delta;
    assert!(matches!(&chunk.id, std::borrow::Cow::Borrowed("c1")));
    assert!(matches!(&delta.content, Some(std::borrow::Cow::Borrowed("plain"))));
    assert_eq!(delta.reasoning.as_deref(), Some("a\nb"));
}

#[test]
fn usage_means_the_same_in_both_formats() {
    let ours = domain::event::Usage { input: 4, cached: 6, output: 2 };
    let openai = openai::Usage::from(ours);
    assert_eq!((openai.prompt_tokens, openai.total_tokens), (10, 12));
    assert_eq!(domain::event::Usage::from(openai), ours);
    let anthropic = anthropic::Usage {
        input_tokens: Some(3),
        cache_creation_input_tokens: Some(1),
        cache_read_input_tokens: Some(6),
        output_tokens: Some(2),
    };
    assert_eq!(domain::event::Usage::from(anthropic), ours);
    // A server that counts more cached tokens than tokens is not believed into the negative.
    let odd = openai::Usage {
        prompt_tokens: 1,
        prompt_tokens_details: Some(openai::PromptTokensDetails { cached_tokens: 5 }),
        ..openai::Usage::default()
    };
    assert_eq!(domain::event::Usage::from(odd).input, 0);
}

#[test]
fn an_anthropic_request_survives_with_everything_in_it() {
    let request: anthropic::Request = survives(&json!({
        "model": "claude-x",
        "max_tokens": 64_000,
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "agents and skills", "output_config": {"effort": "high"}},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "redacted_thinking", "data": "xx"},
                {"type": "text", "text": "let me see"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"z": 1, "a": 2}},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "is_error": true},
                {"type": "tool_result", "tool_use_id": "u", "content": [
                    {"type": "text", "text": "x"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                ]},
                {"type": "image", "source": {"type": "file", "file_id": "f"}},
                {"type": "document", "source": {"type": "text", "data": "d"}, "title": "t"},
                {"type": "text", "text": "and", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            ]},
        ],
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "stream": true,
        "stop_sequences": ["x"],
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true},
            {"name": "web_search", "type": "web_search_20250305", "max_uses": 3},
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": []},
    }).to_string());
    assert!(request.extra.contains_key("context_management"));
}

#[test]
fn anthropic_answers_survive() {
    survives::<anthropic::Response>(
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "cache_read_input_tokens": 0, "output_tokens": 2},
        })
        .to_string(),
    );
    survives::<anthropic::ErrorBody>(&json!({
        "type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "req_1",
    }).to_string());
    for event in [
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "h\"i"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop"}),
        json!({"type": "ping"}),
        json!({"type": "error", "error": {"type": "api_error", "message": "boom"}}),
    ] {
        survives::<anthropic::StreamEvent<'_>>(&event.to_string());
    }
}
