//! Events of the house in the words of protocol v4.
//!
//! Owns the translation, which is made once however many listen, and what was told of each run to one of
//! them; refuses to repeat a whole answer with every word of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::event::Usage;
use domain::{Event, EventBody, MessageId, RunId, SessionKey, Timestamp, Turns};
use serde::Serialize;
use serde_json::{Value, json};

use crate::protocol::identity::Identity;

/// The words of one event, as every listener of a kind is told them.
#[derive(Debug, Default)]
pub struct Words {
    for_pages: OnceLock<Vec<Line>>,
    for_others: OnceLock<Vec<Line>>,
}

/// One event frame to be. Shown, it is the payload.
#[derive(Debug)]
pub struct Told<'w> {
    line: Cow<'w, Line>,
    number: Option<u64>,
}

/// Numbers what one connection is told.
pub struct Teller {
    /// For other programs than our own page: they look at more, and want to hear all words so far.
    turns: Option<Arc<dyn Turns>>,
    runs: HashMap<RunId, Course>,
}

/// A payload as JSON. That of a run has a gap for its number, which differs from listener to listener.
#[derive(Debug, Clone)]
struct Line {
    event: &'static str,
    run: Option<RunId>,
    before: String,
    after: String,
}

/// What was told of one run.
#[derive(Default)]
struct Course {
    frames: u64,
    /// When all its words were told last.
    whole: Option<Timestamp>,
}

/// Runs that are known at the same time; beyond it knowing begins anew.
const MOST_RUNS: usize = 256;

/// Time between two tellings of all words so far.
const PACE: Duration = Duration::from_millis(150);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spoken<'a> {
    role: &'static str,
    content: [Part<'a>; 1],
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(rename = "__openclaw", skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
}

#[derive(Serialize)]
struct Part<'a> {
    r#type: &'static str,
    text: &'a str,
}

// === impl Words ===

impl Words {
    fn of(&self, event: &Event, is_page: bool) -> &[Line] {
        let words = if is_page { &self.for_pages } else { &self.for_others };
        words.get_or_init(|| lines(event, is_page))
    }
}

// === impl Told ===

impl Told<'_> {
    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &'static str {
        self.line.event
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line.before)?;
        if let Some(number) = self.number {
            write!(f, "{number}")?;
        }
        f.write_str(&self.line.after)
    }
}

// === impl Teller ===

impl Teller {
    /// A teller for one of our own pages, which puts the words of an answer together itself.
    #[must_use]
    pub fn for_page() -> Self {
        Self { turns: None, runs: HashMap::new() }
    }

    /// A teller for any other client, which is told again and again what has been said so far.
    #[must_use]
    pub fn for_others(turns: Arc<dyn Turns>) -> Self {
        Self { turns: Some(turns), runs: HashMap::new() }
    }

    /// The frames that an event becomes; `words` are the event's, whoever needs them first.
    pub fn tell<'w>(&mut self, event: &Event, words: &'w Words) -> Vec<Told<'w>> {
        let whole = self.whole(event);
        let mut told: Vec<_> = words
            .of(event, self.turns.is_none())
            .iter()
            .map(|line| Told { number: self.number(line), line: Cow::Borrowed(line) })
            .collect();
        if let (Some(line), Some(first)) = (whole, told.first_mut()) {
            first.line = Cow::Owned(line);
        }
        if let EventBody::Replied { run, merged, .. }
        | EventBody::Aborted { run, merged, .. }
        | EventBody::Failed { run, merged, .. } = &event.body
        {
            for run in merged.iter().chain([run]) {
                self.runs.remove(run);
            }
        }
        told
    }

    /// A telling of new words with all words so far, when it is time for that to somebody who wants them.
    fn whole(&mut self, event: &Event) -> Option<Line> {
        let EventBody::Delta { run, offset, text } = &event.body else { return None };
        let turns = self.turns.clone()?;
        let course = self.course(run);
        if course.whole.is_some_and(|told| event.at.since(told) < PACE) {
            return None;
        }
        let answer = turns.said(&event.session).filter(|answer| answer.run == *run)?;
        course.whole = Some(event.at);
        let message = spoken(&answer.text, event.at);
        let added = json!({
            "state": "delta", "offset": offset, "deltaText": text, "message": message,
        });
        Some(Line::of_run("chat", &event.session, run, &added))
    }

    fn number(&mut self, line: &Line) -> Option<u64> {
        let course = self.course(line.run.as_ref()?);
        course.frames += 1;
        Some(course.frames)
    }

    fn course(&mut self, run: &RunId) -> &mut Course {
        if self.runs.len() >= MOST_RUNS && !self.runs.contains_key(run) {
            self.runs.clear();
        }
        self.runs.entry(run.clone()).or_default()
    }
}

// === impl Line ===

impl Line {
    fn plain(event: &'static str, payload: &Value) -> Self {
        Self { event, run: None, before: payload.to_string(), after: String::new() }
    }

