//! Edits of the configuration while the process runs.

use serde_json::{Value, json};

use crate::home::Home;
use crate::ledger::is_whole;
use crate::running::{Running, until};
use crate::socket::Socket;

const SESSION: &str = "agent:main:main";

/// Says something and waits for the answer.
async fn answer(socket: &mut Socket, run: &str) -> String {
    socket.say(SESSION, run, &format!("words of {run}")).await.unwrap();
    let line = until(async || {
        let lines = socket.history(SESSION).await.unwrap();
        let mut answers = lines.into_iter().filter(|line| line["role"] == "assistant");
        answers.find(|line| line["runId"] == run && is_whole(line))
    })
    .await;
    line["content"][0]["text"].as_str().unwrap().to_owned()
}

/// Waits until the health of the gateway is as wanted.
async fn health(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    until(async || {
        let health = socket.ask("health", json!({})).await.unwrap();
        wanted(&health).then_some(health)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_model_answers_the_next_message() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let mut socket = running.socket().await;
    assert_eq!(answer(&mut socket, "r-1").await, "You said: words of r-1");
    home.configure(&json!({ "agents": { "defaults": { "model": "simulator/story+words=5" } } }));
    health(&mut socket, |health| health["model"]["primary"] == "simulator/story+words=5").await;
    let told = answer(&mut socket, "r-2").await;
    assert_eq!(told.split_whitespace().count(), 5, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_cannot_be_used_changes_nothing_and_is_told() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let mut socket = running.socket().await;
    for (number, bad) in ["{ gateway: { prot: 1 } }", "{ agents: ", "", "[]"].iter().enumerate() {
        home.write_config(bad);
        let told = health(&mut socket, |health| health["config"]["ok"] == false).await;
        assert_eq!(told["ok"], true, "messages are taken all the same");
        let problem = told["config"]["problem"].as_str().unwrap();
        assert!(problem.contains("openclaw.json") || problem.contains("gateway.prot"), "{problem}");
        assert_eq!(running.get("/ready").await.status, 200);
        let run = format!("r-{number}");
        assert_eq!(answer(&mut socket, &run).await, format!("You said: words of {run}"));

        home.configure(&json!({}));
        let told = health(&mut socket, |health| health["config"]["ok"] == true).await;
        assert_eq!(told["config"].get("problem"), None);
    }
    assert_eq!(answer(&mut socket, "last").await, "You said: words of last");
}
