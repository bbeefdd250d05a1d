//! The inbox as people see it, and what they do about parked messages.

use domain::{Coded, MessageId, TenantSlug};
use store::{Counts, Error, InboxFilter, InboxState, Outcome};
use testkit::{World, both_engines};
use uuid::Uuid;

use crate::words::{LEASE, US, admit, claim, key, message, message_in, park, runs};

/// Three tenants' worth of messages: one waits, one runs, one is parked in `main`; one waits in `acme`.
async fn fill(world: &World) -> (MessageId, MessageId, MessageId) {
    world.tenant("main").await;
    world.tenant("acme").await;
    let parked = admit(&world.store, message("a", "r-1")).await;
    let claimed = claim(&world.store, &parked).await;
    world.store.finish(claimed.claim, park()).await.unwrap();
    let running = admit(&world.store, message("b", "r-2")).await;
    claim(&world.store, &running).await;
    let waiting = admit(&world.store, message("a", "r-3")).await;
    admit(&world.store, message_in(key("acme", "a"), "r-4")).await;
    (parked.message, running.message, waiting.message)
}

fn of(tenant: &str) -> Option<TenantSlug> {
    Some(tenant.parse().unwrap())
}

both_engines! {
    async fn lists_by_tenant_and_state_in_order(world: &World) {
        fill(world).await;
        let list = async |tenant: Option<TenantSlug>, state, limit| {
            let filter = InboxFilter { tenant, state, limit };
            let rows = world.store.inbox(filter).await.unwrap();
            runs(&rows).join(" ")
        };
        assert_eq!(list(None, None, 0).await, "r-1 r-2 r-3 r-4");
        assert_eq!(list(None, None, 2).await, "r-1 r-2");
        assert_eq!(list(of("main"), None, 0).await, "r-1 r-2 r-3");
        assert_eq!(list(None, Some(InboxState::Waiting), 0).await, "r-3 r-4");
        assert_eq!(list(of("acme"), Some(InboxState::Parked), 0).await, "");
        assert_eq!(list(of("nobody"), None, 0).await, "");
    }

    async fn what_is_over_is_listed_only_when_it_is_asked_for(world: &World) {
        let (parked, _, waiting) = fill(world).await;
        world.store.drop_message(parked).await.unwrap();
        world.store.drop_message(waiting).await.unwrap();
        let answered = admit(&world.store, message("c", "r-5")).await;
        let claimed = claim(&world.store, &answered).await;
        world.store.finish(claimed.claim, Outcome::Done { answer: None }).await.unwrap();
        let list = async |tenant: Option<TenantSlug>, state| {
            let rows = world.store.inbox(InboxFilter { tenant, state, limit: 0 }).await.unwrap();
            runs(&rows).join(" ")
        };
        assert_eq!(list(None, None).await, "r-2 r-4");
        assert_eq!(list(None, Some(InboxState::Parked)).await, "");
        assert_eq!(list(None, Some(InboxState::Dropped)).await, "r-1 r-3");
        assert_eq!(list(of("acme"), Some(InboxState::Dropped)).await, "");
        assert_eq!(list(None, Some(InboxState::Done)).await, "r-5");
    }

    async fn counts_by_tenant(world: &World) {
        fill(world).await;
        let count = async |tenant: Option<TenantSlug>| world.store.counts(tenant.as_ref()).await.unwrap();
        assert_eq!(count(None).await, Counts { waiting: 2, running: 1, parked: 1 });
        assert_eq!(count(of("main")).await, Counts { waiting: 1, running: 1, parked: 1 });
        assert_eq!(count(of("acme")).await, Counts { waiting: 1, running: 0, parked: 0 });
        assert_eq!(count(of("nobody")).await, Counts::default());
    }

    async fn a_parked_message_is_replayed_as_if_it_had_never_failed(world: &World) {
        let (parked, running, waiting) = fill(world).await;
        for id in [running, waiting] {
            let refused = world.store.replay(id).await.unwrap_err();
            assert!(matches!(refused, Error::State { .. }), "{refused}");
        }
        world.store.replay(parked).await.unwrap();
        let row = world.store.inbox_row(parked).await.unwrap();
        assert_eq!((row.state, row.attempts, row.error), (InboxState::Waiting, 0, None));
        assert_eq!(world.store.replay(parked).await.unwrap_err().code(), "wrong-state");
        let session = row.session_id;
        let claimed = world.store.claim(session, US, LEASE, None).await.unwrap().unwrap();
        assert_eq!(runs(&claimed.messages), ["r-1", "r-3"], "it has its old place");
    }

    async fn all_parked_messages_are_replayed_together(world: &World) {
        let (parked, ..) = fill(world).await;
        assert_eq!(world.store.replay_all().await.unwrap(), 1);
        assert_eq!(world.store.inbox_row(parked).await.unwrap().state, InboxState::Waiting);
        assert_eq!(world.store.replay_all().await.unwrap(), 0);
    }

    async fn only_what_nobody_is_answering_can_be_dropped(world: &World) {
        let (parked, running, waiting) = fill(world).await;
        world.store.drop_message(parked).await.unwrap();
        world.store.drop_message(waiting).await.unwrap();
        let refused = world.store.drop_message(running).await.unwrap_err();
        assert_eq!(refused.code(), "wrong-state");
        assert_eq!(world.store.drop_message(parked).await.unwrap_err().code(), "wrong-state");
        let session = world.store.inbox_row(parked).await.unwrap().session_id;
        assert!(world.store.claim(session, US, LEASE, None).await.unwrap().is_none());
        let again = admit(&world.store, message("a", "r-1")).await;
        assert!(again.duplicate, "a dropped message does not come back by a redelivery");
    }

    async fn what_does_not_exist_is_said_so(world: &World) {
        let nothing = MessageId(Uuid::from_u128(404));
        let store = &world.store;
        for outcome in [store.replay(nothing).await, store.drop_message(nothing).await] {
            assert!(matches!(outcome, Err(Error::Missing { what: "message", .. })), "{outcome:?}");
        }
        assert_eq!(store.inbox_row(nothing).await.unwrap_err().code(), "not-found");
    }

    async fn a_message_that_is_dropped_during_a_turn_of_others_stays_dropped(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &first).await;
        let second = admit(&world.store, message("a", "r-2")).await;
        world.store.drop_message(second.message).await.unwrap();
        let due = world.store.finish(claimed.claim, Outcome::Done { answer: None }).await.unwrap();
        assert_eq!(due, None);
    }
}