    /// `rest` is an object and not empty.
    fn of_run(event: &'static str, session: &SessionKey, run: &RunId, rest: &Value) -> Self {
        let (run_id, key, rest) = (json!(run), json!(session), rest.to_string());
        Self {
            event,
            run: Some(run.clone()),
            before: format!(r#"{{"runId":{run_id},"sessionKey":{key},"seq":"#),
            after: rest.replacen('{', ",", 1),
        }
    }

    fn agent(session: &SessionKey, run: &RunId, stream: &str, data: &Value) -> Self {
        Self::of_run("agent", session, run, &json!({ "stream": stream, "data": data }))
    }

    fn lifecycle(session: &SessionKey, run: &RunId, phase: &str) -> Self {
        Self::agent(session, run, "lifecycle", &json!({ "phase": phase }))
    }
}

fn lines(event: &Event, is_page: bool) -> Vec<Line> {
    let session = &event.session;
    // What is for others besides stands behind what is for all.
    let with = |mut lines: Vec<Line>, others: &dyn Fn() -> Vec<Line>| {
        if !is_page {
            lines.extend(others());
        }
        lines
    };
    match &event.body {
        EventBody::Received { message, run, text } => {
            let payload = json!({
                "sessionKey": session,
                "messageId": message,
                "message": received(*message, run, text, event.at),
            });
            vec![Line::plain("session.message", &payload)]
        }
        EventBody::Started { run, .. } => {
            with(Vec::new(), &|| vec![Line::lifecycle(session, run, "start")])
        }
        EventBody::Delta { run, offset, text } => {
            let added = json!({ "state": "delta", "offset": offset, "deltaText": text });
            with(vec![Line::of_run("chat", session, run, &added)], &|| {
                vec![Line::agent(session, run, "assistant", &json!({ "delta": text }))]
            })
        }
        EventBody::Replied { run, merged, reply, text, model, usage } => {
            let message = Spoken {
                id: Some(*reply),
                model: Some(model),
                usage: Some(*usage),
                identity: Some(Identity { id: *reply, seq: None, run_id: run.clone() }),
                ..spoken(text, event.at)
            };
            let end = json!({ "state": "final", "message": message });
            with(ending(session, run, merged, &end), &|| {
                vec![
                    Line::agent(session, run, "usage", &json!(usage)),
                    Line::lifecycle(session, run, "end"),
                ]
            })
        }
        EventBody::Aborted { run, merged, text } => {
            let end = json!({ "state": "aborted", "message": spoken(text, event.at) });
            with(ending(session, run, merged, &end), &|| vec![Line::lifecycle(session, run, "end")])
        }
        EventBody::Failed { run, merged, failure, retry_at } => {
            let (code, text) = (failure.code, &failure.text);
            let mut end = json!({
                "state": "error", "errorKind": error_kind(code), "errorMessage": text, "code": code,
            });
            if let Some(at) = retry_at {
                end["retryAtMs"] = json!(at);
            }
            with(ending(session, run, merged, &end), &|| {
                vec![Line::lifecycle(session, run, "error")]
            })
        }
        EventBody::Changed => {
            vec![Line::plain("sessions.changed", &json!({ "sessionKey": session }))]
        }
    }
}

/// The end of a run, and of all that were answered with it.
fn ending(session: &SessionKey, run: &RunId, merged: &[RunId], end: &Value) -> Vec<Line> {
    let mut beside = end.clone();
    if let Some(fields) = beside.as_object_mut() {
        fields.remove("message");
        fields.insert("mergedInto".to_owned(), json!(run));
    }
    let others = merged.iter().map(|other| Line::of_run("chat", session, other, &beside));
    [Line::of_run("chat", session, run, end)].into_iter().chain(others).collect()
}

fn received(id: MessageId, run: &RunId, text: &str, at: Timestamp) -> Value {
    json!({
        "id": id, "role": "user", "content": [{ "type": "text", "text": text }],
        "timestamp": at, "runId": run, "state": "waiting",
        "__openclaw": Identity { id, seq: None, run_id: run.clone() },
    })
}

fn spoken(text: &str, timestamp: Timestamp) -> Spoken<'_> {
    let content = [Part { r#type: "text", text }];
    Spoken {
        role: "assistant",
        content,
        timestamp,
        id: None,
        model: None,
        usage: None,
        identity: None,
    }
}

/// The protocol's own few words for why a run failed.
fn error_kind(code: &str) -> &'static str {
    let words = [
        ("timeout", "timeout"),
        ("rate", "rate_limit"),
        ("quota", "rate_limit"),
        ("context", "context_length"),
        ("refus", "refusal"),
    ];
    words.iter().find(|(part, _)| code.contains(part)).map_or("unknown", |(_, kind)| kind)
}

#[cfg(test)]
mod tests;
