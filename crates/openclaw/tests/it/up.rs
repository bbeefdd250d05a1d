//! A running instance, from its first line to its last.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::installation::Installation;
use crate::running::Running;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_first_start_makes_what_it_needs_and_a_signal_ends_it() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::new();
        let mut running = Running::start(&installation, "up");
        let ready = running.event();
        assert_eq!((&ready["event"], &ready["simulated"]), (&"ready".into(), &true.into()));
        let url = ready["url"].as_str().unwrap();
        let link = ready["link"].as_str().unwrap();
        assert!(link.starts_with(&format!("{url}#token=ocl_")), "{ready}");
        assert_eq!(mode(&installation.state()), 0o700);
        assert_eq!(mode(&installation.state().join("openclaw.json")), 0o600);
        let tenants = installation.json(&["tenants", "list"]);
        assert_eq!(tenants["tenants"][0]["slug"], "main");

        running.signal(signal);
        assert_eq!(running.event()["event"], "stopping");
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        let logs = installation.state().join("logs");
        assert_eq!(mode(&logs), 0o700);
        let log = installation.run(&["logs", "--json"]).out;
        assert!(log.contains("\"msg\":\"ready\""), "{log}");
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        assert!(!log.contains("ocl_"), "{log}");
    }
}

#[test]
fn a_conversation_goes_through_the_running_gateway() {
    let installation = Installation::new();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let healthy = installation.run(&["health", "--url", &url]);
    assert_eq!(healthy.out, format!("healthy  {url}\nok           true\nstatus       live\n"));
    let status = installation.json(&["status", "--deep", "--url", &url]);
    assert_eq!(
        (&status["gateway"]["running"], &status["gateway"]["ready"]["ready"]),
        (&true.into(), &true.into())
    );
    assert_eq!(status["gateway"]["status"]["agents"], 1);

    let said = installation.run(&["agent", "--message", "good morning", "--url", &url]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "You said: good morning\n"));
    let nobody = ["agent", "--message", "hi", "--tenant", "nobody", "--url", &url, "--json"];
    let nobody = installation.run(&nobody);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    let shown = installation.json(&["sessions", "show", "agent:main:main"]);
    let texts: Vec<_> = shown["messages"].as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, ["good morning", "You said: good morning"]);
    let log = installation.run(&["logs"]).out;
    assert!(!log.contains("good morning"), "{log}");
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_interrupt_stops_the_answer_itself() {
    let installation = Installation::new();
    let set = ["config", "set", "agents.defaults.model", "simulator/story+words=5000+pace=50ms"];
    assert_eq!(installation.run(&set).code, Some(0));
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let mut agent = installation.command(&["agent", "-m", "go", "--json", "--url", &url]);
    let mut agent = agent.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("delta"));
    let id = agent.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    assert_eq!(agent.wait().unwrap().code(), Some(130));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let shown = installation.json(&["sessions", "show", "agent:main:main"]);
    assert_eq!((&shown["state"], &shown["waiting"]), (&"active".into(), &0.into()));
    let answer = shown["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&answer["role"], &answer["outcome"]), (&"assistant".into(), &"aborted".into()));
}

#[test]
fn the_level_of_the_log_changes_while_it_runs() {
    let installation = Installation::new();
    let set = |level: &str| installation.run(&["config", "set", "logging.level", level]).code;
    assert_eq!(set("silent"), Some(0));
    let mut running = Running::start(&installation, "up");
    running.event();
    let mut follow = installation.command(&["logs", "--follow", "--json"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();

    assert_eq!(set("info"), Some(0));
    let taken = next();
    assert_eq!((&taken["level"], &taken["settings"]), (&30.into(), &"logging.level".into()));
    fs::write(installation.state().join("openclaw.json"), "{ gateway: { prot: 1 } }").unwrap();
    let refused = next();
    assert_eq!(refused["level"], 50);
    assert!(refused["error"].as_str().unwrap().contains("gateway.prot"), "{refused}");
    running.signal("TERM");
    assert_eq!(next()["msg"], "stopping");
    follow.kill().unwrap();
    follow.wait().unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_that_cannot_be_written_is_told() {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    fs::write(installation.state().join("logs"), "a file in the way").unwrap();
    let run = installation.run(&["up", "--port", "0", "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(74), &"log-unwritable".into()));
}

#[test]
fn the_simulator_runs_alone() {
    let installation = Installation::new();
    let mut running = Running::start(&installation, "sim");
    let ready = running.event();
    let url = ready["anthropicBaseUrl"].as_str().unwrap();
    assert_eq!(ready["openaiBaseUrl"], format!("{url}/v1"));
    let address = url.strip_prefix("http://").unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    let port = address.rsplit(':').next().unwrap();
    let second = installation.run(&["sim", "--port", port, "--json"]);
    assert_eq!((second.code, &second.error()["code"]), (Some(1), &"simulator-listen".into()));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(!installation.state().exists());
    let help = installation.run(&["sim", "--help"]).out;
    assert!(help.contains("\n  words=N  "), "{help}");
}

#[test]
fn nobody_is_the_operator_without_a_token_and_that_is_said() {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    fs::write(installation.state().join("openclaw.json"), "{}").unwrap();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let say = ["agent", "--message", "hi", "--url", &url, "--json"];
    let refused = installation.run(&say);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    // A token that is set while it runs is good from then on.
    assert_eq!(installation.run(&["config", "set", "gateway.auth.token", "a-token"]).code, Some(0));
    let mut follow = installation.command(&["logs", "--follow", "--json"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let taken = |line: &String| line.contains("\"settings\":\"gateway.auth.token\"");
    let log: Vec<String> = lines.map(Result::unwrap).take_while(|line| !taken(line)).collect();
    follow.kill().unwrap();
    follow.wait().unwrap();
    let warned = log.iter().find(|line| line.contains("nobody is the operator")).unwrap();
    assert!(warned.starts_with("{\"level\":40,"), "{warned}");
    assert!(warned.contains("openclaw config set gateway.auth.token VALUE"), "{warned}");
    assert_eq!(installation.run(&say).code, Some(0));

    let told = running.stop();
    assert!(told.contains("nobody is the operator"), "{told}");
}
