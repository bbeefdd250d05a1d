//! Starting, keys, the journal, leaving clients, outages, retries, stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::{Coded, Kind, Secret};
use serde_json::{Value, json};
use simulator::{Options, Outcome, Script, Simulator, Turn, catalogue};
use tokio::task::JoinSet;

use crate::client::{Client, End};
use crate::said::{
    ANTHROPIC, Api, BOTH, OPENAI, begin, body, exchange, said, start, stream, whole,
};

async fn started(options: Options) -> Simulator {
    Simulator::start(options).await.unwrap()
}

#[tokio::test]
async fn listens_on_this_machine_only() {
    let simulator = start().await;
    let address = simulator.address();
    assert!(address.ip().is_loopback() && address.port() > 0);
    assert_eq!(simulator.openai_base_url(), format!("http://{address}/v1"));
    assert_eq!(simulator.anthropic_base_url(), format!("http://{address}"));
    let taken = Simulator::start(Options { address, ..Options::default() }).await.unwrap_err();
    assert_eq!(taken.code(), "simulator-listen");
    let outside = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = Simulator::start(Options { address: outside, ..Options::default() }).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("simulator-not-loopback", Kind::Invalid));
    let aliases = vec![("a".to_owned(), "nonsense".to_owned())];
    let refused = Simulator::start(Options { aliases, ..Options::default() }).await.unwrap_err();
    assert_eq!(refused.code(), "simulator-model-name");
}

#[tokio::test]
async fn a_key_is_asked_for_on_every_path() {
    let key = Secret::new("sk-right");
    let simulator = started(Options { api_key: Some(key), ..Options::default() }).await;
    let right = ("authorization", "Bearer sk-right");
    let wrong = ("authorization", "Bearer sk-wrong");
    let header = ("x-api-key", "sk-right");
    let empty = ("authorization", "Bearer ");
    for (api, shown, status) in [
        (Api::OpenAi, None, 401),
        (Api::OpenAi, Some(wrong), 401),
        (Api::OpenAi, Some(empty), 401),
        (Api::OpenAi, Some(header), 401),
        (Api::OpenAi, Some(right), 200),
        (Api::Anthropic, None, 401),
        (Api::Anthropic, Some(("x-api-key", "")), 401),
        (Api::Anthropic, Some(wrong), 401),
        (Api::Anthropic, Some(header), 200),
        (Api::Anthropic, Some(right), 200),
    ] {
        let (path, base) = match api {
            Api::OpenAi => ("/v1/chat/completions", &OPENAI[..]),
            Api::Anthropic => ("/v1/messages", &ANTHROPIC[..]),
        };
        let headers: Vec<_> = base.iter().copied().chain(shown).collect();
        let mut client = Client::connect(simulator.address()).await;
        client.send("POST", path, &headers, &body(api, "echo").to_string()).await;
        let reply = client.reply().await;
        assert_eq!(reply.head.status, status, "{api:?} {shown:?}");
        if status == 401 {
            let expected = match api {
                Api::OpenAi => ("code", "invalid_api_key"),
                Api::Anthropic => ("type", "authentication_error"),
            };
            assert_eq!(reply.json()["error"][expected.0], expected.1);
        }
    }
    for (method, path) in [("GET", "/v1/models"), ("GET", "/sim/faults"), ("DELETE", "/sim/faults")]
    {
        let mut client = Client::connect(simulator.address()).await;
        client.send(method, path, &[], "").await;
        assert_eq!(client.reply().await.head.status, 401, "{path}");
    }
    let entry = simulator.journal().requests().into_iter().nth(1).unwrap();
    assert_eq!((entry.header("authorization"), entry.status), (Some("***"), Some(401)));
    assert!(!format!("{:?}", simulator.journal().requests()).contains("sk-"));
}

#[tokio::test]
async fn the_journal_shows_requests_and_their_ends() {
    let simulator = start().await;
    let mut client = Client::connect(simulator.address()).await;
    for _ in 0..2 {
        let text = body(Api::OpenAi, "echo").to_string();
        client.send("POST", "/v1/chat/completions", &OPENAI, &text).await;
        assert_eq!(client.reply().await.end, End::Whole);
    }
    whole(&simulator, Api::Anthropic, "story+cut-after=1").await;
    let seen = simulator.journal().requests();
    assert_eq!(seen.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(seen[0].connection, seen[1].connection, "one connection for two requests");
    assert_eq!(seen[1].model.as_deref(), Some("echo"));
    assert_eq!(seen[1].json().unwrap(), body(Api::OpenAi, "echo"));
    let outcomes: Vec<_> = seen.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Finished, Outcome::Finished, Outcome::Broken]);
    drop(client);
    simulator.journal().wait_for(|journal| journal.counts().open_connections == 0).await;
    assert_eq!(simulator.journal().counts().connections, 2);
}

