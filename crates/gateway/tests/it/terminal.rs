//! A conversation with the terminal client of the 2026.9 line, in the very frames that it sends.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::event::Usage;
use domain::{EventBody, MessageId, PartialAnswer, Role, RunId, Timestamp};
use serde_json::{Value, json};
use store::{LineOutcome, NewLine};

use crate::house::{Client, House, OPERATOR, in_house, quick};

const MAIN: &str = "agent:main:main";

/// Parameters of `connect`, signed for the challenge of this connection.
fn connect(challenge: &Value) -> Value {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let key = pair.public_key().as_ref();
    let id = hex::encode(digest(&SHA256, key));
    let (nonce, at) = (challenge["nonce"].as_str().unwrap(), &challenge["ts"]);
    let scopes = ["operator.admin", "operator.read", "operator.write", "operator.approvals"];
    let signed = format!(
        "v3|{id}|openclaw-tui|ui|operator|{}|{at}|{OPERATOR}|{nonce}|linux|linux",
        scopes.join(",")
    );
    json!({
        "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": scopes,
        "client": {
            "id": "openclaw-tui", "displayName": "openclaw-tui", "version": "2026.9.6",
            "platform": "linux", "deviceFamily": "Linux", "mode": "ui",
            "instanceId": "10aedb2b-aaca-4d1f-8e67-4a09728777ca",
        },
        "caps": ["agent-kind", "plugin-approvals", "task-suggestions", "tool-events"],
        "auth": { "token": OPERATOR },
        "device": {
            "id": id, "publicKey": URL_SAFE_NO_PAD.encode(key), "signedAt": at, "nonce": nonce,
            "signature": URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())),
        },
    })
}

#[test]
fn an_old_token_is_refused_for_good() {
    in_house(quick(), async |house| {
        let mut client = house.knock().await;
        let mut params = connect(&client.challenge);
        params["auth"]["token"] = json!("old");
        params.as_object_mut().unwrap().remove("device");
        let refused = client.request("connect", params).await.unwrap_err();
        assert_eq!(refused["code"], "UNAUTHORIZED");
        assert_eq!(
            refused["details"],
            json!({ "code": "AUTH_TOKEN_MISMATCH", "reason": "credential-invalid" }),
            "it tries for ever unless it is told so in this word"
        );
        assert_eq!(client.closed().await, Some(1008));
    });
}

/// A terminal that was let in and listens.
async fn terminal(house: &House) -> Client {
    let mut client = house.knock().await;
    let params = connect(&client.challenge);
    let hello = client.request("connect", params).await.unwrap();
    assert_eq!(hello["snapshot"]["sessionDefaults"]["mainSessionKey"], MAIN);
    assert_eq!(
        hello["auth"]["scopes"],
        json!(["operator.read", "operator.write", "operator.admin"])
    );
    let subscribed = client.request("sessions.subscribe", json!({})).await.unwrap();
    assert_eq!(subscribed, json!({ "subscribed": true }));
    client
}

async fn history(client: &mut Client, key: &str) -> Value {
    let params = json!({ "sessionKey": key, "limit": 200 });
    client.request("chat.history", params).await.unwrap()
}

#[test]
fn it_starts_where_nobody_has_spoken() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let agents = client.request("agents.list", json!({})).await.unwrap();
        assert_eq!(
            (&agents["defaultId"], &agents["agents"][0]["id"]),
            (&json!("main"), &json!("main"))
        );
        for missing in ["question.list", "plugin.approval.list", "models.list"] {
            let refused = client.request(missing, json!({})).await.unwrap_err();
            assert_eq!(refused["code"], "INVALID_REQUEST", "{missing}");
        }
        let empty = history(&mut client, MAIN).await;
        assert_eq!((&empty["messages"], &empty["sessionInfo"]["key"]), (&json!([]), &json!(MAIN)));
        let described = client.request("sessions.describe", json!({ "key": MAIN })).await.unwrap();
        assert_eq!(described, json!({ "session": null }));
        let params = json!({ "agentId": "main", "limit": 1 });
        let listed = client.request("sessions.list", params).await.unwrap();
        assert_eq!(
            listed["defaults"],
            json!({ "modelProvider": "sim", "model": "echo", "contextTokens": null })
        );
    });
}

