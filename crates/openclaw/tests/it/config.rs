//! The configuration from the command line.

use std::fs;

use serde_json::{Value, json};

use crate::installation::Installation;

fn installation_with(text: &str) -> Installation {
    let installation = Installation::new();
    fs::create_dir(installation.state()).unwrap();
    fs::write(installation.state().join("openclaw.json"), text).unwrap();
    // Only its owner may read it, as a first start would have it.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(installation.state().join("openclaw.json"), private).unwrap();
    installation
}

#[test]
fn validity_is_told_with_line_and_column() {
    let installation = Installation::new();
    let path = installation.state().join("openclaw.json");
    let run = installation.run(&["config", "validate"]);
    let expected = format!("{} does not exist: every default is in force.\n", path.display());
    assert_eq!((run.code, run.out), (Some(0), expected));

    let installation = installation_with("{\n  gateway: { prot: 1 }, // a typing error\n}\n");
    let path = installation.state().join("openclaw.json");
    let run = installation.run(&["config", "validate"]);
    assert_eq!((run.code, run.out.as_str()), (Some(6), ""));
    let first = format!(
        "error: {} cannot be used: 1 problem\n  openclaw.json:2:14: gateway.prot",
        path.display()
    );
    assert!(run.err.starts_with(&first), "{}", run.err);
    let error = installation.run(&["config", "validate", "--json"]).error();
    assert_eq!(error["code"], "config-invalid");
    assert_eq!(error["problems"][0]["place"], "openclaw.json:2:14");
    assert_eq!(error["problems"][0]["setting"], "gateway.prot");
    // Every command that needs the configuration says the same; the log can still be read.
    assert_eq!(installation.run(&["tenants", "list", "--json"]).error()["code"], "config-invalid");
    assert_eq!(installation.run(&["logs"]).code, Some(0));
}

#[test]
fn values_are_shown_with_their_source_and_without_secrets() {
    let text = "{ gateway: { port: 19000, auth: { token: 'hunter2-hunter2' } } }";
    let installation = installation_with(text);
    assert_eq!(installation.run(&["config", "get", "gateway.port"]).out, "19000\n");
    assert_eq!(installation.json(&["config", "get", "logging.level"]), "info");
    let all = installation.run(&["config", "get"]);
    assert!(all.out.contains("\"port\": 19000") && !all.out.contains("hunter2"), "{}", all.out);
    let sourced = installation.json(&["config", "get", "gateway.port", "--source"]);
    assert_eq!(
        sourced["settings"][0],
        json!({ "key": "gateway.port", "value": 19000, "source": "openclaw.json:1:20" })
    );
    let run = installation.run(&["config", "get", "gateway.prot", "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(3), &"unknown-setting".into()));
}

#[test]
fn a_change_keeps_comments_and_is_checked_first() {
    let installation = installation_with("{\n  // the door\n  gateway: { port: 19000 },\n}\n");
    let path = installation.state().join("openclaw.json");
    let set = |key: &str, value: &str| installation.run(&["config", "set", key, value]);
    assert_eq!(set("gateway.port", "19001").out, "gateway.port is set.\n");
    assert_eq!(set("gateway.bind", "lan").code, Some(0));
    assert_eq!(set("gateway.auth.token", "1234567890123456").code, Some(0));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  // the door\n  gateway: { port: 19001"), "{text}");
    assert!(text.contains("1234567890123456\"") || text.contains("1234567890123456'"), "{text}");

    let refused = set("gateway.port", "99999999");
    assert_eq!((refused.code, refused.out.as_str()), (Some(6), ""));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(installation.json(&["config", "unset", "gateway.bind"])["change"], "unset");
    assert!(!fs::read_to_string(&path).unwrap().contains("bind"));
}

#[test]
fn a_change_before_the_first_start_begins_an_installation() {
    let installation = Installation::new();
    assert_eq!(installation.run(&["config", "set", "logging.level", "debug"]).code, Some(0));
    assert_eq!(installation.json(&["config", "get", "gateway.auth.token"]), "***");
    let text = fs::read_to_string(installation.state().join("openclaw.json")).unwrap();
    assert!(text.contains("level: \"debug\""), "{text}");
}

#[test]
fn the_schema_is_printed_for_programs_and_for_people() {
    let installation = Installation::new();
    let schema = installation.json(&["config", "schema"]);
    assert_eq!(schema["properties"]["gateway"]["properties"]["port"]["default"], 18_789);
    let pretty = installation.run(&["config", "schema"]).out;
    assert_eq!(serde_json::from_str::<Value>(&pretty).unwrap(), schema);
    let markdown = installation.run(&["config", "schema", "--markdown"]).out;
    assert!(markdown.contains("gateway.port"), "{markdown}");
}
