//! A conversation over protocol v4, in the shapes that clients rely on.

use domain::event::Usage;
use domain::{EventBody, MessageId, PartialAnswer, Role, RunId, Timestamp};
use serde_json::{Value, json};
use store::{LineOutcome, NewLine};

use crate::house::{OPERATOR, connect, in_house, quick};

fn run(name: &str) -> RunId {
    RunId(name.to_owned())
}

#[test]
fn hello_says_what_there_is() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let hello = house.knock().await.request("connect", connect(OPERATOR)).await.unwrap();
        assert_eq!(hello["protocol"], 4);
        assert_eq!(hello["server"]["version"], "0.0.0-test");
        assert_eq!(
            hello["snapshot"]["sessionDefaults"],
            json!({ "defaultAgentId": "main", "mainKey": "main", "mainSessionKey": "agent:main:main" })
        );
        assert_eq!(hello["snapshot"]["health"]["store"], json!({ "engine": "sqlite", "ok": true }));
        assert_eq!(hello["auth"]["scopes"][2], "operator.admin");
        assert_eq!(hello["policy"]["tickIntervalMs"], 30_000);
        let methods = hello["features"]["methods"].as_array().unwrap();
        for method in [
            "sessions.subscribe",
            "sessions.list",
            "agents.list",
            "chat.history",
            "chat.send",
            "chat.abort",
            "health",
            "status",
            "logs.tail",
        ] {
            assert!(methods.contains(&json!(method)), "{method}");
        }
    });
}

#[test]
fn a_message_is_taken_answered_and_read_again() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = house.client(OPERATOR).await;
        assert_eq!(
            client.request("sessions.subscribe", json!({})).await.unwrap(),
            json!({ "subscribed": true })
        );
        let empty = client.request("chat.history", json!({ "sessionKey": "main" })).await.unwrap();
        assert_eq!(
            empty,
            json!({
                "sessionKey": "agent:main:main", "sessionInfo": { "key": "agent:main:main" },
                "defaults": { "modelProvider": "sim", "model": "echo", "contextTokens": null },
                "messages": [], "hasMore": false,
            })
        );

        let send = json!({
            "sessionKey": "main", "message": "hi", "idempotencyKey": "k-1", "deliver": false,
            "thinking": "low", "timeoutMs": 5,
        });
        let sent = client.request("chat.send", send.clone()).await.unwrap();
        assert_eq!(sent, json!({ "runId": "k-1", "status": "started" }));
        let twice = client.request("chat.send", send).await.unwrap();
        assert_eq!(twice, json!({ "runId": "k-1", "status": "duplicate" }));
        let received = client.whole_event("session.message").await;
        assert_eq!(received["seq"], 1);
        assert_eq!(
            received["payload"]["message"]["content"],
            json!([{ "type": "text", "text": "hi" }])
        );

        let history =
            client.request("chat.history", json!({ "sessionKey": "main" })).await.unwrap();
        assert_eq!(history["messages"][0]["state"], "waiting");
        assert_eq!(history["messages"][0]["runId"], "k-1");
        let sessions = client.request("sessions.list", json!({})).await.unwrap();
        let session = &sessions["sessions"][0];
        assert_eq!(
            (&session["key"], &session["agentId"], &session["channel"], &session["waiting"]),
            (&json!("agent:main:main"), &json!("main"), &json!("web"), &json!(1))
        );
        let glimpse = json!({ "includeLastMessage": true });
        let sessions = client.request("sessions.list", glimpse).await.unwrap();
        assert_eq!(sessions["sessions"][0]["lastText"], "hi");

        let reply = MessageId(uuid::Uuid::from_u128(9));
        house.publish("agent:main:main", EventBody::Started { run: run("k-1"), merged: vec![] });
        let words = EventBody::Delta { run: run("k-1"), offset: 0, text: "hel".to_owned() };
        house.publish("agent:main:main", words);
        house.publish(
            "agent:main:main",
            EventBody::Replied {
                run: run("k-1"),
                merged: vec![run("k-0")],
                reply,
                text: "hello".to_owned(),
                model: "sim/echo".to_owned(),
                usage: Usage { input: 1, cached: 0, output: 2 },
            },
        );
        let delta = client.event("chat").await;
        assert_eq!((&delta["state"], &delta["deltaText"]), (&json!("delta"), &json!("hel")));
        let last = client.event("chat").await;
        assert_eq!((&last["state"], &last["message"]["id"]), (&json!("final"), &json!(reply)));
        assert!(last["seq"].as_u64() > delta["seq"].as_u64());
        let merged = client.event("chat").await;
        assert_eq!((&merged["runId"], &merged["mergedInto"]), (&json!("k-0"), &json!("k-1")));

        let stop = json!({ "sessionKey": "agent:main:main", "runId": "k-1" });
        let stopped = client.request("chat.abort", stop).await.unwrap();
        assert_eq!((&stopped["aborted"], &stopped["runIds"]), (&json!(true), &json!(["k-1"])));
        let reset = client.request("sessions.reset", json!({ "key": "main" })).await.unwrap();
        assert_eq!(reset["reset"], true);
        assert_eq!(client.event("sessions.changed").await["sessionKey"], "agent:main:main");
    });
}