/// It puts a line on the screen once for every identity that it knows it by. What it sent itself it knows
/// by the run, what it heard by the message, and what it reads later by both.
#[test]
fn what_it_sends_hears_and_reads_is_one_line() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let run = RunId("cc9b49de-2f4d-4c42-96d4-cb419946f9df".to_owned());
        let send = json!({
            "sessionKey": MAIN, "message": "hi", "deliver": false, "idempotencyKey": run,
        });
        let sent = client.request("chat.send", send).await.unwrap();
        assert_eq!(sent, json!({ "runId": run, "status": "started" }));
        let heard = client.event("session.message").await;
        let asked = heard["messageId"].clone();
        assert_eq!(heard["message"]["__openclaw"], json!({ "id": asked, "runId": run }));

        let reply = MessageId(uuid::Uuid::from_u128(9));
        house.publish(MAIN, EventBody::Started { run: run.clone(), merged: vec![] });
        *house.turns.said.lock().unwrap() = Some(PartialAnswer {
            id: reply,
            run: run.clone(),
            since: Timestamp(7),
            text: "hello".to_owned(),
        });
        let delta = EventBody::Delta { run: run.clone(), offset: 3, text: "lo".to_owned() };
        house.publish(MAIN, delta);
        let grown = client.event("chat").await;
        assert_eq!(
            grown["message"]["content"],
            json!([{ "type": "text", "text": "hello" }]),
            "it shows nothing but the whole"
        );

        let model = "sim/echo".to_owned();
        let usage = Usage { input: 1, cached: 0, output: 2 };
        let text = "hello".to_owned();
        let (merged, ended) = (vec![], run.clone());
        let body = EventBody::Replied { run: ended, merged, reply, text, model, usage };
        house.publish(MAIN, body);
        let last = client.event("chat").await;
        assert_eq!(last["message"]["__openclaw"], json!({ "id": reply, "runId": run }));

        let key = MAIN.parse().unwrap();
        let epoch = house.store.session(&key).await.unwrap().unwrap().epoch;
        let answer = NewLine {
            id: reply,
            role: Role::Assistant,
            run: run.clone(),
            peer: String::new(),
            text: "hello".to_owned(),
            at: Timestamp(8),
            answers: None,
            outcome: LineOutcome::Done,
            model: None,
            usage: None,
        };
        house.store.record(&key, epoch, vec![answer], None).await.unwrap();
        let lines = history(&mut client, MAIN).await["messages"].clone();
        let identity = |id: &Value| {
            let lines = lines.as_array().unwrap();
            let line = lines.iter().find(|line| line["id"] == *id).unwrap();
            line["__openclaw"].clone()
        };
        assert_eq!(identity(&asked), json!({ "id": asked, "runId": run }), "it waits");
        let stored = identity(&json!(reply));
        assert_eq!((&stored["id"], &stored["runId"]), (&json!(reply), &json!(run)));
        assert!(stored["seq"].as_i64().is_some_and(|place| place > 0), "{stored}");
    });
}

#[test]
fn it_stops_a_turn_and_hears_of_it() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let stop = json!({ "sessionKey": MAIN, "preserveSideRuns": true });
        let stopped = client.request("chat.abort", stop).await.unwrap();
        assert_eq!((&stopped["aborted"], &stopped["runIds"]), (&json!(false), &json!([])));
        let (run, text) = (RunId("r".to_owned()), "hel".to_owned());
        house.publish(MAIN, EventBody::Aborted { run, merged: vec![], text });
        let heard = client.event("chat").await;
        assert_eq!((&heard["state"], &heard["runId"]), (&json!("aborted"), &json!("r")));
        assert_eq!(heard["message"]["content"][0]["text"], "hel");
    });
}