#[tokio::test]
async fn a_client_that_leaves_frees_everything() {
    let simulator = start().await;
    let journal = simulator.journal();
    for api in BOTH {
        for (model, streamed) in [
            ("story+words=50+pace=30s", true),
            ("story+words=50+pace=30s", false),
            ("loop+pace=1ms", true),
            ("echo+first=1000s", true),
            ("echo+headers=1000s", true),
            ("hang", false),
            ("drip+pace=30s", true),
        ] {
            let before = journal.counts().cut_by_client;
            let mut body = body(api, model);
            if !streamed {
                body["stream"] = json!(false);
                body.as_object_mut().unwrap().remove("stream_options");
            }
            let client = begin(&simulator, api, &body).await;
            journal.wait_for(|journal| journal.counts().running == 1).await;
            drop(client);
            let freed = |counts: simulator::Counts| {
                (counts.cut_by_client, counts.open_connections, counts.running)
                    == (before + 1, 0, 0)
            };
            let waiting = journal.wait_for(|journal| freed(journal.counts()));
            let waited = tokio::time::timeout(Duration::from_secs(5), waiting).await;
            assert!(waited.is_ok(), "{model}: {:?}", journal.counts());
            assert!(journal.last().unwrap().cut_by_client());
        }
    }
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
    let simulator = Arc::new(start().await);
    let mut asking = JoinSet::new();
    for number in 0..100 {
        let (simulator, api) = (Arc::clone(&simulator), BOTH[number % 2]);
        asking.spawn(async move { said(api, &stream(&simulator, api, "story+words=30").await) });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|said| said.done && said.text == answers[0].text));
    let counts = simulator.journal().counts();
    assert_eq!((counts.requests, counts.cut_by_client, counts.running), (100, 0, 0));
}

#[tokio::test]
async fn a_probe_is_answered_and_finished() {
    let simulator = start().await;
    for (method, path) in [("HEAD", "/"), ("GET", "/health")] {
        let mut client = Client::connect(simulator.address()).await;
        client.send(method, path, &[], "").await;
        assert_eq!(client.head().await.unwrap().status, 200);
        drop(client);
        simulator.journal().wait_for(|journal| journal.counts().open_connections == 0).await;
        assert_eq!(simulator.journal().last().unwrap().outcome, Outcome::Finished);
    }
}

