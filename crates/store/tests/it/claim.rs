//! Claiming a session: one claimer, in order, what is due, what failed alone.

use std::time::Duration;

use domain::Clock as _;
use domain::tenant::Tier;
use futures::future::join_all;
use store::{Error, Outcome, Ready};
use testkit::{World, both_engines};
use uuid::Uuid;

use crate::words::{LEASE, THEM, US, admit, answer_all, claim, key, message, park, retry_at, runs};

/// What the next claim takes; it is given back at once.
async fn next(world: &World, session: domain::SessionId) -> Vec<String> {
    let Some(claimed) = world.store.claim(session, US, LEASE, None).await.unwrap() else {
        return Vec::new();
    };
    let names = runs(&claimed.messages).into_iter().map(str::to_owned).collect();
    world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
    names
}

both_engines! {
    async fn of_twenty_claimers_one_gets_the_session(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimers = (0..20_u128).map(|number| {
            let store = world.store.clone();
            async move {
                store.claim(admitted.session, Uuid::from_u128(number), LEASE, None).await.unwrap()
            }
        });
        let claimed: Vec<_> = join_all(claimers).await.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 1);
        assert_eq!((claimed[0].claim.fence, runs(&claimed[0].messages)), (1, vec!["r-1"]));
    }

    async fn what_waits_is_claimed_together_in_order_of_arrival(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        admit(&world.store, message("b", "x-1")).await;
        for run in ["r-2", "r-3"] {
            admit(&world.store, message("a", run)).await;
        }
        let claimed = claim(&world.store, &first).await;
        assert_eq!(runs(&claimed.messages), ["r-1", "r-2", "r-3"]);
        assert!(claimed.messages.iter().all(|message| message.attempts == 0));
        world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
        let claimed = world.store.claim(first.session, US, LEASE, Some(2)).await.unwrap().unwrap();
        assert_eq!(runs(&claimed.messages), ["r-1", "r-2"]);
    }

    async fn the_messages_of_a_suspended_tenant_wait_until_it_is_reinstated(world: &World) {
        let (tenant, _) = world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        world.store.suspend_tenant(&tenant.slug).await.unwrap();
        assert_eq!(world.store.ready(10).await.unwrap(), []);
        assert_eq!(next(world, admitted.session).await, [""; 0]);
        world.store.reinstate_tenant(&tenant.slug).await.unwrap();
        let ready = world.store.ready(10).await.unwrap();
        assert_eq!(ready.len(), 1);
        assert_ne!(ready[0].session, admitted.session, "a new session is in its place");
        assert_eq!(next(world, ready[0].session).await, ["r-1"]);
    }

    async fn nobody_claims_what_has_nothing_to_say(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        answer_all(&world.store, &claim(&world.store, &admitted).await, 50).await;
        assert!(world.store.claim(admitted.session, US, LEASE, None).await.unwrap().is_none());
        let unknown = domain::SessionId(Uuid::from_u128(404));
        assert!(world.store.claim(unknown, US, LEASE, None).await.unwrap().is_none());
        assert_eq!(world.store.ready(10).await.unwrap(), []);
    }

    async fn a_retry_holds_the_whole_session_until_it_is_due(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &first).await;
        let due = world.clock.now().after(Duration::from_secs(2));
        let told = world.store.finish(claimed.claim, retry_at(due)).await.unwrap();
        assert_eq!(told, Some(due));
        admit(&world.store, message("a", "r-2")).await;
        assert_eq!(next(world, first.session).await, Vec::<String>::new());
        let waits = Ready { session: first.session, key: key("main", "a"), tier: Tier::Standard, due_at: due };
        assert_eq!(world.store.ready(10).await.unwrap(), [waits]);
        world.clock.advance(Duration::from_millis(1_999));
        assert_eq!(next(world, first.session).await, Vec::<String>::new());
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(next(world, first.session).await, ["r-1"], "what failed is tried alone");
    }

    async fn a_failed_message_takes_no_other_with_it(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        admit(&world.store, message("a", "r-2")).await;
        let claimed = claim(&world.store, &first).await;
        let now = world.clock.now();
        world.store.finish(claimed.claim, retry_at(now)).await.unwrap();
        admit(&world.store, message("a", "r-3")).await;
        admit(&world.store, message("a", "r-4")).await;
        for (id, wanted) in [(50, vec!["r-1"]), (51, vec!["r-2"]), (52, vec!["r-3", "r-4"])] {
            let claimed = claim(&world.store, &first).await;
            assert_eq!(runs(&claimed.messages), wanted);
            answer_all(&world.store, &claimed, id).await;
        }
        assert!(world.store.claim(first.session, US, LEASE, None).await.unwrap().is_none());
    }

    async fn a_parked_message_lets_the_next_one_pass(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &first).await;
        admit(&world.store, message("a", "r-2")).await;
        let due = world.store.finish(claimed.claim, park()).await.unwrap();
        assert_eq!(due, Some(first.received_at), "the next one is due since it arrived");
        assert_eq!(next(world, first.session).await, ["r-2"]);
    }

    async fn a_late_turn_changes_nothing(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let late = claim(&world.store, &admitted).await;
        world.clock.advance(LEASE - Duration::from_millis(1));
        let early = world.store.claim(admitted.session, THEM, LEASE, None).await.unwrap();
        assert!(early.is_none(), "the lease holds");
        world.clock.advance(Duration::from_millis(1));
        let taken = world.store.claim(admitted.session, THEM, LEASE, None).await.unwrap().unwrap();
        assert_eq!((taken.claim.fence, taken.messages[0].attempts), (2, 1));
        for outcome in [Outcome::Done { answer: None }, retry_at(admitted.received_at), park(), Outcome::Release] {
            let late = world.store.finish(late.claim, outcome).await;
            assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
        }
        let rows = world.store.inbox(store::InboxFilter::default()).await.unwrap();
        assert_eq!((rows[0].state, rows[0].attempts), (store::InboxState::Running, 2));
        answer_all(&world.store, &taken, 50).await;
        let again = world.store.finish(taken.claim, Outcome::Release).await;
        assert!(matches!(again, Err(Error::Fenced)), "a turn ends once: {again:?}");
    }

    async fn only_the_leases_that_are_named_are_prolonged(world: &World) {
        world.tenant("main").await;
        let mut claims = Vec::new();
        for conversation in ["a", "b"] {
            let admitted = admit(&world.store, message(conversation, conversation)).await;
            claims.push(claim(&world.store, &admitted).await.claim);
        }
        let fenced = store::Claim { fence: claims[1].fence + 1, ..claims[1] };
        world.clock.advance(LEASE / 2);
        world.store.renew(vec![claims[0], fenced], LEASE).await.unwrap();
        world.clock.advance(LEASE / 2);
        let ready = world.store.ready(10).await.unwrap();
        assert_eq!(ready.iter().map(|ready| ready.session).collect::<Vec<_>>(), [claims[1].session]);
        world.clock.advance(LEASE / 2);
        assert_eq!(world.store.ready(10).await.unwrap().len(), 2);
    }

    async fn a_restarted_instance_takes_its_sessions_up_at_once(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        claim(&world.store, &admitted).await;
        assert_eq!(world.store.ready(10).await.unwrap(), []);
        let store = world.reopened().await;
        store.let_go(THEM).await.unwrap();
        assert!(store.claim(admitted.session, US, LEASE, None).await.unwrap().is_none());
        store.let_go(US).await.unwrap();
        assert_eq!(store.ready(10).await.unwrap().len(), 1);
        let claimed = claim(&store, &admitted).await;
        assert_eq!((runs(&claimed.messages), claimed.messages[0].attempts), (vec!["r-1"], 1));
        store.close().await;
    }
}
