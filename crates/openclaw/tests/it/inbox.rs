//! Messages that wait, straight on the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Clock, Ids, MessageId, RunId, SessionKey, Timestamp};
use store::{Admission, Location, NewMessage, Store};

use crate::installation::Installation;
use crate::running::Running;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(number.iter().cycle()).for_each(|(byte, part)| *byte = *part);
    }
}

/// Puts one message into the inbox of a new tenant, as the gateway does.
fn say(installation: &Installation, text: &str) -> MessageId {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let location = Location::Directory(installation.state());
        let ids = Arc::new(Counted::default());
        let store = Store::open(location, Arc::new(Stopped), ids).await.unwrap();
        store.create_tenant(&"main".parse().unwrap(), domain::tenant::Tier::Free).await.unwrap();
        let new = NewMessage {
            session: SessionKey::first("main".parse().unwrap()),
            peer: "anna".to_owned(),
            run: RunId("run-1".to_owned()),
            text: text.to_owned(),
            context: Vec::new(),
            room: None,
        };
        let Admission::Admitted(admitted) = store.admit(new).await.unwrap() else { panic!() };
        store.close().await;
        admitted.message
    })
}

#[test]
fn a_message_is_listed_shown_and_given_up() {
    let installation = Installation::new();
    assert_eq!(installation.run(&["inbox", "list"]).out, "No message waits.\n");
    let id = say(&installation, "hello\u{1b}[31m\nthere").to_string();

    let listed = installation.json(&["inbox", "list"]);
    let row = &listed["messages"][0];
    assert_eq!(
        (&row["id"], &row["state"], &row["attempts"]),
        (&id.as_str().into(), &"waiting".into(), &0.into())
    );
    let in_state = |state: &str| {
        let listed = installation.json(&["inbox", "list", "--state", state]);
        listed["messages"].as_array().unwrap().len()
    };
    assert_eq!(["waiting", "running", "parked", "dropped"].map(in_state), [1, 0, 0, 0]);
    let parked = installation.run(&["inbox", "list", "--state", "parked"]);
    assert_eq!(parked.out, "No message is parked.\n");
    assert_eq!(installation.run(&["inbox", "list", "--state", "done"]).code, Some(2));
    assert_eq!(
        installation.run(&["inbox", "list", "--tenant", "other"]).out,
        "No message waits.\n"
    );

    let shown = installation.run(&["inbox", "show", &id]).out;
    assert!(
        shown.contains("\nfrom         anna\nrun          run-1\nstate        waiting\n"),
        "{shown}"
    );
    assert!(shown.ends_with("\n\nhello [31m\nthere\n"), "{shown}");

    let refused = installation.run(&["inbox", "drop", &id, "--json"]);
    assert_eq!((refused.code, &refused.error()["code"]), (Some(2), &"confirmation-needed".into()));
    let dropped = installation.run(&["inbox", "drop", &id, "--yes"]);
    assert_eq!((dropped.code, dropped.out), (Some(0), format!("{id} is given up.\n")));
    assert_eq!(installation.run(&["inbox", "list"]).out, "No message waits.\n");
    assert_eq!(["waiting", "running", "parked", "dropped"].map(in_state), [0, 0, 0, 1]);
}

#[test]
fn only_parked_messages_are_replayed() {
    let installation = Installation::new();
    let id = say(&installation, "hello").to_string();
    let run = installation.run(&["inbox", "replay", &id, "--json"]);
    assert_eq!((run.code, &run.error()["code"]), (Some(1), &"wrong-state".into()));
    assert_eq!(installation.run(&["inbox", "replay", "--all"]).out, "No message is parked.\n");
    assert_eq!(installation.run(&["inbox", "replay"]).code, Some(2));
    for command in ["show", "replay"] {
        let run = installation.run(&["inbox", command, NOBODY, "--json"]);
        assert_eq!((run.code, &run.error()["code"]), (Some(3), &"not-found".into()));
    }
}

#[test]
fn what_waits_is_kept_for_a_suspended_tenant_and_answered_when_it_is_reinstated() {
    let installation = Installation::new();
    let id = say(&installation, "hello").to_string();
    assert_eq!(installation.run(&["tenants", "suspend", "main"]).code, Some(0));
    installation.json(&["tenants", "create", "aliya"]);
    let mut running = Running::start(&installation, "up");
    let url = running.event()["url"].as_str().unwrap().to_owned();
    // Another tenant's message that comes later is answered, so this one had every chance to be.
    let other = ["agent", "--message", "hi", "--tenant", "aliya", "--url", &url];
    assert_eq!(installation.run(&other).code, Some(0));
    let kept = installation.json(&["inbox", "show", &id]);
    assert_eq!((&kept["state"], &kept["attempts"]), (&"waiting".into(), &0.into()));

    assert_eq!(installation.run(&["tenants", "reinstate", "main"]).code, Some(0));
    // Messages of a conversation are answered in order: when this one is, the first was.
    let next = ["agent", "--message", "and now?", "--url", &url];
    assert_eq!(installation.run(&next).code, Some(0));
    assert_eq!(installation.json(&["inbox", "show", &id])["state"], "done");
    running.stop();
}

#[test]
fn a_session_is_shown_and_begun_anew() {
    let installation = Installation::new();
    say(&installation, "hello");
    let key = "agent:main:main";
    let listed = installation.json(&["sessions", "list"]);
    assert_eq!(
        (&listed["sessions"][0]["key"], &listed["sessions"][0]["waiting"]),
        (&key.into(), &1.into())
    );
    let shown = installation.json(&["sessions", "show", key]);
    assert_eq!(
        (&shown["messages"][0]["text"], &shown["messages"][0]["outcome"]),
        (&"hello".into(), &"waiting".into())
    );
    assert_eq!(
        installation.json(&["sessions", "show", key, "--messages", "0"])["messages"],
        serde_json::json!([])
    );
    assert_eq!(installation.run(&["sessions", "reset", key]).code, Some(2));
    let reset = installation.run(&["sessions", "reset", key, "--yes"]);
    assert_eq!((reset.code, reset.out.as_str()), (Some(0), "agent:main:main begins anew.\n"));
}
