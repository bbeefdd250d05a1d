//! Whoever is suspended is refused at once, and what runs is stopped, whichever process does it.

use config::settings::messages::Mode;
use domain::{EventBody, Occurrence, PersonKey, PlatformEvent, Refusal, Timestamp, Verdict};
use store::{AuditFilter, InboxFilter, InboxState};
use testkit::{World, both_engines};
use tokio::time::timeout;
use uuid::Uuid;

use crate::scene::{PATIENCE, Scene, key};

fn anna() -> PersonKey {
    "web:anna".parse().unwrap()
}

/// An engine in the middle of an answer that never ends.
async fn in_the_middle(world: &World) -> Scene {
    let mut scene = Scene::new(world, "hang").await;
    scene.tell("main", "r-1", "one").await;
    scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
    scene.simulator.journal().wait_for(|journal| journal.counts().running == 1).await;
    scene.change(Some("echo"), Mode::Collect);
    scene
}

async fn is_stopped(scene: &Scene) {
    let journal = scene.simulator.journal();
    timeout(PATIENCE, journal.wait_for(|journal| journal.counts().running == 0)).await.unwrap();
    assert_eq!(scene.simulator.journal().counts().cut_by_client, 1);
}

async fn refusal(scene: &Scene) -> Refusal {
    match scene.say("main", "r-2", "two").await {
        Verdict::Refused(refusal) => refusal,
        Verdict::Admitted { .. } => panic!("it is suspended"),
    }
}

both_engines! {
    async fn a_tenant_that_another_process_suspends_is_stopped_and_goes_on_later(world: &World) {
        let mut scene = in_the_middle(world).await;
        let mut told = scene.bus.subscribe_all();
        let (other, main) = (world.reopened().await, "main".parse().unwrap());
        other.suspend_tenant(&main).await.unwrap();
        assert!(matches!(refusal(&scene).await, Refusal::Suspended(_)));
        is_stopped(&scene).await;
        let suspended = async {
            while !matches!(told.next().await.unwrap().what, Occurrence::TenantSuspended { .. }) {}
        };
        timeout(PATIENCE, suspended).await.unwrap();
        other.reinstate_tenant(&main).await.unwrap();
        assert_eq!(scene.answer("r-1").await, "You said: one");
        other.close().await;
    }

    async fn a_session_that_is_suspended_stops_until_it_is_reset(world: &World) {
        let mut scene = in_the_middle(world).await;
        scene.store.suspend_session(&key("main")).await.unwrap();
        assert!(matches!(refusal(&scene).await, Refusal::SessionSuspended(_)));
        is_stopped(&scene).await;
        scene.store.reset_session(&key("main")).await.unwrap();
        assert_eq!(scene.answer("r-1").await, "You said: one");
    }

    async fn what_a_suspended_person_said_is_parked_and_others_are_answered(world: &World) {
        let mut scene = in_the_middle(world).await;
        let main = "main".parse().unwrap();
        scene.store.suspend_person(&main, &anna()).await.unwrap();
        assert_eq!(refusal(&scene).await, Refusal::PersonSuspended);
        is_stopped(&scene).await;
        let parked = || InboxFilter { state: Some(InboxState::Parked), ..InboxFilter::default() };
        let found = async {
            loop {
                if let Some(row) = scene.store.inbox(parked()).await.unwrap().pop() {
                    return row.id;
                }
                tokio::task::yield_now().await;
            }
        };
        let message = timeout(PATIENCE, found).await.unwrap();
        scene.store.reinstate_person(&main, &anna()).await.unwrap();
        scene.store.replay(message).await.unwrap();
        assert_eq!(scene.answer("r-1").await, "You said: one");
    }

    async fn what_is_worth_knowing_later_is_written_down_and_nothing_else(world: &World) {
        let mut scene = Scene::new(world, "echo").await;
        scene.tell("main", "r-1", "one").await;
        scene.answer("r-1").await;
        let stuck = Occurrence::WorkerStuck {
            worker_id: "worker-1".to_owned(),
            tenant_id: "main".parse().ok(),
            request_id: None,
            heartbeat_age_ms: 61_000,
        };
        scene.bus.tell(PlatformEvent::new(stuck, Timestamp(5), Uuid::from_u128(9)));
        let written = async {
            loop {
                let rows = scene.store.audit(AuditFilter::default()).await.unwrap();
                if rows.len() > 1 {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        };
        let rows = timeout(PATIENCE, written).await.unwrap();
        let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["tenant.created", "worker.stuck"]);
        assert_eq!((rows[1].actor.as_str(), rows[1].subject.as_str()), ("system", "worker-1"));
        assert_eq!((rows[1].at, rows[1].correlation_id), (Timestamp(5), Uuid::from_u128(9)));
    }
}
