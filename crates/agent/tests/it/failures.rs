//! What goes wrong with a program, and what it is called.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use config::settings::backends::{CliBackend as Settings, Output};
use domain::Coded as _;
use futures::StreamExt as _;
use llm::{Error, Provider as _};

use crate::stage::{Ears, Gate, ask, backend, question, runs, settings};

async fn failure(settings: &Settings) -> Error {
    ask(settings, "hi").await.expect_err("it answered")
}

#[tokio::test]
async fn a_missing_program_says_how_to_get_it() {
    let missing = Settings { command: Some("no-such-program".to_owned()), ..Settings::default() };
    let error = failure(&missing).await;
    assert_eq!((error.code(), error.is_transient()), ("backend-not-found", false));
    assert!(error.to_string().contains("npm install -g @anthropic-ai/claude-code"), "{error}");
}

#[tokio::test]
async fn the_last_complaint_is_told_without_secrets() {
    let error = failure(&settings("fails", &[("ANTHROPIC_API_KEY", "sk-ant-secret")])).await;
    assert_eq!((error.code(), error.is_transient()), ("backend-failed", true));
    assert!(error.to_string().contains("status 3 (cannot: *** is wrong)"), "{error}");
}

#[tokio::test]
async fn being_killed_is_not_failing() {
    let error = failure(&settings("dies", &[])).await;
    assert_eq!(error.code(), "backend-killed");
    assert!(error.to_string().contains("signal 9"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    for play in ["garbage", "flood", "lines", "echo"] {
        let error = failure(&settings(play, &[])).await;
        assert_eq!(error.code(), "backend-unreadable", "{play}: {error}");
    }
    for play in ["garbage", "flood"] {
        for output in [Output::Json, Output::Text] {
            let chosen = Settings { output: Some(output), ..settings(play, &[]) };
            match ask(&chosen, "hi").await {
                Err(error) => assert_eq!(error.code(), "backend-unreadable", "{play} {output:?}"),
                Ok(_) => assert_eq!((play, output), ("garbage", Output::Text), "text is text"),
            }
        }
    }
}

#[tokio::test]
async fn what_the_model_server_said_is_told_as_such() {
    for (status, code) in [
        ("401", "backend-authentication"),
        ("402", "model-payment"),
        ("404", "model-not-found"),
        ("429", "model-rate-limited"),
        ("500", "model-server-error"),
        ("529", "model-overloaded"),
        ("null", "model-server-error"),
    ] {
        let error = failure(&settings("refused", &[("STATUS", status)])).await;
        assert_eq!(error.code(), code, "{status}: {error}");
    }
}

#[tokio::test]
async fn a_name_of_a_model_is_no_option() {
    let backend = backend(&settings("claude", &[]));
    let request = llm::Request { model: "--dangerous".to_owned(), ..question("hi") };
    let error = backend.stream(request, Arc::new(Ears::default())).await.err().unwrap();
    assert_eq!(error.code(), "model-not-found");
}

#[tokio::test(start_paused = true)]
async fn silence_has_a_limit() {
    let gate = Gate::new();
    let limited = Settings {
        no_output_timeout_ms: Some(5_000),
        timeout_ms: Some(60_000),
        ..settings("silent", &[("GATE", &gate.path())])
    };
    let error = failure(&limited).await;
    assert_eq!((error.code(), error.is_transient()), ("backend-timeout", true));
    assert!(error.to_string().contains("after 5s") && error.to_string().contains("noOutput"));
}

#[tokio::test]
async fn chatter_has_a_limit() {
    let limited = Settings { timeout_ms: Some(300), ..settings("chatters", &[]) };
    let error = failure(&limited).await;
    assert_eq!(error.code(), "backend-timeout");
    assert!(error.to_string().contains(".timeoutMs"), "{error}");
}

#[tokio::test]
async fn a_turn_that_is_stopped_stops_the_program() {
    let gate = Gate::new();
    let ears = Arc::new(Ears::default());
    let backend = backend(&settings("gate", &[("GATE", &gate.path())]));
    let mut stream = backend.stream(question("hi"), Arc::clone(&ears) as _).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let pid = ears.started.load(Ordering::SeqCst);
    assert!(runs(pid));
    drop(stream);
    assert_eq!(ears.ended.load(Ordering::SeqCst), 1);
    while runs(pid) {
        tokio::task::yield_now().await;
    }
}
