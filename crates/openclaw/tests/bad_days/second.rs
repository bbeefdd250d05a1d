//! Two processes and one state directory: the second is refused, and the first does not notice.

use serde_json::Value;

use crate::home::Home;
use crate::ledger::Ledger;
use crate::running::{Running, command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_state_is_refused() {
    let home = Home::new();
    let running = Running::start(&home).await;
    let (mut ledger, mut socket) = (Ledger::default(), running.socket().await);
    ledger.say(&mut socket, "agent:main:main").await.unwrap();
    let second = command(&home, &[], &["up", "--port", "0", "--json"]).output().await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(String::from_utf8(second.stdout).unwrap(), "");
    let told = String::from_utf8(second.stderr).unwrap();
    let told: Value = told.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap();
    assert_eq!(told["error"]["code"], "already-running");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains(&home.state().display().to_string()), "{message}");

    ledger.say(&mut socket, "agent:main:main").await.unwrap();
    ledger.settle(&running).await;
    running.signal("KILL").await;
    running.ended().await;
    let next = Running::start(&home).await;
    ledger.settle(&next).await;
}
