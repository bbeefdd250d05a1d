//! An agent, asked as one asks a model.

use domain::event::Usage;
use domain::{EventBody, MessageId, RunId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::house::{House, OPERATOR, in_house, quick};

const PATH: &str = "/v1/chat/completions";

fn ask(stream: bool) -> Value {
    json!({
        "model": "openclaw", "stream": stream, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "hi" }],
    })
}

fn run(name: &str) -> RunId {
    RunId(name.to_owned())
}

fn replied(name: &str, text: &str) -> EventBody {
    EventBody::Replied {
        run: run(name),
        merged: vec![],
        reply: MessageId(uuid::Uuid::from_u128(9)),
        text: text.to_owned(),
        model: "sim/echo".to_owned(),
        usage: Usage { input: 3, cached: 2, output: 4 },
    }
}

/// Tells events as soon as the message of that run was taken.
async fn engine(
    house: &House,
    name: &'static str,
    events: Vec<EventBody>,
) -> tokio::task::JoinHandle<()> {
    let bus = house.bus.clone();
    let mut heard = bus.subscribe(bus::Topic::All);
    let session = format!("agent:main:api:once:{name}");
    tokio::spawn(async move {
        loop {
            let event = heard.next().await.unwrap();
            if matches!(&event.body, EventBody::Received { run, .. } if run.0 == name) {
                break;
            }
        }
        for body in events {
            let at = domain::Timestamp(7);
            bus.publish(domain::Event { session: session.parse().unwrap(), at, body });
        }
    })
}

#[test]
fn the_whole_answer_comes_at_once() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let engine = engine(house, "k-1", vec![replied("k-1", "hello")]).await;
        let answer = house.post(PATH, OPERATOR, "idempotency-key: k-1\r\n", &ask(false)).await;
        engine.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        assert_eq!(answer["object"], "chat.completion");
        assert_eq!(answer["model"], "openclaw");
        assert_eq!(answer["choices"][0]["message"]["content"], "hello");
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        assert_eq!(answer["usage"]["prompt_tokens"], 5);
        assert_eq!(answer["usage"]["total_tokens"], 9);
    });
}

#[test]
fn a_stream_comes_word_by_word_and_says_nothing_twice() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let delta =
            |text: &str| EventBody::Delta { run: run("k-1"), offset: 0, text: text.to_owned() };
        let started = EventBody::Started { run: run("k-1"), merged: vec![] };
        let told = vec![started, delta("hel"), delta("lo"), replied("k-1", "hello!")];
        let engine = engine(house, "k-1", told).await;
        let answer = house.post(PATH, OPERATOR, "idempotency-key: k-1\r\n", &ask(true)).await;
        engine.await.unwrap();
        assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
        let events: Vec<&str> =
            answer.body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        let (done, chunks) = events.split_last().unwrap();
        assert_eq!(*done, "[DONE]");
        let chunks: Vec<Value> =
            chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
        let text: String = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(text, "hello!");
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
        assert_eq!(chunks[chunks.len() - 1]["usage"]["completion_tokens"], 4);
    });
}

#[test]
fn failures_are_told_in_the_callers_shape() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let failed = |retry_at| EventBody::Failed {
            run: run("k-1"),
            merged: vec![],
            failure: domain::Failure {
                kind: domain::Kind::Upstream,
                code: "model-timeout",
                text: "the model did not answer".to_owned(),
                figures: Vec::new(),
            },
            retry_at,
        };
        let told = vec![failed(Some(domain::Timestamp(9))), failed(None)];
        let engine = engine(house, "k-1", told).await;
        let answer = house.post(PATH, OPERATOR, "idempotency-key: k-1\r\n", &ask(false)).await;
        engine.await.unwrap();
        assert_eq!(answer.status, 502);
        assert_eq!(
            answer.json(),
            json!({ "error": {
                "message": "the model did not answer", "type": "server_error", "param": null,
                "code": "model-timeout",
            } })
        );
        assert!(house.turns.aborted.lock().unwrap().is_empty(), "there is nothing left to stop");
        for (token, change, status, kind) in [
            ("wrong", json!({}), 401, "authentication_error"),
            (OPERATOR, json!({ "model": "gpt-4o" }), 404, "invalid_request_error"),
            (OPERATOR, json!({ "model": "openclaw/nobody" }), 404, "invalid_request_error"),
            (OPERATOR, json!({ "api_base": "http://evil.test" }), 400, "invalid_request_error"),
            (OPERATOR, json!({ "messages": [] }), 400, "invalid_request_error"),
        ] {
            let mut body = ask(false);
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            let answer = house.post(PATH, token, "", &body).await;
            assert_eq!(answer.status, status, "{change}");
            assert_eq!(answer.json()["error"]["type"], kind, "{change}");
        }
    });
}

#[test]
fn who_leaves_stops_the_turn() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        for (name, stream) in [("k-1", false), ("k-2", true)] {
            let started = EventBody::Started { run: run(name), merged: vec![] };
            let engine = engine(house, name, vec![started]).await;
            let body = ask(stream).to_string();
            let mut caller = tokio::net::TcpStream::connect(house.address).await.unwrap();
            let request = format!(
                "POST {PATH} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {OPERATOR}\r\nidempotency-key: {name}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                house.address,
                body.len()
            );
            caller.write_all(request.as_bytes()).await.unwrap();
            engine.await.unwrap();
            if stream {
                let mut first = [0; 15];
                caller.read_exact(&mut first).await.unwrap();
                assert_eq!(&first, b"HTTP/1.1 200 OK");
            }
            drop(caller);
            let begun = std::time::Instant::now();
            let expected = Some(run(name));
            while !house.turns.aborted.lock().unwrap().iter().any(|(_, run)| *run == expected) {
                assert!(begun.elapsed().as_secs() < 60, "the turn of {name} is stopped");
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn models_are_the_agents() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        house.tenant("aliya").await;
        let list = house.get("/v1/models", &format!("x-api-key: {OPERATOR}\r\n")).await.json();
        let ids: Vec<_> =
            list["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
        assert_eq!(ids, ["openclaw", "openclaw/default", "openclaw/aliya", "openclaw/main"]);
    });
}

#[test]
fn what_is_switched_off_is_not_there() {
    in_house(quick(), async |house| {
        let off = gateway::Settings {
            chat_completions: false,
            ..(*crate::house::settings(OPERATOR)).clone()
        };
        house.settings.send(std::sync::Arc::new(off)).unwrap();
        assert_eq!(house.post(PATH, OPERATOR, "", &ask(false)).await.status, 404);
        assert_eq!(house.get("/v1/models", "").await.status, 404);
    });
}
