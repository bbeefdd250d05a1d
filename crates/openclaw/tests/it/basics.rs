//! Help, versions, wrong command lines, explanations, completion.

use std::io::Read;
use std::process::Stdio;

use crate::installation::Installation;

#[test]
fn says_its_version_and_its_exit_codes() {
    let installation = Installation::new();
    let version = installation.run(&["--version"]);
    assert_eq!(version.out, format!("openclaw {}\n", env!("CARGO_PKG_VERSION")));
    let help = installation.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for line in ["   74  the disk or the database cannot be read or written\n", "  inbox "] {
        assert!(help.out.contains(line), "{}", help.out);
    }
    let nothing = installation.run(&[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (Some(2), ""));
    assert_eq!(nothing.err, help.out);
}

#[test]
fn a_wrong_command_line_is_told_on_the_error_stream() {
    let installation = Installation::new();
    let run = installation.run(&["tenants", "create", "1x"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(
        run.err.starts_with("error: invalid value '1x' for '<SLUG>': a tenant's name has 2 to 31")
    );
    let run = installation.run(&["helth", "--json"]);
    assert_eq!(run.code, Some(2));
    let error = run.error();
    assert_eq!(error["code"], "command-line");
    assert_eq!(error["message"], "unrecognized subcommand 'helth'");
}

#[test]
fn explains_codes_and_knows_the_nearest() {
    let installation = Installation::new();
    let run = installation.run(&["explain", "confirmation_needed"]);
    assert_eq!(run.code, Some(0));
    assert!(run.out.starts_with("# confirmation-needed\n\n**What happened.** "), "{}", run.out);
    assert_eq!(installation.json(&["explain", "command-line"])["code"], "command-line");
    let run = installation.run(&["explain", "confirmation"]);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    let (first, rest) = run.err.split_once('\n').unwrap();
    let known =
        "error: no error has the code \"confirmation\"; the nearest are confirmation-needed, ";
    assert!(first.starts_with(known), "{first}");
    assert_eq!(rest, "  code     unknown-code\n  more     openclaw explain unknown-code\n");
}

#[test]
fn completes_in_every_shell() {
    let installation = Installation::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = installation.run(&["completion", shell]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert!(run.out.contains("tenants"), "{shell}");
    }
    let syntax = std::process::Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn();
    let mut bash = syntax.unwrap();
    let script = installation.run(&["completion", "bash"]).out;
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let installation = Installation::new();
    let mut command = installation.command(&["completion", "zsh"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_under_the_output_is_told() {
    let installation = Installation::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = installation.command(&["explain", "command-line"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: the output cannot be written; check the disk or the program that reads it\n  \
         because  No space left on device (os error 28)\n  \
         code     output-unwritable\n  \
         more     openclaw explain output-unwritable\n"
    );
}

#[test]
fn a_gateway_that_is_not_there_is_told() {
    let installation = Installation::new();
    // Nobody can listen on port 0.
    for command in [&["health"][..], &["agent", "--message", "hi"]] {
        let run = installation.run(&[command, &["--url", "http://127.0.0.1:0", "--json"]].concat());
        assert_eq!(run.code, Some(5));
        assert_eq!(run.error()["code"], "gateway-unreachable");
    }
    let run = installation.run(&["health", "--url", "https://example.org", "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(2), &"gateway-address".into()));
}