#[test]
fn history_is_read_page_by_page() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = house.client(OPERATOR).await;
        let send = json!({ "sessionKey": "main", "message": "now", "idempotencyKey": "now" });
        client.request("chat.send", send).await.unwrap();
        let said = (1..=25_u128).map(|number| NewLine {
            id: MessageId(uuid::Uuid::from_u128(number)),
            role: if number % 2 == 1 { Role::User } else { Role::Assistant },
            run: run(&number.to_string()),
            peer: String::new(),
            text: number.to_string(),
            at: Timestamp(1),
            answers: None,
            outcome: LineOutcome::Done,
            model: None,
            usage: None,
        });
        let key = "agent:main:main".parse().unwrap();
        let epoch = house.store.session(&key).await.unwrap().unwrap().epoch;
        house.store.record(&key, epoch, said.collect(), None).await.unwrap();

        let mut ask = async |before: Value| {
            let params = json!({ "sessionKey": "main", "limit": 10, "before": before });
            client.request("chat.history", params).await
        };
        let texts = |page: &Value| -> Vec<String> {
            let messages = page["messages"].as_array().unwrap();
            messages
                .iter()
                .map(|line| line["content"][0]["text"].as_str().unwrap().to_owned())
                .collect()
        };
        let newest = ask(Value::Null).await.unwrap();
        assert_eq!(texts(&newest).first().unwrap(), "16");
        assert_eq!(texts(&newest).last().unwrap(), "now");
        assert_eq!(newest["hasMore"], true);
        let middle = ask(newest["messages"][0]["id"].clone()).await.unwrap();
        assert_eq!((texts(&middle).len(), texts(&middle)[0].as_str()), (10, "6"));
        assert_eq!(middle["hasMore"], true);
        let oldest = ask(middle["messages"][0]["seq"].clone()).await.unwrap();
        assert_eq!((texts(&oldest).len(), oldest["hasMore"].clone()), (5, json!(false)));
        let lost = ask(json!(uuid::Uuid::from_u128(99))).await.unwrap_err();
        assert_eq!(lost["code"], "INVALID_REQUEST");
    });
}

#[test]
fn what_is_wrong_is_said() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = house.client(OPERATOR).await;
        let unknown = client.request("config.apply", json!({})).await.unwrap_err();
        assert_eq!(unknown["message"], "unknown method: config.apply");
        assert_eq!(unknown["code"], "INVALID_REQUEST");
        for (method, params) in [
            ("chat.send", json!({ "sessionKey": "main", "message": "x" })),
            ("chat.send", json!({ "sessionKey": "main", "message": "", "idempotencyKey": "1" })),
            ("chat.send", json!({ "sessionKey": "main", "message": 5, "idempotencyKey": "1" })),
            ("chat.send", json!({ "sessionKey": "main", "message": "x", "idempotencyKey": "a b" })),
            (
                "chat.send",
                json!({ "sessionKey": "main", "message": "x", "idempotencyKey": "1", "attachments": [1] }),
            ),
            (
                "chat.send",
                json!({ "sessionKey": "agent:main:api:x", "message": "x", "idempotencyKey": "1" }),
            ),
            ("chat.history", json!([])),
            ("tenants.create", json!({ "slug": "../x" })),
            ("tenants.create", json!({ "slug": "main" })),
            ("logs.tail", json!({ "cursor": "x" })),
            ("logs.tail", json!({ "level": "loud" })),
        ] {
            let refused = client.request(method, params.clone()).await.unwrap_err();
            assert_eq!(refused["code"], "INVALID_REQUEST", "{method} {params}");
            assert!(refused["details"]["code"].is_string(), "{refused}");
        }
        let created = client.request("tenants.create", json!({ "slug": "vera" })).await.unwrap();
        assert_eq!(created["tenant"]["slug"], "vera");
        let token = created["token"].as_str().unwrap().to_owned();
        house.client(&token).await.request("health", json!({})).await.unwrap();
        let logs = client.request("logs.tail", json!({})).await.unwrap();
        assert_eq!(logs["lines"], json!([]));
        let elsewhere = json!({ "cursor": "../../../../etc/passwd@0" });
        let refused = client.request("logs.tail", elsewhere).await.unwrap_err();
        assert_eq!(
            refused["code"], "INVALID_REQUEST",
            "a cursor names a log file of ours or nothing"
        );
        std::fs::create_dir_all(&house.logs).unwrap();
        std::fs::write(house.logs.join("openclaw-2026-11-20.log"), "{\"level\":30}\n").unwrap();
        let logs = client.request("logs.tail", json!({ "level": "info" })).await.unwrap();
        assert_eq!(logs["lines"], json!(["{\"level\":30}"]));
    });
}

