//! Tenants, sessions and links, straight on the store.

use serde_json::json;

use crate::installation::Installation;
use crate::running::{Running, get};

#[test]
fn tenants_are_created_once_and_listed() {
    let installation = Installation::new();
    let none = installation.run(&["tenants", "list"]);
    assert_eq!(none.out, "No tenants yet. Create one: openclaw tenants create NAME\n");
    assert_eq!(installation.json(&["tenants", "list"]), json!({ "tenants": [] }));

    let created = installation.json(&["tenants", "create", "aliya", "--tier", "premium"]);
    assert_eq!((&created["slug"], &created["tier"]), (&"aliya".into(), &"premium".into()));
    assert!(created["token"].as_str().unwrap().starts_with("oct_"), "{created}");
    let created = installation.run(&["tenants", "create", "bo"]);
    let lines: Vec<&str> = created.out.lines().collect();
    assert_eq!(lines[0], "Created the tenant bo (free).");
    let workspace = installation.state().join("tenants/bo/workspace");
    assert_eq!(lines[1], format!("Its workspace: {}", workspace.display()));
    assert_eq!(lines.len(), 4);
    assert!(workspace.join("AGENTS.md").is_file());

    let again = installation.run(&["tenants", "create", "bo"]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    assert_eq!(
        again.err,
        "error: there is already a tenant called \"bo\"; choose another name\n  \
         code     already-exists\n  more     openclaw explain already-exists\n"
    );
    let listed = installation.json(&["tenants", "list"]);
    let names: Vec<_> = listed["tenants"].as_array().unwrap().iter().map(|t| &t["slug"]).collect();
    assert_eq!(names, ["aliya", "bo"]);
    let table = installation.run(&["tenants", "list"]).out;
    let (head, rows) = table.split_once('\n').unwrap();
    assert_eq!(head, "TENANT  TIER     STATUS  CREATED  LAST ACTIVE");
    assert!(rows.starts_with("aliya   premium  active  "), "{rows}");
}

#[test]
fn a_session_that_is_not_there_is_not_found() {
    let installation = Installation::new();
    let listed = installation.run(&["sessions", "list"]);
    assert_eq!(listed.out, "No sessions yet. Say something: openclaw agent --message TEXT\n");
    for command in ["show", "reset"] {
        let run = installation.run(&["sessions", command, "agent:main:main", "--json"]);
        assert_eq!((run.code, &run.error()["code"]), (Some(3), &"not-found".into()));
    }
    let run = installation.run(&["sessions", "show", "main"]);
    assert_eq!(run.code, Some(2));
}

#[test]
fn links_are_fresh_and_carry_the_code_behind_the_hash() {
    let installation = Installation::new();
    let links: Vec<String> = (0..2)
        .map(|_| installation.json(&["link", "--minutes", "5"]))
        .map(|link| {
            assert_eq!(link["seconds"], 300);
            link["link"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_ne!(links[0], links[1]);
    assert!(links[0].starts_with("http://127.0.0.1:18789/#token=ocl_"), "{}", links[0]);
    assert!(installation.run(&["link"]).out.ends_with("\nIt opens once, within 15m.\n"));
}

#[test]
fn a_suspended_tenant_is_refused_by_a_running_gateway_until_it_is_reinstated() {
    let installation = Installation::new();
    let token = installation.json(&["tenants", "create", "aliya"])["token"].clone();
    let token = token.as_str().unwrap();
    installation.json(&["tenants", "create", "bo"]);
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let say = |tenant: &str| {
        installation.run(&["agent", "-m", "hi", "--tenant", tenant, "--url", &url, "--json"])
    };
    let ask = || get(&url, "/v1/models", token);
    assert_eq!(ask().0, 200);

    let suspended = installation.run(&["tenants", "suspend", "aliya"]);
    assert_eq!((suspended.code, suspended.err.as_str()), (Some(0), ""));
    assert!(suspended.out.starts_with("aliya is suspended: "), "{}", suspended.out);
    let listed = installation.json(&["tenants", "list"]);
    assert_eq!(listed["tenants"][0]["status"], "suspended");
    let (status, body) = ask();
    assert!(status == 403 && body.contains("tenant-suspended"), "{status} {body}");
    let refused = say("aliya");
    assert_eq!((refused.code, &refused.error()["code"]), (Some(4), &"tenant-suspended".into()));
    assert_eq!(say("bo").code, Some(0), "nobody else is refused");

    let served = installation.json(&["tenants", "reinstate", "aliya"]);
    assert_eq!(served, json!({ "slug": "aliya", "status": "active" }));
    assert_eq!((ask().0, say("aliya").code), (200, Some(0)));
    running.stop();
}

#[test]
fn a_fresh_token_takes_the_place_of_the_old_one() {
    let installation = Installation::new();
    let old = installation.json(&["tenants", "create", "aliya"])["token"].clone();
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    let status = |token: &str| get(&url, "/v1/models", token).0;

    let unasked = installation.run(&["tenants", "token", "aliya", "--json"]);
    assert_eq!((unasked.code, &unasked.error()["code"]), (Some(2), &"confirmation-needed".into()));
    assert_eq!(status(old.as_str().unwrap()), 200);
    let replaced = installation.run(&["tenants", "token", "aliya", "--yes"]);
    let fresh = replaced.out.lines().last().unwrap();
    assert!(fresh.starts_with("oct_"), "{replaced:?}");
    assert_eq!((status(old.as_str().unwrap()), status(fresh)), (401, 200));
    let again = installation.json(&["tenants", "token", "aliya", "--yes"]);
    assert_eq!((status(fresh), status(again["token"].as_str().unwrap())), (401, 200));
    running.stop();
}

#[test]
fn a_tenant_that_is_not_there_is_not_found() {
    let installation = Installation::new();
    for command in ["suspend", "reinstate", "token"] {
        let run = installation.run(&["tenants", command, "nobody", "--json"]);
        assert_eq!((run.code, &run.error()["code"]), (Some(3), &"not-found".into()), "{command}");
    }
}
