//! A PostgreSQL server that stops, falls silent, and comes back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use store::Location;
use testkit::{Engine, World};

use crate::home::Home;
use crate::http::complete;
use crate::ledger::Ledger;
use crate::proxy::{Line, Proxy};
use crate::running::{PATIENCE, Running, command};

/// How soon service is back when the server is.
const BACK: Duration = Duration::from_secs(5);

const ASK: &[u8] = br#"{"model":"openclaw","messages":[{"role":"user","content":"hello"}]}"#;

/// A line to this world's server, and the address of its database through it.
async fn line(world: &World) -> (Proxy, String) {
    let Location::Server(options) = &world.location else { panic!("a server") };
    let proxy = Proxy::start(format!("{}:{}", options.get_host(), options.get_port())).await;
    let (user, database) = (options.get_username(), options.get_database().unwrap());
    let url = format!("postgres://{user}@{}/{database}", proxy.address);
    (proxy, url)
}

fn home(url: &str, model: &str) -> Home {
    Home::with(&json!({
        "store": { "url": url },
        "agents": { "defaults": { "model": model } },
    }))
}

async fn outage(world: &World, away: Line) {
    let (proxy, url) = line(world).await;
    // Slow enough that turns are running when the line goes.
    let home = home(&url, "simulator/echo+first=300ms");
    let running = Running::start(&home).await;
    let (mut ledger, mut socket) = (Ledger::default(), running.socket().await);
    ledger.say(&mut socket, "agent:main:main").await.unwrap();
    ledger.settle(&running).await;
    for number in 0..12 {
        let session = format!("agent:main:web:c-{}", number % 4);
        ledger.say(&mut socket, &session).await.unwrap();
    }
    proxy.set(away);

    let ready = running.until("/ready", |answer| answer.status == 503).await;
    let code = ready.code();
    assert!(["store-unavailable", "store-slow"].contains(&code.as_str()), "{ready:?}");
    let health = running.get("/health").await;
    assert_eq!((health.status, &health.json()["ok"]), (503, &Value::Bool(false)));
    let refused = complete(&running.authority, ASK, &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "store-unavailable"));
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let refused = ledger.say_as(&mut socket, "agent:main:main", "during").await;
    assert_eq!(refused, Err("store-unavailable".to_owned()));

    proxy.set(Line::Open);
    let back = Instant::now();
    running.until("/ready", |answer| answer.status == 200).await;
    ledger.say_as(&mut running.socket().await, "agent:main:main", "during").await.unwrap();
    assert!(back.elapsed() < BACK, "it took {:?}", back.elapsed());
    assert!(ledger.len() == 14);
    ledger.settle(&running).await;
    running.signal("TERM").await;
    assert_eq!(running.ended().await.code(), Some(0));
}

#[test]
fn a_server_that_stops_is_waited_for() {
    World::run(Engine::Postgres, async |world| outage(world, Line::Cut).await);
}

#[test]
fn a_server_that_falls_silent_holds_nobody_up() {
    World::run(Engine::Postgres, async |world| outage(world, Line::Silent).await);
}

#[test]
fn without_its_server_it_does_not_start_and_says_why() {
    World::run(Engine::Postgres, async |world| {
        let (proxy, url) = line(world).await;
        for away in [Line::Cut, Line::Silent] {
            proxy.set(away);
            let home = home(&url, "simulator/echo");
            let starting = command(&home, &[], &["up", "--port", "0", "--json"]).output();
            let ended = tokio::time::timeout(PATIENCE, starting).await.unwrap().unwrap();
            assert_eq!(ended.status.code(), Some(74));
            let told = String::from_utf8(ended.stderr).unwrap();
            let told = told.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
            let error = told.unwrap()["error"].clone();
            assert_eq!(error["code"], "store-open");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&proxy.address.to_string()), "{message}");
        }
    });
}
