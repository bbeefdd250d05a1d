//! Tenants, sessions and links, straight on the store.

use serde_json::json;

use crate::installation::Installation;

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
    assert_eq!(head, "TENANT  TIER     STATUS  CREATED");
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
