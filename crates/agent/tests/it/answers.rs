//! What a program says, and how it is heard.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use agent::CliBackend;
use agent::backend::Line;
use config::settings::backends::{CliBackend as Settings, Output};
use domain::event::Usage;
use futures::{StreamExt as _, poll};
use llm::{Provider as _, StopReason, StreamEvent};

use crate::stage::{Ears, Gate, ask, backend, environment, hear, question, settings, words};

fn text(words: &str) -> StreamEvent {
    StreamEvent::Text(words.to_owned())
}

fn done() -> StreamEvent {
    let usage = Usage { input: 12, cached: 3, output: 5 };
    StreamEvent::Done { stop: StopReason::End, usage, model: "claude-opus-4-8".to_owned() }
}

#[tokio::test]
async fn words_usage_and_model_come_from_its_lines() {
    let events = ask(&settings("claude", &[]), "hi").await.unwrap();
    assert_eq!(words(&events), "Hello world");
    assert_eq!(events.last(), Some(&done()));
    let json = Settings { output: Some(Output::Json), ..settings("json", &[]) };
    assert_eq!(ask(&json, "hi").await.unwrap(), [text("Hello world"), done()]);
}

#[tokio::test]
async fn words_are_told_while_it_still_thinks() {
    let gate = Gate::new();
    let ears = Arc::new(Ears::default());
    let backend = backend(&settings("gate", &[("GATE", &gate.path())]));
    let mut stream = backend.stream(question("hi"), Arc::clone(&ears) as _).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), text("first"));
    assert_eq!(ears.ended.load(Ordering::SeqCst), 0);
    gate.open();
    assert_eq!(hear(stream).await.unwrap(), [text(" second"), done()]);
    assert!(ears.beats.load(Ordering::SeqCst) >= 2);
    assert_eq!(ears.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_is_complete_although_the_program_lingers() {
    let gate = Gate::new();
    let events = ask(&settings("stays", &[("GATE", &gate.path())]), "hi").await.unwrap();
    assert_eq!(events, [text("said"), done()]);
}

#[tokio::test]
async fn a_program_that_runs_alone_is_waited_for() {
    let gate = Gate::new();
    let settings =
        Settings { serialize: Some(true), ..settings("gate", &[("GATE", &gate.path())]) };
    let line = Line::default();
    let new = || CliBackend::new("claude-cli", &settings, &environment(), line.clone()).unwrap();
    // The settings were read again in between: the line is the same.
    let (one, two) = (new(), new());
    let first = one.stream(question("hi"), Arc::new(Ears::default())).await.unwrap();
    let ears = Arc::new(Ears::default());
    let mut second = pin!(two.stream(question("hi"), Arc::clone(&ears) as _));
    assert!(poll!(&mut second).is_pending());
    assert_eq!(ears.started.load(Ordering::SeqCst), 0);
    assert!(ears.beats.load(Ordering::SeqCst) > 0, "whoever waits in line is well");
    drop(first);
    let mut second = second.await.unwrap();
    assert_eq!(second.next().await.unwrap().unwrap(), text("first"));
}

#[tokio::test]
async fn a_torrent_of_complaints_does_not_stop_it() {
    let events = ask(&settings("complains", &[]), "hi").await.unwrap();
    assert_eq!(words(&events), "still here");
}