#[tokio::test]
async fn every_value_of_every_word_is_played() {
    let simulator = start().await;
    for item in catalogue().iter().flat_map(|section| section.items) {
        let values = item.value.trim_matches(['[', ']']).split('|');
        for value in values.filter(|_| item.value.contains('|')) {
            let value = value.replace("BYTES", "3").replace("REASON", "abort");
            let model = format!("echo+tools=2+think+{}={value}", item.name);
            for api in BOTH {
                for reply in
                    [stream(&simulator, api, &model).await, whole(&simulator, api, &model).await]
                {
                    assert_eq!(reply.end, End::Whole, "{model}");
                    assert!(
                        reply.head.status == 200 || ["status", "overflow"].contains(&item.name)
                    );
                    let kind = reply.head.header("content-type").unwrap_or_default();
                    let honest = item.name != "content-type";
                    if honest && kind == "application/json" {
                        assert!(reply.json().is_object(), "{model}");
                    } else if honest {
                        assert!(said(api, &reply).junk.is_empty(), "{model}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn every_status_has_the_type_of_its_interface() {
    let simulator = start().await;
    for (status, expected) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        let model = format!("status={status}");
        let reply = stream(&simulator, Api::Anthropic, &model).await;
        assert_eq!(reply.head.status, status);
        assert_eq!(reply.json()["error"]["type"], expected);
        assert_eq!(reply.head.header("retry-after"), None);
        let reply = whole(&simulator, Api::OpenAi, &model).await;
        assert_eq!(reply.head.status, status);
        let error = &reply.json()["error"];
        assert!(error["message"].is_string() && error["type"].is_string());
    }
}

#[tokio::test]
async fn a_flaky_conversation_recovers_by_itself() {
    let simulator = start().await;
    let mut ask = body(Api::OpenAi, "echo+flaky=2+status=429+retry-after=0");
    for user in ["ann", "bob"] {
        ask["user"] = json!(user);
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(exchange(&simulator, Api::OpenAi, &ask).await.head.status);
        }
        assert_eq!(statuses, [429, 429, 200, 200]);
    }
    let headers = [OPENAI[0], ("x-sim-conversation", "carl")];
    let ask = body(Api::OpenAi, "echo+flaky=1");
    for status in [503, 200] {
        let mut client = Client::connect(simulator.address()).await;
        client.send("POST", "/v1/chat/completions", &headers, &ask.to_string()).await;
        assert_eq!(client.reply().await.head.status, status);
    }
    let mut ask = body(Api::Anthropic, "story+flaky=1+cut-after=3");
    ask["metadata"] = json!({"user_id": "dan"});
    for end in [End::Cut, End::Whole] {
        assert_eq!(exchange(&simulator, Api::Anthropic, &ask).await.end, end);
    }
}

#[tokio::test]
async fn an_outage_comes_and_goes() {
    let simulator = start().await;
    let status = async |model| stream(&simulator, Api::OpenAi, model).await.head.status;
    simulator.fail_while("status=503").unwrap();
    assert_eq!((status("echo").await, status("story").await), (503, 503));
    simulator.recover();
    assert_eq!(status("echo").await, 200);
    assert!(simulator.fail_while("nonsense").is_err());
    let control = async |method: &str, headers: &[(&str, &str)], body: &str| {
        let mut client = Client::connect(simulator.address()).await;
        client.send(method, "/sim/faults", headers, body).await;
        client.reply().await
    };
    let order = r#"{"fault":"status=529","models":"story"}"#;
    assert_eq!(control("POST", &[("content-type", "text/plain")], order).await.head.status, 415);
    assert_eq!(control("POST", &OPENAI, r#"{"fault":"nonsense"}"#).await.head.status, 400);
    assert_eq!(control("POST", &OPENAI, "{}").await.head.status, 400);
    assert_eq!(control("GET", &[], "").await.json(), json!({"fault": null}));
    assert_eq!(control("POST", &OPENAI, order).await.json(), json!({"fault": "status=529"}));
    assert_eq!((status("echo").await, status("story+words=2").await), (200, 529));
    assert_eq!(control("DELETE", &[], "").await.json(), json!({"fault": null}));
    assert_eq!(status("story").await, 200);
}

#[tokio::test]
async fn scripts_and_aliases_are_played() {
    let turns = [
        Turn::text("First.").thinking("hm"),
        Turn::text("Second.").with("status=500"),
        Turn::text("Third.").call("buy", json!({"n": 1})),
    ];
    let simulator = started(Options {
        scripts: vec![Script::new("shop", turns)],
        aliases: vec![("zai-org/GLM-4.7".to_owned(), "script=shop".to_owned())],
        ..Options::default()
    })
    .await;
    let mut ask = body(Api::OpenAi, "zai-org/GLM-4.7");
    let mut messages = vec![json!({"role": "user", "content": "hi"})];
    let mut answers = Vec::new();
    for _ in 0..3 {
        ask["messages"] = Value::from(messages.clone());
        answers.push(exchange(&simulator, Api::OpenAi, &ask).await);
        messages.push(json!({"role": "assistant", "content": "..."}));
        messages.push(json!({"role": "user", "content": "and?"}));
    }
    let first = said(Api::OpenAi, &answers[0]);
    assert_eq!((first.text.as_str(), first.thinking.as_str()), ("First.", "hm"));
    assert!(answers[0].text().contains(r#""model":"zai-org/GLM-4.7""#));
    assert_eq!(answers[1].head.status, 500);
    let third = said(Api::OpenAi, &answers[2]);
    assert_eq!((third.text.as_str(), third.arguments.as_str()), ("Third.", r#"{"n":1}"#));
    assert_eq!(third.finish.as_deref(), Some("tool_calls"));
    let missing = stream(&simulator, Api::OpenAi, "script=nowhere").await;
    assert_eq!(missing.head.status, 404);
    assert!(missing.text().contains("`nowhere` is not the name of a script"));
}

#[tokio::test]
async fn two_simulators_say_the_same() {
    for api in BOTH {
        let (one, two) = (start().await, start().await);
        let model = "echo+think+tools=2";
        let first = stream(&one, api, model).await.text();
        assert!(first == stream(&two, api, model).await.text());
        assert!(first != stream(&one, api, model).await.text(), "ids go on");
    }
}

#[tokio::test]
async fn too_much_is_refused_at_once() {
    let simulator = start().await;
    let mut client = Client::connect(simulator.address()).await;
    let length = 33 << 20;
    client
        .write(&format!(
            "POST /v1/messages HTTP/1.1\r\nHost: sim\r\nContent-Length: {length}\r\n\r\n"
        ))
        .await;
    let reply = client.reply().await;
    assert_eq!(reply.head.status, 413);
    assert_eq!(reply.json()["error"]["type"], "request_too_large");
}

#[tokio::test]
async fn stopping_lets_answers_end_and_breaks_off_the_rest() {
    let grace = Duration::from_millis(200);
    let simulator = started(Options { grace, ..Options::default() }).await;
    let (journal, address) = (simulator.journal().clone(), simulator.address());
    let mut short =
        begin(&simulator, Api::OpenAi, &body(Api::OpenAi, "story+words=5+pace=10ms")).await;
    let mut long = begin(&simulator, Api::OpenAi, &body(Api::OpenAi, "story+hang-after=2")).await;
    journal.wait_for(|journal| journal.counts().running == 2).await;
    simulator.stop().await;
    let (short, long) = (short.reply().await, long.reply().await);
    assert!(said(Api::OpenAi, &short).done);
    assert_eq!((short.end, long.end), (End::Whole, End::Cut));
    let outcomes: Vec<_> = journal.requests().iter().map(|entry| entry.outcome).collect();
    assert!(outcomes.contains(&Outcome::Finished) && outcomes.contains(&Outcome::Stopped));
    assert_eq!(journal.counts().open_connections, 0);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
