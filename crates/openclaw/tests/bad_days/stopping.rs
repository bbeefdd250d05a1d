//! SIGTERM: what runs is finished or given back, sockets are told, and the next start goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::home::Home;
use crate::ledger::Ledger;
use crate::running::{Running, until};

/// How long an orderly end may take.
const LONGEST: Duration = Duration::from_secs(30);
const TALKERS: usize = 8;

fn model(name: &str) -> serde_json::Value {
    json!({ "agents": { "defaults": { "model": name } } })
}

/// Says things until the gateway takes no more.
async fn talk(authority: String, number: usize, said: Arc<AtomicUsize>) -> Ledger {
    let mut socket = crate::socket::Socket::open(&authority).await;
    let mut ledger = Ledger::default();
    let session = format!("agent:main:web:c-{number}");
    loop {
        match ledger.say(&mut socket, &session).await {
            Ok(()) => said.fetch_add(1, Ordering::SeqCst),
            Err(code) if code == "CLOSED" => return ledger,
            Err(code) => {
                assert_eq!(code, "instance-stopping");
                continue;
            }
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_loses_nothing() {
    let home = Home::with(&model("simulator/echo+first=100ms"));
    let running = Running::start(&home).await;
    let said = Arc::new(AtomicUsize::new(0));
    let talkers: Vec<_> = (0..TALKERS)
        .map(|number| tokio::spawn(talk(running.authority.clone(), number, Arc::clone(&said))))
        .collect();
    let listener = running.socket().await;
    until(async || (said.load(Ordering::SeqCst) >= 100).then_some(())).await;

    let asked = Instant::now();
    running.signal("TERM").await;
    assert_eq!(listener.closed().await, Some(1001), "going away");
    assert_eq!(running.ended().await.code(), Some(0));
    assert!(asked.elapsed() < LONGEST, "it took {:?}", asked.elapsed());

    let mut ledger = Ledger::default();
    join_all(talkers).await.into_iter().for_each(|talker| ledger.absorb(talker.unwrap()));
    assert!(ledger.len() >= 100);
    home.configure(&model("simulator/echo"));
    let again = Running::start(&home).await;
    ledger.settle(&again).await;
    again.signal("TERM").await;
    assert_eq!(again.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_takes_too_long_is_given_back() {
    let home = Home::with(&model("simulator/echo+first=1000s"));
    let running = Running::start(&home).await;
    let (mut ledger, mut socket) = (Ledger::default(), running.socket().await);
    ledger.say(&mut socket, "agent:main:main").await.unwrap();
    until(async || {
        let health = socket.ask("health", json!({})).await.unwrap();
        (health["turns"]["running"] == 1).then_some(())
    })
    .await;
    let asked = Instant::now();
    running.signal("TERM").await;
    assert_eq!(running.ended().await.code(), Some(0));
    assert!(asked.elapsed() < LONGEST, "it took {:?}", asked.elapsed());

    home.configure(&model("simulator/echo"));
    let again = Running::start(&home).await;
    ledger.settle(&again).await;
}
