//! A program answers in a model's place.

use crate::installation::Installation;
use crate::running::Running;

/// An installation whose model is `claude-cli/opus`, with this program for it.
fn installation(command: &str) -> Installation {
    let installation = Installation::new();
    std::fs::create_dir_all(installation.state()).unwrap();
    let text = format!(
        r#"{{
          gateway: {{ auth: {{ token: "0123456789abcdef0123456789abcdef" }} }},
          agents: {{ defaults: {{
            model: "claude-cli/opus",
            cliBackends: {{ "claude-cli": {{ command: "{command}", env: {{ PLAY: "claude" }} }} }},
          }} }},
        }}"#
    );
    std::fs::write(installation.state().join("openclaw.json"), text).unwrap();
    installation
}

#[test]
fn what_it_says_is_the_answer() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/tests/it/program.sh");
    let installation = installation(program);
    let mut running = Running::start(&installation, "up");
    let event = running.event();
    let url = event["url"].as_str().unwrap();
    let run = installation.run(&["agent", "--message", "hello", "--url", url]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "Hello world\n"), "{run:?}");
    let told = running.stop();
    assert!(!told.contains("missing"), "{told}");
}

#[test]
fn a_missing_one_is_told_at_the_start_and_when_it_is_asked() {
    let installation = installation("/nowhere/claude");
    let mut running = Running::start(&installation, "up");
    let event = running.event();
    let url = event["url"].as_str().unwrap();
    let run = installation.run(&["agent", "--message", "hello", "--url", url]);
    assert_eq!(run.out, "");
    assert!(run.err.contains("is not there; install Claude Code with"), "{run:?}");
    let told = running.stop();
    assert!(told.contains("the program that is to answer is missing"), "{told}");
}
