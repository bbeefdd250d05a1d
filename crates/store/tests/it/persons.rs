//! Persons: found or made with the message, refused at once when suspended.

use std::time::Duration;

use domain::person::PersonStatus;
use domain::tenant::Tier;
use domain::{Clock as _, PersonKey};
use store::{Admission, InboxFilter, InboxState, NewMessage, Outcome, Person, PersonFilter};
use testkit::{World, both_engines};

use crate::words::{LEASE, US, admit, claim, key, message, message_in};

fn anna() -> PersonKey {
    "web:anna".parse().unwrap()
}

fn from(peer: &str, run: &str) -> NewMessage {
    NewMessage { peer: peer.to_owned(), ..message("a", run) }
}

async fn person(world: &World) -> Person {
    world.store.person(&"main".parse().unwrap(), &anna()).await.unwrap()
}

both_engines! {
    async fn a_person_is_made_with_the_first_message_and_touched_once_a_minute(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        assert_eq!(tenant.last_active_at, None);
        let begun = world.clock.now();
        let first = admit(&world.store, message("a", "r-1")).await;
        assert_eq!((first.tier, first.person_tier), (Tier::Standard, Tier::Standard));
        for (at, wanted) in [(0, begun), (59, begun), (1, begun.after(Duration::from_secs(60)))] {
            world.clock.advance(Duration::from_secs(at));
            let now = world.clock.now();
            admit(&world.store, message("a", &format!("r-{}", now.0))).await;
            let seen = person(world).await;
            assert_eq!((seen.created_at, seen.last_active_at), (begun, wanted));
            let tenant = world.store.tenant(&tenant.slug).await.unwrap().unwrap();
            assert_eq!(tenant.last_active_at, Some(wanted));
        }
        assert_eq!(world.store.persons(PersonFilter::default()).await.unwrap().len(), 1);
    }

    async fn a_persons_own_tier_goes_before_the_tenants(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let slug = &tenant.slug;
        world.store.change_person_tier(slug, &anna(), Some(Tier::Free)).await.unwrap();
        world.store.change_tenant_tier(slug, Tier::Premium).await.unwrap();
        let admitted = admit(&world.store, message("a", "r-2")).await;
        assert_eq!((admitted.tier, admitted.person_tier), (Tier::Premium, Tier::Free));
        let claimed = claim(&world.store, &first).await;
        assert_eq!((claimed.tier, claimed.person_tier), (Tier::Premium, Tier::Free));
        assert_eq!((person(world).await.own_tier, person(world).await.tier), (Some(Tier::Free), Tier::Free));
        world.store.change_person_tier(slug, &anna(), None).await.unwrap();
        assert_eq!((person(world).await.own_tier, person(world).await.tier), (None, Tier::Premium));
        let nobody: PersonKey = "web:nobody".parse().unwrap();
        let refused = world.store.change_person_tier(slug, &nobody, None).await.unwrap_err();
        assert_eq!(domain::Coded::code(&refused), "not-found");
    }

    async fn a_suspended_person_is_refused_and_leaves_no_trace(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        admit(&world.store, message("a", "r-1")).await;
        world.store.suspend_person(&tenant.slug, &anna()).await.unwrap();
        let refused = world.store.admit(message("new", "r-2")).await.unwrap();
        assert_eq!(refused, Admission::PersonSuspended);
        assert_eq!(world.store.session(&key("main", "new")).await.unwrap(), None);
        assert!(!admit(&world.store, from("boris", "r-3")).await.duplicate, "others are served");
        world.tenant("acme").await;
        admit(&world.store, message_in(key("acme", "a"), "r-4")).await;
        assert_eq!(person(world).await.status, PersonStatus::Suspended);
        assert!(world.store.suspend_person(&tenant.slug, &anna()).await.is_err());
        world.store.reinstate_person(&tenant.slug, &anna()).await.unwrap();
        assert!(!admit(&world.store, message("new", "r-2")).await.duplicate);
    }

    async fn what_waits_of_a_suspended_person_is_parked_and_others_go_on(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let hers = admit(&world.store, from("anna", "r-1")).await;
        let his = admit(&world.store, from("boris", "r-2")).await;
        world.store.suspend_person(&tenant.slug, &anna()).await.unwrap();
        let row = world.store.inbox_row(hers.message).await.unwrap();
        assert_eq!(row.state, InboxState::Parked);
        assert_eq!(row.error.unwrap().0, "person-suspended");
        let claimed = claim(&world.store, &his).await;
        assert_eq!(claimed.messages.len(), 1);
        assert_eq!(claimed.messages[0].peer, "boris");
    }

    async fn a_running_turn_of_a_suspended_person_is_found_and_its_message_parked(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        assert_eq!(world.store.suspended(US).await.unwrap(), []);
        world.store.suspend_person(&tenant.slug, &anna()).await.unwrap();
        let found = world.store.suspended(US).await.unwrap();
        assert_eq!((found.len(), &found[0].key), (1, &key("main", "a")));
        world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
        let again = world.store.claim(admitted.session, US, LEASE, None).await.unwrap();
        assert!(again.is_none(), "it was given back, but not to be answered");
        world.store.park_suspended().await.unwrap();
        let parked = InboxFilter { state: Some(InboxState::Parked), ..InboxFilter::default() };
        assert_eq!(world.store.inbox(parked).await.unwrap().len(), 1);
        assert_eq!(world.store.suspended(US).await.unwrap(), []);
    }

    async fn persons_of_whom_nobody_decided_anything_are_forgotten_in_time(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        for (peer, run) in [("anna", "r-1"), ("boris", "r-2"), ("clara", "r-3")] {
            admit(&world.store, from(peer, run)).await;
        }
        let boris = "web:boris".parse().unwrap();
        world.store.change_person_tier(&tenant.slug, &boris, Some(Tier::Premium)).await.unwrap();
        world.store.suspend_person(&tenant.slug, &"web:clara".parse().unwrap()).await.unwrap();
        world.clock.advance(Duration::from_secs(90 * 24 * 60 * 60));
        world.store.upkeep().await.unwrap();
        let left = world.store.persons(PersonFilter::default()).await.unwrap();
        let left: Vec<_> = left.iter().map(|person| person.person.peer.as_str()).collect();
        assert_eq!(left, ["boris", "clara"]);
    }
}
