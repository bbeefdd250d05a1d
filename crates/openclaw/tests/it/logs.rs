//! Reading the log from the command line.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::installation::Installation;

fn line(level: u8, message: &str) -> String {
    format!(
        "{{\"level\":{level},\"time\":1700000000123,\"pid\":1,\"module\":\"engine::turn\",\"msg\":\"{message}\",\"ms\":7}}\n"
    )
}

fn installation_with(text: &str) -> Installation {
    let installation = Installation::new();
    let logs = installation.state().join("logs");
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("openclaw-2023-11-14.log"), text).unwrap();
    installation
}

#[test]
fn the_last_lines_are_shown_for_people_or_as_they_are() {
    assert_eq!(Installation::new().run(&["logs"]).out, "");
    let text = [
        line(30, "one"),
        line(50, "two\\u001b[31m"),
        "plain \u{1b}[31m\n".into(),
        line(20, "three"),
    ];
    let installation = installation_with(&text.concat());
    assert_eq!(
        installation.run(&["logs", "--tail", "3"]).out,
        "2023-11-14 22:13:20.123 ERROR engine::turn two [31m ms=7\n\
         plain  [31m\n\
         2023-11-14 22:13:20.123 DEBUG engine::turn three ms=7\n"
    );
    let json = installation.run(&["logs", "--level", "info", "--json"]).out;
    assert_eq!(json, [line(30, "one"), line(50, "two\\u001b[31m")].concat());
    assert_eq!(installation.run(&["logs", "--level", "loud"]).code, Some(2));
}

#[test]
fn following_shows_new_lines_as_they_are_written() {
    let installation = installation_with(&line(30, "old"));
    let mut command = installation.command(&["logs", "--tail", "1", "--follow", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), line(30, "old").trim_end());
    let append = |name: &str, text: &str| {
        let path = installation.state().join("logs").join(name);
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append("openclaw-2023-11-14.log", &line(30, "new"));
    assert_eq!(lines.next().unwrap().unwrap(), line(30, "new").trim_end());
    append("openclaw-2023-11-15.log", &line(30, "next day"));
    assert_eq!(lines.next().unwrap().unwrap(), line(30, "next day").trim_end());
    child.kill().unwrap();
    child.wait().unwrap();
}
