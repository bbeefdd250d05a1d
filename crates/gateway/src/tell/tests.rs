//! Events in the words of protocol v4: in order, for our page and for other clients.

use domain::{Failure, Kind, PartialAnswer};

use super::*;

const AT: Timestamp = Timestamp(5);

/// A turn that has said this much, in any session.
struct Saying(&'static str);

impl Turns for Saying {
    fn said(&self, _: &SessionKey) -> Option<PartialAnswer> {
        let id = MessageId("00000000-0000-7000-8000-000000000001".parse().unwrap());
        Some(PartialAnswer { id, run: run("a"), since: AT, text: self.0.to_owned() })
    }

    fn abort(&self, _: &SessionKey, _: Option<&RunId>) -> Vec<RunId> {
        Vec::new()
    }
}

fn event(body: EventBody) -> Event {
    Event { session: "agent:main:main".parse().unwrap(), at: AT, body }
}

fn run(name: &str) -> RunId {
    RunId(name.to_owned())
}

/// What is told: names and payloads.
fn tell(teller: &mut Teller, event: &Event) -> Vec<(&'static str, Value)> {
    let words = Words::default();
    let told = teller.tell(event, &words);
    told.iter().map(|told| (told.event(), told.to_string().parse().unwrap())).collect()
}

#[test]
fn a_run_is_told_in_order_and_merged_runs_end_with_it() {
    let mut teller = Teller::for_page();
    let delta = event(EventBody::Delta { run: run("a"), offset: 0, text: "Hel".to_owned() });
    assert_eq!(
        tell(&mut teller, &delta)[0].1,
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
    let told = tell(&mut teller, &replied);
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[0].1,
        json!({
            "runId": "a", "sessionKey": "agent:main:main", "seq": 2, "state": "final",
            "message": {
                "role": "assistant", "content": [{ "type": "text", "text": "Hello" }],
                "timestamp": 5, "id": reply, "model": "sim/echo",
                "usage": { "input": 3, "cached": 0, "output": 1 },
                "__openclaw": { "id": reply, "runId": "a" },
            },
        })
    );
    assert_eq!(
        told[1].1,
        json!({"runId":"b","sessionKey":"agent:main:main","seq":1,"state":"final","mergedInto":"a"})
    );
    assert!(teller.runs.is_empty());
}

#[test]
fn a_failure_says_whether_it_is_tried_again() {
    let mut teller = Teller::for_page();
    let mut failed = |retry_at| {
        let text = "The model did not answer in 60 s.".to_owned();
        let body = EventBody::Failed {
            run: run("a"),
            merged: vec![],
            failure: Failure {
                kind: Kind::Upstream,
                code: "model-timeout",
                text,
                figures: Vec::new(),
            },
            retry_at,
        };
        tell(&mut teller, &event(body)).remove(0).1
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
        tell(teller, event).into_iter().map(|(name, _)| name).collect()
    };
    let mut other = Teller::for_others(Arc::new(Saying("so far, x")));
    assert_eq!(names(&mut other, &started), ["agent"]);
    assert_eq!(names(&mut other, &delta), ["chat", "agent"]);
    assert_eq!(names(&mut Teller::for_page(), &delta), ["chat"]);
    assert!(tell(&mut Teller::for_page(), &started).is_empty());
}

#[test]
fn the_count_of_runs_is_bounded() {
    let mut teller = Teller::for_page();
    for number in 0..10_000 {
        let delta =
            EventBody::Delta { run: run(&number.to_string()), offset: 0, text: String::new() };
        tell(&mut teller, &event(delta));
    }
    assert!(teller.runs.len() <= MOST_RUNS);
}

#[test]
fn other_clients_hear_all_words_so_far_now_and_then() {
    let mut teller = Teller::for_others(Arc::new(Saying("Hello")));
    let mut hear = |name: &str, at: i64| {
        let body = EventBody::Delta { run: run(name), offset: 3, text: "lo".to_owned() };
        let told = tell(&mut teller, &Event { at: Timestamp(at), ..event(body) }).remove(0).1;
        assert_eq!(told["deltaText"], "lo", "the words that were added are told in any case");
        told.get("message").cloned()
    };
    let whole = json!({
        "role": "assistant", "content": [{ "type": "text", "text": "Hello" }], "timestamp": 1_000,
    });
    assert_eq!(hear("a", 1_000), Some(whole));
    assert_eq!(hear("a", 1_149), None);
    assert!(hear("a", 1_150).is_some());
    assert_eq!(hear("b", 1_150), None, "these are the words of another run");
}

#[test]
fn the_same_words_serve_everybody_and_each_counts_alone() {
    let delta = event(EventBody::Delta { run: run("a"), offset: 0, text: "Hel".to_owned() });
    let (mut first, mut late) = (Teller::for_page(), Teller::for_page());
    tell(&mut first, &delta);
    let words = Words::default();
    let told = first.tell(&delta, &words)[0].to_string();
    assert_eq!(
        told,
        r#"{"runId":"a","sessionKey":"agent:main:main","seq":2,"state":"delta","offset":0,"deltaText":"Hel"}"#
    );
    assert_eq!(late.tell(&delta, &words)[0].to_string(), told.replace("\"seq\":2", "\"seq\":1"));
    let mut other = Teller::for_others(Arc::new(Saying("Hel")));
    assert_eq!(other.tell(&delta, &words).len(), 2, "another kind is told its own words");
}
