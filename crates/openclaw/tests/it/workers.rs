//! The pool, as the command line tells of it.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::installation::Installation;
use crate::running::Running;

/// An installation whose gateway answers slowly, where commands find it.
fn at_work() -> (Installation, Running, String) {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    let config = "{ gateway: { auth: { token: 'a-token-of-the-operator' } },
        agents: { defaults: { model: 'simulator/story+words=2000+pace=50ms' } } }";
    fs::write(installation.state().join("openclaw.json"), config).unwrap();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    (installation, running, url)
}

#[test]
fn workers_are_listed_and_replaced() {
    let (installation, running, url) = at_work();
    let mut speaking = installation
        .command(&["agent", "--message", "hi", "--url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The first words: from here on a worker is busy.
    let mut byte = [0];
    speaking.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();

    let listed = installation.json(&["workers", "--url", &url]);
    assert_eq!(listed["limits"]["maxWorkers"], 4);
    assert_eq!(
        (&listed["metrics"]["activeWorkers"], &listed["metrics"]["queueDepth"]),
        (&1.into(), &0.into())
    );
    let workers = listed["workers"].as_array().unwrap();
    let busy = workers.iter().find(|worker| worker["state"] == "busy").unwrap();
    assert_eq!(busy["session"], "agent:main:main");
    let shown = installation.run(&["workers", "list", "--url", &url]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""));
    for words in ["1 busy, ", "0.07, new work is refused from 0.70", "agent:main:main"] {
        assert!(shown.out.contains(words), "{words} is missing in\n{}", shown.out);
    }

    let id = busy["id"].as_str().unwrap();
    let recycled = installation.json(&["workers", "recycle", id, "--url", &url]);
    assert_eq!(recycled["recycled"], id);
    let listed = installation.json(&["workers", "list", "--url", &url]);
    let draining = listed["workers"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(draining["state"], "draining");
    let none = installation.run(&["workers", "recycle", "worker-999", "--url", &url, "--json"]);
    assert_eq!((none.code, &none.error()["code"]), (Some(3), &"not-found".into()));

    // Ctrl-C stops the answer, so that the gateway has nothing left to wait for.
    let id = speaking.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    speaking.wait().unwrap();
    running.stop();
}

#[test]
fn the_status_tells_the_pool_in_a_line_and_all_of_it_when_asked() {
    let (installation, running, url) = at_work();
    let short = installation.run(&["status", "--url", &url]).out;
    assert!(short.contains("0 busy, 1 idle, 0 waiting, level 0.00, saturation 0.00"), "{short}");
    let all = installation.run(&["status", "--all", "--url", &url]).out;
    for name in [
        "activeWorkers",
        "idleWorkers",
        "queueDepth",
        "totalProcessed",
        "totalErrors",
        "avgLatencyMs",
        "p95LatencyMs",
        "p99LatencyMs",
        "throughputPerMinute",
        "backpressureLevel",
        "stuckWorkers",
        "saturation",
    ] {
        assert!(all.contains(&format!("concurrency.{name}")), "{name} is missing in\n{all}");
    }
    running.stop();
}

#[test]
fn without_a_gateway_there_are_no_workers_to_list() {
    let run = Installation::new().run(&["workers", "--url", "http://127.0.0.1:1", "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(5), &"gateway-unreachable".into()));
}