/// It takes an answer up again where another connection left it. As a line of the conversation it would
/// stay on the screen beside the whole answer.
#[test]
fn an_answer_that_is_being_given_is_no_line_yet() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let send = json!({ "sessionKey": MAIN, "message": "hi", "idempotencyKey": "k-1" });
        client.request("chat.send", send).await.unwrap();
        *house.turns.said.lock().unwrap() = Some(PartialAnswer {
            id: MessageId(uuid::Uuid::from_u128(9)),
            run: RunId("k-1".to_owned()),
            since: Timestamp(7),
            text: "hel".to_owned(),
        });
        let opened = history(&mut client, MAIN).await;
        assert_eq!(opened["inFlightRun"], json!({ "runId": "k-1", "text": "hel" }));
        let lines = opened["messages"].as_array().unwrap();
        assert_eq!((lines.len(), &lines[0]["state"]), (1, &json!("running")));
        *house.turns.said.lock().unwrap() = None;
        assert!(history(&mut client, MAIN).await.get("inFlightRun").is_none());
    });
}

#[test]
fn new_conversations_are_of_the_web() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let fresh = json!({ "key": "tui-9f6a3e78", "agentId": "main", "emitCommandHooks": false });
        let created = client.request("sessions.create", fresh).await.unwrap();
        assert_eq!(created, json!({ "ok": true, "key": "agent:main:web:tui-9f6a3e78" }));
        let nameless = client.request("sessions.create", json!({})).await.unwrap();
        assert!(nameless["key"].as_str().unwrap().starts_with("agent:main:web:"));
        for (key, agent) in [("a\u{7}b", "main"), ("agent:main:api:x", "main"), ("x", "nobody")] {
            let params = json!({ "key": key, "agentId": agent });
            let refused = client.request("sessions.create", params).await.unwrap_err();
            assert_eq!(refused["code"], "NOT_FOUND", "{key} {agent}");
        }

        // `--session work` names it without the account; the answer says what it is called here.
        let opened = history(&mut client, "agent:main:work").await;
        assert_eq!(opened["sessionInfo"], json!({ "key": "agent:main:web:work" }));
        let send = json!({
            "sessionKey": "agent:main:web:work", "message": "hi", "deliver": false,
            "idempotencyKey": "k-1",
        });
        client.request("chat.send", send).await.unwrap();
        let recent = json!({
            "limit": 50, "activeMinutes": 10_080, "includeGlobal": false, "includeUnknown": false,
            "includeDerivedTitles": true, "includeLastMessage": true, "agentId": "main",
        });
        let listed = client.request("sessions.list", recent).await.unwrap();
        let row = &listed["sessions"][0];
        assert_eq!(
            (&row["key"], &row["derivedTitle"], &row["lastMessagePreview"]),
            (&json!("agent:main:web:work"), &row["title"], &json!("hi"))
        );
    });
}

/// Its command line reads `status` as a program does: a list that is missing ends it.
#[test]
fn its_status_command_finds_every_list() {
    in_house(quick(), async |house| {
        house.tenant("main").await;
        let mut client = terminal(house).await;
        let send = json!({ "sessionKey": MAIN, "message": "hi", "idempotencyKey": "k-1" });
        client.request("chat.send", send).await.unwrap();
        let params = json!({ "includeChannelSummary": false, "includeCliProjection": true });
        let status = client.request("status", params).await.unwrap();
        assert_eq!(status["channelSummary"], json!([]));
        let sessions = &status["sessions"];
        assert_eq!(sessions["count"], 1);
        assert_eq!(sessions["defaults"]["model"], "echo");
        assert_eq!(sessions["paths"], json!([]));
        let of_agent = &sessions["byAgent"][0];
        assert_eq!((&of_agent["agentId"], &of_agent["count"]), (&json!("main"), &json!(1)));
        assert_eq!(of_agent["recent"][0], sessions["recent"][0]);
        assert_eq!(sessions["recent"][0]["key"], MAIN);
        assert!(sessions["recent"][0]["age"].is_u64());
    });
}
