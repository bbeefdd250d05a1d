//! A running instance, from its first line to its last.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::installation::Installation;

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(installation: &Installation, arguments: &[&str]) -> Self {
        let start = ["up", "--port", "0", "--json"];
        let mut command = installation.command(&[&start, arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn event(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_first_start_makes_what_it_needs_and_a_signal_ends_it() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::new();
        let mut running = Running::start(&installation, &[]);
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
fn a_log_that_cannot_be_written_is_told() {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    fs::write(installation.state().join("logs"), "a file in the way").unwrap();
    let run = installation.run(&["up", "--port", "0", "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(74), &"log-unwritable".into()));
}
