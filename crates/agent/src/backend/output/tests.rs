//! The output of programs, whole and in pieces, right and wrong.

use config::Env;
use config::settings::backends::CliBackend as Settings;
use domain::Coded as _;

use super::*;

/// What Claude Code 2.1 printed when it used a tool: remarks, thoughts, words before the tool, the tool, what
/// a helper of it said, words after it. Fields that nobody reads are left out.
const LINES: &str = r#"{"type":"system","subtype":"init","tools":["Read"],"model":"claude-opus-4-8"}
A remark that is no JSON
{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","model":"claude-opus-4-8","content":[],"usage":{"input_tokens":10}}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Смотрю"}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" файл. "}},"parent_tool_use_id":null}
{"type":"assistant","message":{"model":"claude-opus-4-8","content":[{"type":"text","text":"Смотрю файл. "}]},"parent_tool_use_id":null}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"42"}]},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"not for the person"}},"parent_tool_use_id":"t1"}
{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Там 42 🙂\n"}},"parent_tool_use_id":null}
{"type":"result","subtype":"success","is_error":false,"result":"Там 42 🙂","stop_reason":"max_tokens","usage":{"input_tokens":10,"output_tokens":5},"modelUsage":{"claude-opus-4-8":{},"claude-haiku-4-5":{}}}
"#;

fn reader(output: Output) -> Reader {
    let settings = Settings { output: Some(output), ..Settings::default() };
    let env: Env = std::iter::empty::<(&str, &str)>().collect();
    let recipe = Recipe::new("claude-cli", &settings, &env).unwrap();
    Reader::new(Arc::new(recipe), "opus".to_owned())
}

/// Reads text in pieces of a size, to its end.
fn read(output: Output, text: &[u8], size: usize) -> Result<Vec<StreamEvent>, Error> {
    let (mut reader, mut said) = (reader(output), VecDeque::new());
    for piece in text.chunks(size) {
        if reader.push(piece, &mut said)? {
            return Ok(said.into());
        }
    }
    reader.finish(&mut said, || Ok(()))?;
    Ok(said.into())
}

fn words(events: &[StreamEvent]) -> String {
    let word = |event: &StreamEvent| match event {
        StreamEvent::Text(text) => text.clone(),
        _ => String::new(),
    };
    events.iter().map(word).collect()
}

#[test]
fn it_does_not_matter_where_the_pieces_end() {
    for size in [1, 2, 3, 7, 64, 100_000] {
        let events = read(Output::Jsonl, LINES.as_bytes(), size).unwrap();
        assert_eq!(words(&events), "Смотрю файл.\n\nТам 42 🙂", "{size}");
        assert!(events.contains(&StreamEvent::Thinking("hm".to_owned())));
        let usage = Usage { input: 10, cached: 0, output: 5 };
        let model = "claude-opus-4-8".to_owned();
        let done = StreamEvent::Done { stop: StopReason::MaxTokens, usage, model };
        assert_eq!(events.last(), Some(&done));
        let text = read(Output::Text, " Там 42 🙂\n\n".as_bytes(), size).unwrap();
        assert_eq!(words(&text), "Там 42 🙂", "{size}");
    }
}

#[test]
fn without_deltas_whole_messages_are_said() {
    let whole = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}}
{"type":"assistant","message":{"content":[{"type":"text","text":"three"}]}}
{"type":"result","subtype":"success","result":"three"}"#;
    let events = read(Output::Jsonl, whole.as_bytes(), 10).unwrap();
    assert_eq!(words(&events), "one\n\ntwo\n\nthree");
}

#[test]
fn an_object_is_read_in_the_forms_that_programs_have() {
    for (text, expected) in [
        (r#"{"type":"result","subtype":"success","result":"a"}"#, "a"),
        (r#"[{"type":"system"},{"type":"result","subtype":"success","result":"b"}]"#, "b"),
        (r#"{"response":"c","stats":{}}"#, "c"),
        (r#"{"text":"d"}"#, "d"),
    ] {
        let events = read(Output::Json, text.as_bytes(), 5).unwrap();
        assert_eq!(words(&events), expected);
    }
    for text in ["", "{}", "[]", "null", "{\"result\":", "Hello"] {
        let error = read(Output::Json, text.as_bytes(), 5).unwrap_err();
        assert_eq!(error.code(), "backend-unreadable", "{text:?}");
    }
}

#[test]
fn what_breaks_off_is_no_answer() {
    let lines: Vec<&str> = LINES.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n");
    let error = read(Output::Jsonl, cut.as_bytes(), 64).unwrap_err();
    assert_eq!(error.code(), "backend-unreadable");
}

#[test]
fn an_answer_too_large_to_be_one_is_refused() {
    let text = vec![b'x'; 5 * 1024 * 1024];
    assert_eq!(read(Output::Text, &text, 65_536).unwrap_err().code(), "backend-unreadable");
    let spaces = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(read(Output::Text, &spaces, 65_536).unwrap_err().code(), "backend-unreadable");
    let line = vec![b'x'; 9 * 1024 * 1024];
    assert_eq!(read(Output::Jsonl, &line, 65_536).unwrap_err().code(), "backend-unreadable");
}

#[test]
fn too_many_turns_and_words_of_the_login_are_known() {
    let turns = r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#;
    assert_eq!(read(Output::Json, turns.as_bytes(), 9).unwrap_err().code(), "backend-failed");
    let login = r#"{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login"}"#;
    assert_eq!(
        read(Output::Jsonl, login.as_bytes(), 9).unwrap_err().code(),
        "backend-authentication"
    );
}
