//! The lives of tenants and sessions: suspended, reinstated, deleted, extended, cleaned up.

use std::time::Duration;

use domain::session::{SessionState, TIME_TO_LIVE};
use domain::tenant::{TenantStatus, Tier};
use domain::{Clock as _, Coded as _};
use store::{
    Admission, Cleaned, InboxFilter, NewDevice, Outcome, PersonFilter, Session, SessionFilter,
};
use testkit::{World, both_engines};

use crate::words::{LEASE, US, admit, answer_all, claim, key, message, park};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn session(world: &World, conversation: &str) -> Session {
    world.store.session(&key("main", conversation)).await.unwrap().unwrap()
}

both_engines! {
    async fn a_reinstated_tenant_gets_new_sessions(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let quiet = admit(&world.store, message("quiet", "r-1")).await;
        answer_all(&world.store, &claim(&world.store, &quiet).await, 50).await;
        let busy = admit(&world.store, message("busy", "r-2")).await;
        world.store.reset_session(&key("main", "quiet")).await.unwrap();
        world.clock.advance(Duration::from_secs(5));
        world.store.suspend_tenant(&tenant.slug).await.unwrap();
        for conversation in ["quiet", "busy"] {
            assert_eq!(session(world, conversation).await.state, SessionState::Suspended);
        }
        world.store.reinstate_tenant(&tenant.slug).await.unwrap();

        // Where something waits, at once.
        let anew = session(world, "busy").await;
        assert_eq!((anew.state, anew.waiting), (SessionState::Active, 1));
        assert_ne!(anew.id, busy.session);
        assert_eq!(anew.created_at, world.clock.now());
        let claimed = world.store.claim(anew.id, US, LEASE, None).await.unwrap().unwrap();
        assert_eq!(claimed.messages[0].id, busy.message);
        answer_all(&world.store, &claimed, 60).await;

        // Elsewhere with the next message. The memory goes on where it began.
        assert_eq!(session(world, "quiet").await.state, SessionState::Suspended);
        let again = admit(&world.store, message("quiet", "r-3")).await;
        assert_ne!(again.session, quiet.session);
        let anew = session(world, "quiet").await;
        assert_eq!((anew.id, anew.state, anew.epoch), (again.session, SessionState::Active, 1));
        assert_eq!(claim(&world.store, &again).await.messages.len(), 1);
        assert!(admit(&world.store, message("quiet", "r-1")).await.duplicate, "it is still known");
    }

    async fn a_turn_of_a_suspended_tenant_can_neither_go_on_nor_end_in_the_new_session(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        world.store.suspend_tenant(&tenant.slug).await.unwrap();
        assert_eq!(world.store.suspended(US).await.unwrap().len(), 1);
        world.store.reinstate_tenant(&tenant.slug).await.unwrap();
        assert_eq!(world.store.suspended(US).await.unwrap(), []);
        let late = world.store.finish(claimed.claim, Outcome::Release).await.unwrap_err();
        assert_eq!(late.code(), "session-fenced");
        let anew = session(world, "a").await;
        let claimed = world.store.claim(anew.id, US, LEASE, None).await.unwrap().unwrap();
        assert_eq!(claimed.messages[0].id, admitted.message);
    }

    async fn the_life_of_a_tenant_has_no_other_steps(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let (store, slug) = (&world.store, &tenant.slug);
        assert_eq!(store.reinstate_tenant(slug).await.unwrap_err().code(), "wrong-state");
        let early = store.delete_tenant(slug).await.unwrap_err();
        assert_eq!(early.code(), "wrong-state");
        assert!(early.to_string().contains("suspend it first"), "{early}");
        store.suspend_tenant(slug).await.unwrap();
        assert_eq!(store.suspend_tenant(slug).await.unwrap_err().code(), "wrong-state");
        store.delete_tenant(slug).await.unwrap();
        for again in [
            store.suspend_tenant(slug).await,
            store.reinstate_tenant(slug).await,
            store.delete_tenant(slug).await,
            store.change_tenant_tier(slug, Tier::Admin).await,
        ] {
            assert_eq!(again.unwrap_err().code(), "not-found");
        }
    }

    async fn a_deleted_tenant_is_as_if_it_had_never_been_but_for_its_name(world: &World) {
        let (tenant, token) = world.tenant("main").await;
        let (store, slug) = (&world.store, &tenant.slug);
        let admitted = admit(store, message("a", "r-1")).await;
        store.finish(claim(store, &admitted).await.claim, park()).await.unwrap();
        let scopes = vec!["operator.read".to_owned()];
        let new = NewDevice { label: "phone".to_owned(), scopes, tenant: Some(tenant.id) };
        let (_, device) = store.create_device(new).await.unwrap();
        store.suspend_tenant(slug).await.unwrap();
        store.delete_tenant(slug).await.unwrap();
        assert_eq!(store.tenants().await.unwrap(), []);
        assert_eq!(store.tenant(slug).await.unwrap(), None);
        assert_eq!(store.tenant_by_id(tenant.id).await.unwrap(), None);
        assert_eq!(store.tenant_by_token(&token).await.unwrap(), None);
        assert_eq!(store.device_by_token(&device).await.unwrap(), None);
        assert_eq!(store.admit(message("a", "r-2")).await.unwrap(), Admission::NoTenant);
        assert_eq!(store.inbox(InboxFilter::default()).await.unwrap(), []);
        assert_eq!(store.sessions(SessionFilter::default()).await.unwrap(), []);
        assert_eq!(store.persons(PersonFilter::default()).await.unwrap(), []);
        let taken = store.create_tenant(slug, Tier::Free).await.unwrap_err();
        assert_eq!(taken.code(), "already-exists");
    }

    async fn a_suspended_session_is_over_until_an_operator_puts_a_new_one_in_its_place(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let (store, a) = (&world.store, key("main", "a"));
        let admitted = admit(store, message("a", "r-1")).await;
        store.suspend_session(&a).await.unwrap();
        assert_eq!(store.suspend_session(&a).await.unwrap_err().code(), "wrong-state");
        assert_eq!(store.extend_session(&a, DAY).await.unwrap_err().code(), "wrong-state");
        assert_eq!(store.admit(message("a", "r-2")).await.unwrap(), Admission::SessionSuspended);
        let row = store.inbox_row(admitted.message).await.unwrap();
        assert_eq!(row.error.unwrap().0, "session-suspended");
        admit(store, message("b", "r-3")).await;

        // It is not a session that its tenant's reinstatement begins anew.
        store.suspend_tenant(&tenant.slug).await.unwrap();
        store.reinstate_tenant(&tenant.slug).await.unwrap();
        assert_eq!(store.admit(message("a", "r-2")).await.unwrap(), Admission::SessionSuspended);

        store.reset_session(&a).await.unwrap();
        let anew = session(world, "a").await;
        assert_ne!(anew.id, admitted.session);
        assert_eq!((anew.state, anew.epoch, anew.parked), (SessionState::Active, 1, 1));
        store.replay(admitted.message).await.unwrap();
        let claimed = store.claim(anew.id, US, LEASE, None).await.unwrap().unwrap();
        assert_eq!(claimed.messages[0].id, admitted.message);
    }

    async fn an_extended_session_lives_longer_and_no_message_shortens_it(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let until = world.store.extend_session(&key("main", "a"), DAY).await.unwrap();
        assert_eq!(until, world.clock.now().after(TIME_TO_LIVE).after(DAY));
        answer_all(&world.store, &claim(&world.store, &first).await, 50).await;
        admit(&world.store, message("a", "r-2")).await;
        assert_eq!(session(world, "a").await.expires_at, until);
        let nowhere = world.store.extend_session(&key("main", "b"), DAY).await.unwrap_err();
        assert_eq!(nowhere.code(), "not-found");
    }

    async fn what_is_over_is_cleaned_up_unless_something_waits_or_its_memory_begins_later(world: &World) {
        world.tenant("main").await;
        let (store, clock) = (&world.store, &world.clock);
        for (id, conversation) in [(50, "over"), (60, "reset"), (70, "waits")] {
            let admitted = admit(store, message(conversation, conversation)).await;
            if conversation != "waits" {
                answer_all(store, &claim(store, &admitted).await, id).await;
            }
        }
        store.reset_session(&key("main", "reset")).await.unwrap();
        clock.advance(TIME_TO_LIVE);
        admit(store, message("fresh", "r-9")).await;
        let cleaned = store.clean_sessions(None).await.unwrap();
        assert_eq!(cleaned, Cleaned { expired: 3, deleted: 1 });
        let listed = store.sessions(SessionFilter::default()).await.unwrap();
        let mut left: Vec<_> = listed.iter().map(|it| it.key.conversation.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["fresh", "reset", "waits"]);
        assert_eq!(store.clean_sessions(None).await.unwrap(), Cleaned::default());
        // Whoever comes back is still known.
        let again = admit(store, message("over", "r-10")).await;
        let line = store.history(&key("main", "over"), None, 10).await.unwrap();
        assert_eq!(line.len(), 3, "question and answer from before, and what waits now");
        assert_eq!(claim(store, &again).await.epoch, 0);
        assert_eq!(store.tenant(&"main".parse().unwrap()).await.unwrap().unwrap().status, TenantStatus::Active);
    }
}
