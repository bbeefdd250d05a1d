//! Events of the house in the words of protocol v4.
//!
//! Owns the translation and the count within each run; refuses to repeat a whole answer with every word of
//! it.

use std::collections::HashMap;

use domain::event::Usage;
use domain::{Event, EventBody, MessageId, RunId, SessionKey, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

/// One event frame to be: its name and its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The event's name.
    pub event: &'static str,
    /// The event's payload.
    pub payload: Value,
}

/// Translates for one connection.
#[derive(Debug)]
pub struct Teller {
    /// Whether to tell what our own page does not need but the original's clients look at.
    everything: bool,
    counts: HashMap<RunId, u64>,
}

/// Runs that are counted at the same time; beyond it counting begins anew.
const MOST_RUNS: usize = 256;

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
}

#[derive(Serialize)]
struct Part<'a> {
    r#type: &'static str,
    text: &'a str,
}

// === impl Teller ===

impl Teller {
    /// A teller for one of our own pages, or for any other client.
    #[must_use]
    pub fn new(is_page: bool) -> Self {
        Self { everything: !is_page, counts: HashMap::new() }
    }

    /// The frames that an event becomes.
    pub fn tell(&mut self, event: &Event) -> Vec<Told> {
        let session = &event.session;
        match &event.body {
            EventBody::Received { message, run, text } => vec![Told {
                event: "session.message",
                payload: json!({
                    "sessionKey": session,
                    "message": received(*message, run, text, event.at),
                }),
            }],
            EventBody::Started { run, .. } => self.lifecycle(session, run, "start"),
            EventBody::Delta { run, offset, text } => self.delta(session, run, *offset, text),
            EventBody::Replied { run, merged, reply, text, model, usage } => {
                let message = Spoken {
                    id: Some(*reply),
                    model: Some(model),
                    usage: Some(*usage),
                    ..spoken(text, event.at)
                };
                let extra = json!({ "message": message });
                let mut told = self.ending(session, run, merged, "final", &extra);
                if self.everything {
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

    fn delta(&mut self, session: &SessionKey, run: &RunId, offset: usize, text: &str) -> Vec<Told> {
        let added = json!({ "offset": offset, "deltaText": text });
        let chat = self.chat(session, run, "delta", &added);
        let mut told = vec![chat];
        if self.everything {
            told.push(self.agent(session, run, "assistant", &json!({ "delta": text })));
        }
        told
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
        if self.everything {
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
        if self.counts.len() >= MOST_RUNS && !self.counts.contains_key(run) {
            self.counts.clear();
        }
        let count = self.counts.entry(run.clone()).or_default();
        *count += 1;
        *count
    }

    fn forget(&mut self, run: &RunId) {
        self.counts.remove(run);
    }
}

fn received(id: MessageId, run: &RunId, text: &str, at: Timestamp) -> Value {
    json!({
        "id": id, "role": "user", "content": [{ "type": "text", "text": text }],
        "timestamp": at, "runId": run, "state": "waiting",
    })
}

fn spoken(text: &str, timestamp: Timestamp) -> Spoken<'_> {
    let content = [Part { r#type: "text", text }];
    Spoken { role: "assistant", content, timestamp, id: None, model: None, usage: None }
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
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(5);

    fn event(body: EventBody) -> Event {
        Event { session: "agent:main:main".parse().unwrap(), at: AT, body }
    }

    fn run(name: &str) -> RunId {
        RunId(name.to_owned())
    }

    #[test]
    fn a_run_is_told_in_order_and_merged_runs_end_with_it() {
        let mut teller = Teller::new(true);
        let delta = event(EventBody::Delta { run: run("a"), offset: 0, text: "Hel".to_owned() });
        assert_eq!(
            teller.tell(&delta)[0].payload,
            json!({"runId":"a","sessionKey":"agent:main:main","seq":1,"state":"delta","offset":0,"deltaText":"Hel"})
        );
        let reply = MessageId("00000000-0000-7000-8000-000000000001".parse().unwrap());
        let replied = event(EventBody::Replied {
            run: run("a"),
            merged: vec![run("b")],
            reply,
            text: "Hello".to_owned(),
            model: "sim/echo".to_owned(),
            usage: Usage { input: 3, cached: 0, output: 1 },
        });
        let told = teller.tell(&replied);
        assert_eq!(told.len(), 2);
        assert_eq!(
            told[0].payload,
            json!({
                "runId": "a", "sessionKey": "agent:main:main", "seq": 2, "state": "final",
                "message": {
                    "role": "assistant", "content": [{ "type": "text", "text": "Hello" }],
                    "timestamp": 5, "id": reply, "model": "sim/echo",
                    "usage": { "input": 3, "cached": 0, "output": 1 },
                },
            })
        );
        assert_eq!(
            told[1].payload,
            json!({"runId":"b","sessionKey":"agent:main:main","seq":1,"state":"final","mergedInto":"a"})
        );
        assert!(teller.counts.is_empty());
    }

    #[test]
    fn a_failure_says_whether_it_is_tried_again() {
        let mut teller = Teller::new(true);
        let mut failed = |retry_at| {
            let text = "The model did not answer in 60 s.".to_owned();
            let body = EventBody::Failed {
                run: run("a"),
                merged: vec![],
                code: "model-timeout",
                text,
                retry_at,
            };
            teller.tell(&event(body)).remove(0).payload
        };
        assert_eq!(failed(Some(Timestamp(9)))["retryAtMs"], 9);
        let parked = failed(None);
        assert!(parked.get("retryAtMs").is_none());
        assert_eq!(
            (&parked["errorKind"], &parked["code"]),
            (&json!("timeout"), &json!("model-timeout"))
        );
    }

    #[test]
    fn other_clients_are_told_the_originals_words_too() {
        let started = event(EventBody::Started { run: run("a"), merged: vec![] });
        let delta = event(EventBody::Delta { run: run("a"), offset: 3, text: "x".to_owned() });
        let names = |teller: &mut Teller, event: &Event| -> Vec<_> {
            teller.tell(event).into_iter().map(|told| told.event).collect()
        };
        let mut other = Teller::new(false);
        assert_eq!(names(&mut other, &started), ["agent"]);
        assert_eq!(names(&mut other, &delta), ["chat", "agent"]);
        assert_eq!(names(&mut Teller::new(true), &delta), ["chat"]);
        assert!(Teller::new(true).tell(&started).is_empty());
    }

    #[test]
    fn the_count_of_runs_is_bounded() {
        let mut teller = Teller::new(true);
        for number in 0..10_000 {
            teller.tell(&event(EventBody::Delta {
                run: run(&number.to_string()),
                offset: 0,
                text: String::new(),
            }));
        }
        assert!(teller.counts.len() <= MOST_RUNS);
    }
}
