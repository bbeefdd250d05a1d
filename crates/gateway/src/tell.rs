//! Events of the house in the words of protocol v4.
//!
//! Owns the translation and what it told of each run; refuses to repeat a whole answer with every word of
//! it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::event::Usage;
use domain::{Event, EventBody, MessageId, RunId, SessionKey, Timestamp, Turns};
use serde::Serialize;
use serde_json::{Value, json};

use crate::protocol::identity::Identity;

/// One event frame to be: its name and its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The event's name.
    pub event: &'static str,
    /// The event's payload.
    pub payload: Value,
}

/// Translates for one connection.
pub struct Teller {
    /// For other programs than our own page: they look at more, and want to hear all words so far.
    turns: Option<Arc<dyn Turns>>,
    runs: HashMap<RunId, Course>,
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

    /// The frames that an event becomes.
    pub fn tell(&mut self, event: &Event) -> Vec<Told> {
        let session = &event.session;
        match &event.body {
            EventBody::Received { message, run, text } => vec![Told {
                event: "session.message",
                payload: json!({
                    "sessionKey": session,
                    "messageId": message,
                    "message": received(*message, run, text, event.at),
                }),
            }],
            EventBody::Started { run, .. } => self.lifecycle(session, run, "start"),
            EventBody::Delta { run, offset, text } => {
                let added = json!({ "offset": offset, "deltaText": text });
                self.delta(session, run, text, added, event.at)
            }
            EventBody::Replied { run, merged, reply, text, model, usage } => {
                let message = Spoken {
                    id: Some(*reply),
                    model: Some(model),
                    usage: Some(*usage),
                    identity: Some(Identity { id: *reply, seq: None, run_id: run.clone() }),
                    ..spoken(text, event.at)
                };
                let extra = json!({ "message": message });
                let mut told = self.ending(session, run, merged, "final", &extra);
                if self.turns.is_some() {
                    told.push(self.agent(session, run, "usage", &json!(usage)));
                    told.extend(self.lifecycle(session, run, "end"));
                }
                self.forget(run);
                told
            }
            EventBody::Aborted { run, merged, text } => {
                let extra = json!({ "message": spoken(text, event.at) });
                let mut told = self.ending(session, run, merged, "aborted", &extra);
                told.extend(self.lifecycle(session, run, "end"));
                self.forget(run);
                told
            }
            EventBody::Failed { run, merged, code, text, retry_at } => {
                let mut extra = json!({
                    "errorKind": error_kind(code), "errorMessage": text, "code": code,
                });
                if let Some(at) = retry_at {
                    extra["retryAtMs"] = json!(at);
                }
                let mut told = self.ending(session, run, merged, "error", &extra);
                told.extend(self.lifecycle(session, run, "error"));
                self.forget(run);
                told
            }
            EventBody::Changed => {
                vec![Told { event: "sessions.changed", payload: json!({ "sessionKey": session }) }]
            }
        }
    }

    fn delta(
        &mut self,
        session: &SessionKey,
        run: &RunId,
        text: &str,
        mut added: Value,
        at: Timestamp,
    ) -> Vec<Told> {
        if let Some(whole) = self.whole(session, run, at) {
            added["message"] = json!(spoken(&whole, at));
        }
        let mut told = vec![self.chat(session, run, "delta", &added)];
        if self.turns.is_some() {
            told.push(self.agent(session, run, "assistant", &json!({ "delta": text })));
        }
        told
    }

    /// All words of an answer so far, when it is time to tell them to somebody who wants them.
    fn whole(&mut self, session: &SessionKey, run: &RunId, at: Timestamp) -> Option<String> {
        let turns = self.turns.clone()?;
        let course = self.course(run);
        if course.whole.is_some_and(|told| at.since(told) < PACE) {
            return None;
        }
        let answer = turns.said(session).filter(|answer| answer.run == *run)?;
        course.whole = Some(at);
        Some(answer.text)
    }

    /// The end of a run, and of all that were answered with it.
    fn ending(
        &mut self,
        session: &SessionKey,
        run: &RunId,
        merged: &[RunId],
        state: &str,
        extra: &Value,
    ) -> Vec<Told> {
        let mut told = vec![self.chat(session, run, state, extra)];
        let mut beside = extra.clone();
        if let Some(fields) = beside.as_object_mut() {
            fields.remove("message");
            fields.insert("mergedInto".to_owned(), json!(run));
        }
        for other in merged {
            told.push(self.chat(session, other, state, &beside));
            self.forget(other);
        }
        told
    }

    fn chat(&mut self, session: &SessionKey, run: &RunId, state: &str, extra: &Value) -> Told {
        let mut payload = json!({
            "runId": run, "sessionKey": session, "seq": self.next(run), "state": state,
        });
        if let (Some(fields), Some(extra)) = (payload.as_object_mut(), extra.as_object()) {
            fields.extend(extra.clone());
        }
        Told { event: "chat", payload }
    }

    fn lifecycle(&mut self, session: &SessionKey, run: &RunId, phase: &str) -> Vec<Told> {
        if self.turns.is_some() {
            vec![self.agent(session, run, "lifecycle", &json!({ "phase": phase }))]
        } else {
            Vec::new()
        }
    }

    fn agent(&mut self, session: &SessionKey, run: &RunId, stream: &str, data: &Value) -> Told {
        let payload = json!({
            "runId": run, "sessionKey": session, "seq": self.next(run), "stream": stream,
            "data": data,
        });
        Told { event: "agent", payload }
    }

    fn next(&mut self, run: &RunId) -> u64 {
        let course = self.course(run);
        course.frames += 1;
        course.frames
    }

    fn course(&mut self, run: &RunId) -> &mut Course {
        if self.runs.len() >= MOST_RUNS && !self.runs.contains_key(run) {
            self.runs.clear();
        }
        self.runs.entry(run.clone()).or_default()
    }

    fn forget(&mut self, run: &RunId) {
        self.runs.remove(run);
    }
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
