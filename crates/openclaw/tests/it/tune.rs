//! The history and what is concluded from it, straight on the store.

use std::sync::Arc;

use domain::{Clock, Ids, Sample, Timestamp};
use serde_json::Value;
use store::{Location, Store};
use uuid::Uuid;

use crate::installation::Installation;
use crate::running::{Running, get};

const MINUTE: i64 = 60_000;

/// Time and chance play no part in keeping a sample.
struct Neither;

impl Clock for Neither {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

impl Ids for Neither {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Keeps so many minutes of a busy instance, the last of them now.
fn live_through(installation: &Installation, minutes: i64) {
    let now = installation.json(&["tune"])["until"].as_i64().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let location = Location::Directory(installation.state());
        let store = Store::open(location, Arc::new(Neither), Arc::new(Neither)).await.unwrap();
        for minute in 0..minutes {
            let at = Timestamp(now - minute * MINUTE);
            let sample = Sample {
                at,
                level: 0.2,
                active: 1,
                idle: 3,
                throughput: 2,
                p99_ms: 50_000,
                memory: 50 << 20,
                ..Sample::default()
            };
            store.add_sample(Uuid::nil(), sample).await.unwrap();
        }
        store.close().await;
    });
}

fn figure<'r>(report: &'r Value, setting: &str) -> &'r Value {
    let figures = report["proposal"]["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["setting"] == setting).unwrap()
}

#[test]
fn without_history_nothing_is_proposed_and_nothing_applied() {
    let installation = Installation::new();
    let report = installation.json(&["tune"]);
    assert_eq!((&report["load"]["minutes"], &report["proposal"]), (&0.into(), &Value::Null));
    let run = installation.run(&["tune"]);
    assert!(run.out.contains("Nothing is proposed: the history has 0 minutes"), "{}", run.out);
    let refused = installation.run(&["tune", "--apply", "--yes", "--json"]);
    assert_eq!(
        (refused.code, refused.error()["code"].as_str()),
        (Some(1), Some("history-too-short"))
    );
    assert!(!installation.state().join("openclaw.json").exists());
}

#[test]
fn a_day_is_drawn_and_ends_in_a_proposal() {
    let installation = Installation::new();
    live_through(&installation, 400);
    let report = installation.json(&["tune"]);
    let memory = report["machine"]["memory"].as_u64();
    assert!(report["machine"]["processors"].as_u64().unwrap() >= 1 && memory.is_none_or(|m| m > 0));
    assert_eq!(figure(&report, "workerTimeoutMs")["proposed"], 100_000);
    assert_eq!(figure(&report, "maxWorkers")["now"], 4);

    let run = installation.run(&["tune"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("workerTimeoutMs  120000 -> 100000\n"), "{}", run.out);
    assert!(run.out.contains("2 a minute at most") && !run.out.contains('\u{1b}'), "{}", run.out);
}

#[test]
fn nothing_is_written_without_an_answer() {
    let installation = Installation::new();
    live_through(&installation, 400);
    let config = "{\n  // mine\n  gateway: { port: 1 },\n}\n";
    let file = installation.state().join("openclaw.json");
    std::fs::write(&file, config).unwrap();
    let run = installation.run(&["tune", "--apply"]);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.out.contains("\n+   concurrency: {\n"), "{}", run.out);
    assert!(run.err.contains("confirmation-needed"), "{}", run.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), config);
}

#[test]
fn figures_of_the_process_stand_beside_those_of_its_parts() {
    let installation = Installation::new();
    std::fs::create_dir(installation.state()).unwrap();
    let config = "{ gateway: { auth: { token: 'a-token-of-the-operator' } } }";
    std::fs::write(installation.state().join("openclaw.json"), config).unwrap();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let (status, body) = get(&url, "/metrics", "a-token-of-the-operator");
    assert_eq!(status, 200, "{body}");
    for name in
        ["process_resident_memory_bytes", "process_start_time_seconds", "openclaw_build_info{"]
    {
        assert!(body.contains(name), "{name} is missing in\n{body}");
    }
    running.stop();
}
