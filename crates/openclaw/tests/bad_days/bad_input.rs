//! Bad input: refused with a stable code, and nothing is written.

use std::sync::Arc;

use serde_json::{Value, json};
use store::{InboxFilter, Location, SessionFilter, Store};
use testkit::{CountingIds, ManualClock};

use crate::home::{Home, TOKEN};
use crate::http::{Answer, complete, request};
use crate::running::Running;
use crate::socket::code;

/// Everything that a message could have left behind.
async fn tables(home: &Home) -> String {
    let location = Location::Directory(home.state());
    let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountingIds::default()));
    let store = Store::open(location, clock, ids).await.unwrap();
    let rows = store.inbox(InboxFilter::default()).await.unwrap();
    let sessions = store.sessions(SessionFilter::default()).await.unwrap();
    let (tenants, devices) = (store.tenants().await.unwrap(), store.devices().await.unwrap());
    let outbox = store.outbox(100).await.unwrap();
    store.close().await;
    format!("{rows:?} {sessions:?} {tenants:?} {devices:?} {outbox:?}")
}

fn asking(field: &str, value: &Value) -> Vec<u8> {
    let mut body = json!({
        "model": "openclaw",
        "messages": [{ "role": "user", "content": "hello" }],
    });
    body[field] = value.clone();
    body.to_string().into_bytes()
}

/// Bodies of a chat completion, and the status and code that each must be refused with.
fn bodies() -> Vec<(Vec<u8>, u16, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let deep = format!(
        "{{\"model\":\"openclaw\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}],\"metadata\":{}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000),
    );
    let mut bodies = vec![
        (text(""), 400, "request-malformed"),
        (text("{"), 400, "request-malformed"),
        (text("{} {}"), 400, "request-malformed"),
        (text("[]"), 400, "request-malformed"),
        (text("null"), 400, "request-malformed"),
        (text("{}"), 400, "request-malformed"),
        (b"{\"model\":\"openclaw\xff\"}".to_vec(), 400, "request-malformed"),
        ("[".repeat(10_000).into_bytes(), 400, "json-too-deep"),
        ("{\"a\":".repeat(10_000).into_bytes(), 400, "json-too-deep"),
        (deep.into_bytes(), 400, "json-too-deep"),
        (asking("model", &json!(5)), 400, "request-malformed"),
        (asking("messages", &json!("hello")), 400, "request-malformed"),
        (asking("messages", &json!([5])), 400, "request-malformed"),
        (asking("messages", &json!([{ "role": 5, "content": "x" }])), 400, "request-malformed"),
        (
            asking("messages", &json!([{ "role": "wizard", "content": "x" }])),
            400,
            "request-malformed",
        ),
        (asking("messages", &json!([{ "role": "user", "content": 5 }])), 400, "request-malformed"),
        (asking("stream", &json!("yes")), 400, "request-malformed"),
        (asking("messages", &json!([])), 400, "request-field"),
        (asking("model", &json!("gpt-4")), 404, "agent-not-found"),
        (asking("model", &json!("openclaw/nobody")), 404, "agent-not-found"),
    ];
    let long = "x".repeat(domain::message::LONGEST_TEXT + 1);
    for (words, code) in
        [("", "request-field"), (" \n ", "request-field"), (&long, "message-text-size")]
    {
        let messages = json!([{ "role": "user", "content": words }]);
        bodies.push((asking("messages", &messages), 400, code));
    }
    bodies.push((asking("padding", &json!("x".repeat(21 << 20))), 413, "body-too-large"));
    bodies
}

