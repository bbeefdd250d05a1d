//! Taking messages in: once each, within bounds, only for those who are served.

use std::time::Duration;

use domain::message::Said;
use domain::{Role, SessionKey};
use futures::future::join_all;
use store::{Admission, InboxFilter, NewMessage, SessionFilter};
use testkit::both_engines;

use crate::words::{LEASE, US, admit, answer_all, claim, key, message, message_in};

both_engines! {
    async fn the_same_message_is_stored_once_however_often_it_comes(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        assert!(!first.duplicate);
        world.clock.advance(Duration::from_secs(5));
        let again = NewMessage { text: "other words".to_owned(), ..message("a", "r-1") };
        let again = admit(&world.store, again).await;
        assert!(again.duplicate);
        assert_eq!((again.message, again.received_at), (first.message, first.received_at));
        let rows = world.store.inbox(InboxFilter::default()).await.unwrap();
        assert_eq!((rows.len(), rows[0].text.as_str()), (1, "words of r-1"));
    }

    async fn of_twenty_deliveries_at_once_one_is_new(world: &World) {
        world.tenant("main").await;
        let all = join_all((0..20).map(|_| admit(&world.store, message("a", "r-1")))).await;
        assert_eq!(all.iter().filter(|admitted| !admitted.duplicate).count(), 1);
        assert!(all.iter().all(|admitted| admitted.message == all[0].message));
        assert_eq!(world.store.inbox(InboxFilter::default()).await.unwrap().len(), 1);
    }

    async fn an_answered_message_is_still_known(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        answer_all(&world.store, &claim(&world.store, &first).await, 50).await;
        let again = admit(&world.store, message("a", "r-1")).await;
        assert!(again.duplicate);
        assert_eq!(again.message, first.message);
        let claimed = world.store.claim(again.session, US, LEASE, None).await.unwrap();
        assert!(claimed.is_none(), "it has been answered");
    }

    async fn a_name_is_unique_within_one_account_of_one_tenant(world: &World) {
        world.tenant("main").await;
        world.tenant("acme").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let theirs = admit(&world.store, message_in(key("acme", "a"), "r-1")).await;
        assert!(!theirs.duplicate);
        assert_ne!((theirs.message, theirs.session), (first.message, first.session));
        let api = SessionKey::new("main".parse().unwrap(), "api", "a").unwrap();
        assert!(!admit(&world.store, message_in(api, "r-1")).await.duplicate);
        assert!(admit(&world.store, message("elsewhere", "r-1")).await.duplicate);
    }

    async fn what_the_caller_remembers_is_kept_with_the_message(world: &World) {
        world.tenant("main").await;
        let said = |role, text: &str| Said { role, text: text.to_owned() };
        let context =
            vec![said(Role::System, "be kind"), said(Role::User, "\u{1F600} \"quoted\" \\u0041")];
        let new = NewMessage { context: context.clone(), ..message("a", "r-1") };
        let admitted = admit(&world.store, new).await;
        assert_eq!(claim(&world.store, &admitted).await.messages[0].context, context);
    }

    async fn a_null_character_takes_no_message_down(world: &World) {
        world.tenant("main").await;
        let context = vec![Said { role: Role::User, text: "be\0fore".to_owned() }];
        let new = NewMessage {
            text: "one\0two".to_owned(),
            peer: "an\0na".to_owned(),
            context,
            ..message("a", "r-1")
        };
        let admitted = admit(&world.store, new).await;
        let claimed = claim(&world.store, &admitted).await;
        let row = &claimed.messages[0];
        assert_eq!(
            (row.text.as_str(), row.peer.as_str(), row.context[0].text.as_str()),
            ("one\u{FFFD}two", "an\u{FFFD}na", "be\u{FFFD}fore")
        );
    }

    async fn a_full_session_takes_no_more_until_there_is_room(world: &World) {
        world.tenant("main").await;
        let bounded = |run: &str| NewMessage { room: Some(2), ..message("a", run) };
        let first = admit(&world.store, bounded("r-1")).await;
        admit(&world.store, bounded("r-2")).await;
        assert_eq!(world.store.admit(bounded("r-3")).await.unwrap(), Admission::Full(2));
        assert!(admit(&world.store, bounded("r-2")).await.duplicate, "it has its place");
        let elsewhere = NewMessage { room: Some(2), ..message("b", "r-4") };
        assert!(!admit(&world.store, elsewhere).await.duplicate, "each session has its own room");

        let claimed = claim(&world.store, &first).await;
        let refused = world.store.admit(bounded("r-3")).await.unwrap();
        assert_eq!(refused, Admission::Full(2), "what is being answered takes room too");
        answer_all(&world.store, &claimed, 50).await;
        assert!(!admit(&world.store, bounded("r-3")).await.duplicate);
    }

    async fn only_a_tenant_that_is_served_takes_messages(world: &World) {
        let unknown = world.store.admit(message("a", "r-1")).await.unwrap();
        assert_eq!(unknown, Admission::NoTenant);
        let (tenant, _) = world.tenant("main").await;
        world.store.suspend_tenant(&tenant.slug).await.unwrap();
        let suspended = world.store.admit(message("a", "r-1")).await.unwrap();
        assert_eq!(suspended, Admission::TenantSuspended);
        assert_eq!(world.store.sessions(SessionFilter::default()).await.unwrap(), []);
        assert_eq!(world.store.inbox(InboxFilter::default()).await.unwrap(), []);
        world.store.reinstate_tenant(&tenant.slug).await.unwrap();
        assert!(!admit(&world.store, message("a", "r-1")).await.duplicate);
    }
}
