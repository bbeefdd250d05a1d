//! Failures: retried, then parked, never in the way of what comes after, never lost.

use config::settings::messages::Mode;
use domain::EventBody;
use store::{InboxFilter, InboxState, LineOutcome};
use testkit::both_engines;

use crate::scene::Scene;

/// The next failure: its code, and whether the message was parked by it.
async fn failure(scene: &mut Scene) -> (&'static str, bool) {
    scene
        .until(|body| match body {
            EventBody::Failed { failure, retry_at, .. } => Some((failure.code, retry_at.is_none())),
            _ => None,
        })
        .await
}

both_engines! {
    async fn a_failure_that_passes_is_not_noticed_but_by_a_delay(world: &World) {
        let mut scene = Scene::new(world, "echo+flaky=2").await;
        scene.tell("main", "r-1", "hello").await;
        assert!(!failure(&mut scene).await.1);
        assert!(!failure(&mut scene).await.1);
        assert_eq!(scene.answer("r-1").await, "You said: hello");
        assert_eq!(scene.words("main").await.len(), 2);
    }

    async fn a_message_that_keeps_failing_is_parked_and_the_session_goes_on(world: &World) {
        let mut scene = Scene::new(world, "status=500").await;
        let message = scene.tell("main", "r-1", "poison").await;
        for _ in 1..5 {
            assert!(!failure(&mut scene).await.1);
        }
        assert!(failure(&mut scene).await.1, "the fifth attempt was the last");
        scene.change(Some("echo"), Mode::Collect);
        scene.tell("main", "r-2", "next").await;
        assert_eq!(scene.answer("r-2").await, "You said: next");

        let parked = world.store.inbox(InboxFilter::default()).await.unwrap();
        assert_eq!(parked.len(), 1);
        assert_eq!((parked[0].id, parked[0].state, parked[0].attempts), (message, InboxState::Parked, 5));
        assert_eq!(parked[0].error.as_ref().unwrap().0, "model-server-error");
        assert_eq!(scene.lines("main").await[2].outcome, LineOutcome::Parked);

        world.store.replay(message).await.unwrap();
        assert_eq!(scene.answer("r-1").await, "You said: poison");
        assert_eq!(world.store.inbox(InboxFilter::default()).await.unwrap(), []);
    }

    async fn what_will_not_pass_is_parked_at_once(world: &World) {
        let mut scene = Scene::new(world, "status=401").await;
        let message = scene.tell("main", "r-1", "hello").await;
        assert_eq!(failure(&mut scene).await, ("model-authentication", true));
        world.store.drop_message(message).await.unwrap();
        assert!(world.store.replay(message).await.is_err(), "a dropped message is not parked");
        assert_eq!(scene.words("main").await, Vec::<String>::new());
    }

    async fn a_cut_answer_is_never_taken_for_a_whole_one(world: &World) {
        let mut scene = Scene::new(world, "story+cut-after=5").await;
        scene.tell("main", "r-1", "tell me").await;
        assert_eq!(failure(&mut scene).await, ("model-answer-cut", false));
        scene.change(Some("echo"), Mode::Collect);
        assert_eq!(scene.answer("r-1").await, "You said: tell me");
    }

    async fn a_failing_message_is_retried_alone(world: &World) {
        let mut scene = Scene::new(world, "status=500").await;
        scene.change(None, Mode::Collect);
        scene.tell("main", "r-1", "one").await;
        assert_eq!(failure(&mut scene).await.0, "model-server-error");
        scene.tell("main", "r-2", "two").await;
        while !failure(&mut scene).await.1 {}
        scene.change(Some("echo"), Mode::Collect);
        scene.tell("main", "r-3", "three").await;
        scene.answer("r-3").await;
        let parked = world.store.inbox(InboxFilter::default()).await.unwrap();
        assert!(parked.iter().all(|row| row.state == InboxState::Parked), "{parked:?}");
        assert_eq!(parked[0].text, "one");
    }
}