/// What was not refused as it must be, told together at the end.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn hold(&mut self, answer: &Answer, status: u16, code: &str, what: &str) {
        if (answer.status, answer.code().as_str()) != (status, code) {
            self.0.push(format!("{what}: wanted {status} {code}, got {answer:?}"));
        }
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        assert!(self.0.is_empty() || std::thread::panicking(), "{:#?}", self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_body_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let (before, mut complaints) = (tables(&home).await, Complaints::default());
    for (body, status, code) in bodies() {
        let answer = complete(&running.authority, &body, &[]).await;
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        complaints.hold(&answer, status, code, &what);
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{what}");
    }
    let good = asking("model", &json!("openclaw"));
    let long = "x".repeat(900);
    for (name, value, status, code) in [
        ("content-type", "text/plain", 415, "media-type"),
        ("content-encoding", "gzip", 415, "content-encoding"),
        ("idempotency-key", "with space", 400, "request-field"),
        ("idempotency-key", "", 400, "request-field"),
        ("x-openclaw-session-key", &long, 400, "session-key"),
        ("authorization", "Bearer another", 400, "credential-ambiguous"),
    ] {
        let answer = complete(&running.authority, &good, &[(name, value)]).await;
        complaints.hold(&answer, status, code, &format!("{name}: {value:.20}"));
    }
    assert_eq!(tables(&home).await, before, "nothing was written");
    assert_eq!(complete(&running.authority, &good, &[]).await.status, 200, "and it still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_request_is_refused_in_the_words_of_problem_json() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let (before, mut complaints) = (tables(&home).await, Complaints::default());
    let bearer = format!("Bearer {TOKEN}");
    let long = format!("/{}", "x".repeat(9_000));
    for (method, path, status, code) in [
        ("POST", "/health", 405, "method-not-allowed"),
        ("DELETE", "/v1/chat/completions", 405, "method-not-allowed"),
        ("BREW", "/ready", 405, "method-not-allowed"),
        ("GET", "/v1/nothing", 404, "path-not-found"),
        ("GET", "/.git/config", 404, "path-not-found"),
        ("GET", "/%2e%2e/etc/passwd", 400, "path-hidden"),
        ("GET", "/?token=secret", 401, "credential-in-address"),
        ("GET", "/ws", 426, "upgrade-required"),
        ("GET", &long, 414, "address-too-long"),
    ] {
        let headers = [("authorization", bearer.as_str())];
        let answer = request(&running.authority, method, path, &headers, b"").await;
        complaints.hold(&answer, status, code, path);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    let unknown = request(&running.authority, "POST", "/v1/chat/completions", &[], b"{").await;
    complaints.hold(&unknown, 401, "credential-missing", "nobody has a body read");
    assert_eq!(tables(&home).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_call_on_a_socket_is_refused_and_the_socket_stays() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let mut socket = running.socket().await;
    let (before, mut complaints) = (tables(&home).await, Complaints::default());
    let say = |session: Value, message: Value, key: Value| {
        ("chat.send", json!({ "sessionKey": session, "message": message, "idempotencyKey": key }))
    };
    let long = "x".repeat(domain::message::LONGEST_TEXT + 1);
    for ((method, params), wanted) in [
        (("chat.sing", json!({})), "method-unknown"),
        (("chat.send", json!({})), "request-malformed"),
        (("chat.send", json!([1, 2])), "request-malformed"),
        (say(json!(5), json!("x"), json!("r")), "request-malformed"),
        (say(json!("agent:main:main"), json!(5), json!("r")), "request-malformed"),
        (say(json!("agent:main:main"), json!("x"), json!("")), "message-key"),
        (say(json!("agent:main:main"), json!("x"), json!("a b")), "message-key"),
        (say(json!("agent:main:main"), json!(" "), json!("r")), "message-text-size"),
        (say(json!("agent:main:main"), json!(long), json!("r")), "message-text-size"),
        (say(json!("agent:nobody:main"), json!("x"), json!("r")), "session-not-found"),
        (say(json!("nonsense"), json!("x"), json!("r")), "session-not-found"),
        (say(json!("agent:main:api:x"), json!("x"), json!("r")), "session-not-writable"),
        (("chat.history", json!({ "sessionKey": "agent:main:api:none" })), "session-not-found"),
    ] {
        let fault = socket.ask(method, params).await.unwrap_err();
        if code(&fault) != wanted {
            complaints.0.push(format!("{method}: wanted {wanted}, got {fault}"));
        }
    }
    assert_eq!(tables(&home).await, before, "nothing was written");
    assert!(socket.say("agent:main:main", "r-1", "hello").await.is_ok());
}