#[test]
fn history_holds_what_is_being_said() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = house.page(OPERATOR).await;
        for (key, text) in [("k-1", "one"), ("k-2", "two"), ("k-3", "three")] {
            let send = json!({ "sessionKey": "main", "message": text, "idempotencyKey": key });
            client.request("chat.send", send).await.unwrap();
        }
        let so_far = "Привет, 你好 👋🏽";
        let partial = |name: &str, text: &str| {
            let id = MessageId(uuid::Uuid::from_u128(9));
            Some(PartialAnswer { id, run: run(name), since: Timestamp(7), text: text.to_owned() })
        };
        let mut history = async |said: Option<PartialAnswer>, before: Option<i64>| {
            *house.turns.said.lock().unwrap() = said;
            let params = json!({ "sessionKey": "main", "before": before });
            let page = client.request("chat.history", params).await.unwrap();
            page["messages"].as_array().unwrap().clone()
        };

        let lines = history(partial("k-2", so_far), None).await;
        assert_eq!(lines.len(), 4);
        let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["waiting", "running", "running", "waiting"]);
        assert_eq!(
            lines[2],
            json!({
                "id": MessageId(uuid::Uuid::from_u128(9)), "role": "assistant", "runId": "k-2",
                "content": [{ "type": "text", "text": so_far }], "timestamp": 7, "state": "running",
                "__openclaw": { "id": MessageId(uuid::Uuid::from_u128(9)), "runId": "k-2" },
            })
        );
        assert_eq!(history(partial("k-2", so_far), Some(1_000)).await, [json!(null); 0]);
        for nothing in [None, partial("k-2", ""), partial("k-9", so_far)] {
            assert_eq!(history(nothing, None).await.len(), 3);
        }

        // Its answer is stored already: what the turn still holds would be the same words again.
        let key = "agent:main:main".parse().unwrap();
        let epoch = house.store.session(&key).await.unwrap().unwrap().epoch;
        let line = |id: u128, role| NewLine {
            id: MessageId(uuid::Uuid::from_u128(id)),
            role,
            run: run("k-0"),
            peer: String::new(),
            text: "stored".to_owned(),
            at: Timestamp(1),
            answers: None,
            outcome: LineOutcome::Done,
            model: None,
            usage: None,
        };
        let stored = vec![line(1, Role::User), line(2, Role::Assistant)];
        house.store.record(&key, epoch, stored, None).await.unwrap();
        assert_eq!(history(partial("k-0", "stored"), None).await.len(), 5);
    });
}

#[test]
fn a_delta_says_where_it_goes_on() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = house.client(OPERATOR).await;
        client.request("sessions.subscribe", json!({})).await.unwrap();
        let mut so_far = String::new();
        for text in ["Привет, ", "你好 ", "👋🏽"] {
            let (run, offset) = (run("k-1"), so_far.len());
            let body = EventBody::Delta { run, offset, text: text.to_owned() };
            house.publish("agent:main:main", body);
            so_far.push_str(text);
            let delta = client.event("chat").await;
            assert_eq!(
                (&delta["offset"], &delta["deltaText"]),
                (&json!(offset), &json!(text)),
                "{delta}"
            );
        }
        assert_eq!(so_far.len(), 29, "bytes, not letters");
    });
}
