//! Speaking to a gateway: against a stand-in that says exactly what protocol v4 says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use crate::installation::{Installation, Run};

type Client = WebSocket<TcpStream>;

fn tell(client: &mut Client, frame: &Value) {
    client.send(Message::text(frame.to_string())).unwrap();
}

fn heard(client: &mut Client) -> Value {
    serde_json::from_str(client.read().unwrap().to_text().unwrap()).unwrap()
}

fn chat(client: &mut Client, run: &Value, extra: &Value) {
    let mut payload = json!({ "runId": run, "sessionKey": "agent:main:main" });
    payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    tell(client, &json!({ "type": "event", "event": "chat", "payload": payload }));
}

/// Takes one client through the handshake and its message, then lets `then` tell what happens to it.
fn gateway(then: impl FnOnce(&mut Client, &Value) + Send + 'static) -> (String, JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut client = accept(listener.accept().unwrap().0).unwrap();
        tell(&mut client, &json!({ "type": "event", "event": "connect.challenge", "payload": {} }));
        let connect = heard(&mut client);
        assert_eq!(connect["params"]["client"]["id"], "cli");
        tell(
            &mut client,
            &json!({ "type": "res", "id": connect["id"], "ok": true, "payload": {} }),
        );
        let send = heard(&mut client);
        assert_eq!(send["method"], "chat.send");
        tell(&mut client, &json!({ "type": "res", "id": send["id"], "ok": true, "payload": {} }));
        then(&mut client, &send["params"]["idempotencyKey"]);
        send["params"].clone()
    });
    (url, served)
}

fn message(text: &str) -> Value {
    json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] })
}

fn say(url: &str, arguments: &[&str]) -> Run {
    let start = ["agent", "--message", "hi", "--url", url];
    Installation::new().run(&[&start, arguments].concat())
}

#[test]
fn the_answer_arrives_as_it_is_said() {
    let (url, served) = gateway(|client, run| {
        chat(client, &"somebody-elses".into(), &json!({ "state": "delta", "deltaText": "no" }));
        chat(client, run, &json!({ "state": "delta", "deltaText": "Hel" }));
        chat(client, run, &json!({ "state": "delta", "deltaText": "lo\u{1b}[31m" }));
        chat(
            client,
            run,
            &json!({ "state": "final", "message": message("Hello\u{1b}[31m there") }),
        );
    });
    let run = say(&url, &["--session", "agent:main:web:direct:anna"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "Hello [31m there\n", ""));
    let sent = served.join().unwrap();
    assert_eq!(
        (&sent["sessionKey"], &sent["message"]),
        (&"agent:main:web:direct:anna".into(), &"hi".into())
    );
}

#[test]
fn with_json_each_happening_is_a_line() {
    let (url, served) = gateway(|client, run| {
        chat(client, run, &json!({ "state": "delta", "deltaText": "a" }));
        chat(client, run, &json!({ "state": "final", "message": message("ab") }));
    });
    let run = say(&url, &["--json"]);
    let name = served.join().unwrap()["idempotencyKey"].clone();
    let lines: Vec<Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = "agent:main:main";
    assert_eq!(
        lines,
        [
            json!({ "event": "delta", "session": key, "run": name, "text": "a" }),
            json!({ "event": "answer", "session": key, "run": name, "text": "ab" }),
        ]
    );
}

#[test]
fn a_message_that_was_merged_gets_the_answer_of_the_other() {
    let (url, _served) = gateway(|client, run| {
        chat(client, &"other".into(), &json!({ "state": "final", "message": message("both") }));
        chat(client, run, &json!({ "state": "final", "mergedInto": "other" }));
    });
    let run = say(&url, &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "both\n"));
}

#[test]
fn a_failure_that_is_tried_again_is_not_the_end() {
    let (url, _served) = gateway(|client, run| {
        chat(client, run, &json!({ "state": "delta", "deltaText": "half" }));
        let error = json!({ "state": "error", "errorMessage": "provider busy", "retryAtMs": 0 });
        chat(client, run, &error);
        chat(client, run, &json!({ "state": "final", "message": message("whole") }));
    });
    let run = say(&url, &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "half\nwhole\n"));
    assert!(run.err.starts_with("provider busy; it is tried again "), "{}", run.err);

    let (url, _served) = gateway(|client, run| {
        chat(client, run, &json!({ "state": "error", "errorMessage": "no credit" }));
    });
    let run = say(&url, &["--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(5), &"no-answer".into()));
    assert_eq!(run.error()["message"], "there is no answer: no credit");
}

#[test]
fn a_refusal_keeps_the_gateways_code() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut client = accept(listener.accept().unwrap().0).unwrap();
        tell(&mut client, &json!({ "type": "event", "event": "connect.challenge", "payload": {} }));
        let id = heard(&mut client)["id"].clone();
        let error = json!({
            "code": "UNAUTHORIZED", "message": "the credential is not known",
            "details": { "code": "credential-unknown" }, "retryable": false,
        });
        tell(&mut client, &json!({ "type": "res", "id": id, "ok": false, "error": error }));
    });
    let run = say(&url, &[]);
    served.join().unwrap();
    assert_eq!((run.code, run.out.as_str()), (Some(4), ""));
    assert_eq!(
        run.err,
        "error: the credential is not known\n  code     credential-unknown\n  \
         more     openclaw explain credential-unknown\n"
    );
}

#[test]
fn health_shows_what_the_gateway_says() {
    for (status, code, first) in
        [("200 OK", 0, "healthy  "), ("503 Service Unavailable", 5, "not well  ")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            let body = r#"{"ok":true,"store":{"engine":"sqlite"}}"#;
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            String::from_utf8(request[..read].to_vec()).unwrap()
        });
        let run = Installation::new().run(&["health", "--url", &url]);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert_eq!(run.out, format!("{first}{url}\nok           true\nstore.engine sqlite\n"));
        let request = served.join().unwrap().to_lowercase();
        assert!(request.starts_with("get /health http/1.1\r\n"), "{request}");
        assert!(!request.contains("authorization"));
    }
}
