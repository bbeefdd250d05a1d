//! A crash anywhere on the path leaves rows from which the next start goes on.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use domain::message::Delivering;
use domain::{Answer, Channel, Delivery, EventBody, MessageId, Role, RunId, SessionKey, Timestamp};
use store::{Admission, InboxRow, LineOutcome, NewLine, NewMessage};
use testkit::{World, both_engines};
use uuid::Uuid;

use crate::scene::{Scene, key};

/// The instance that the scenes' engines are.
const INSTANCE: Uuid = Uuid::from_u128(7);
const LEASE: Duration = Duration::from_secs(10);

/// Stores a message as intake does, with no engine there to answer it.
async fn admit(world: &World, run: &str, text: &str) -> store::Admitted {
    let new = NewMessage {
        session: key("main"),
        peer: "anna".to_owned(),
        run: RunId(run.to_owned()),
        text: text.to_owned(),
        context: Vec::new(),
        room: None,
    };
    match world.store.admit(new).await.unwrap() {
        Admission::Admitted(admitted) => admitted,
        other => panic!("{other:?}"),
    }
}

async fn start(world: &World, model: &str) -> Scene {
    world.clock.let_run();
    let simulator = simulator::Simulator::start(simulator::Options::default()).await.unwrap();
    Scene::on(world, world.reopened().await, simulator, model).await
}

/// A line of the transcript as a turn that answers this message writes it.
fn line(role: Role, message: &InboxRow, text: &str) -> NewLine {
    let is_answer = role == Role::Assistant;
    NewLine {
        id: if is_answer { MessageId(Uuid::from_u128(99)) } else { message.id },
        role,
        run: message.run.clone(),
        peer: String::new(),
        text: text.to_owned(),
        at: message.received_at,
        answers: is_answer.then_some(message.id),
        outcome: LineOutcome::Done,
        model: None,
        usage: None,
    }
}

/// A platform that takes nothing at the moment.
struct Shut {
    is_live: bool,
}

impl Channel for Shut {
    fn serves(&self, account: &str) -> bool {
        account == "web"
    }

    fn is_live(&self) -> bool {
        self.is_live
    }

    fn deliver<'a>(&'a self, _: &'a SessionKey, _: &'a Answer, _: Timestamp) -> Delivering<'a> {
        let failed = Delivery::Failed { retry_after: LEASE, reason: "shut".to_owned() };
        Box::pin(std::future::ready(failed))
    }
}

both_engines! {
    async fn an_answer_keeps_a_row_until_it_is_out_unless_it_is_only_told(world: &World) {
        world.tenant("main").await;
        for (number, is_live) in [true, false].into_iter().enumerate() {
            world.clock.let_run();
            let simulator = simulator::Simulator::start(simulator::Options::default()).await.unwrap();
            let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(Shut { is_live })];
            let store = world.reopened().await;
            let bus = Bus::default();
            let mut scene = Scene::with(world, store, simulator, "echo", bus, channels).await;
            scene.tell("main", &format!("r-{number}"), "hello").await;
            scene.until(|body| matches!(body, EventBody::Delta { .. }).then_some(())).await;
            scene.engine.stop(LEASE).await;
            assert_eq!(scene.words("main").await.len(), 2 * (number + 1), "the transcript has it");
            let rows = world.store.outbox(10).await.unwrap();
            assert_eq!(rows.len(), usize::from(!is_live));
        }
    }

    async fn what_was_acknowledged_is_answered_by_the_next_start(world: &World) {
        world.tenant("main").await;
        admit(world, "r-1", "before").await;
        let mut scene = start(world, "echo").await;
        assert_eq!(scene.answer("r-1").await, "You said: before");
    }

    async fn a_turn_that_was_cut_off_is_begun_again(world: &World) {
        world.tenant("main").await;
        let admitted = admit(world, "r-1", "during").await;
        let claimed = world.store.claim(admitted.session, INSTANCE, LEASE, None).await.unwrap();
        assert!(claimed.is_some());
        let mut scene = start(world, "echo").await;
        assert_eq!(scene.answer("r-1").await, "You said: during");
        assert_eq!(scene.words("main").await.len(), 2);
    }

    async fn an_answer_that_reached_the_transcript_is_not_given_twice(world: &World) {
        world.tenant("main").await;
        let admitted = admit(world, "r-1", "during").await;
        let claimed = world.store.claim(admitted.session, INSTANCE, LEASE, None).await.unwrap().unwrap();
        let answer = line(Role::Assistant, &claimed.messages[0], "the first answer");
        world.store.record(&claimed.key, claimed.epoch, Vec::new(), Some(answer)).await.unwrap();
        let mut scene = start(world, "echo").await;
        assert_eq!(scene.answer("r-1").await, "the first answer");
        assert_eq!(scene.simulator.journal().counts().requests, 0, "no model was asked again");
    }

    async fn what_was_answered_together_is_not_answered_again_one_by_one(world: &World) {
        world.tenant("main").await;
        let admitted = admit(world, "r-1", "one").await;
        admit(world, "r-2", "two").await;
        let claimed = world.store.claim(admitted.session, INSTANCE, LEASE, None).await.unwrap().unwrap();
        let said = claimed.messages.iter().map(|message| line(Role::User, message, &message.text));
        let answer = NewLine {
            run: RunId("r-2".to_owned()),
            ..line(Role::Assistant, &claimed.messages[0], "to both")
        };
        world.store.record(&claimed.key, claimed.epoch, said.collect(), Some(answer)).await.unwrap();
        admit(world, "r-3", "three").await;
        let mut scene = start(world, "echo").await;
        let merged = scene
            .until(|body| match body {
                EventBody::Replied { run, merged, .. } if run.0 == "r-2" => Some(merged.clone()),
                _ => None,
            })
            .await;
        assert_eq!(merged, [RunId("r-1".to_owned())], "both callers are told");
        assert_eq!(scene.answer("r-3").await, "You said: three");
        let words = ["one", "two", "to both", "three", "You said: three"];
        assert_eq!(scene.words("main").await, words);
    }

    async fn a_message_that_ends_the_process_each_time_is_parked(world: &World) {
        world.tenant("main").await;
        let admitted = admit(world, "r-1", "poison").await;
        for _ in 0..5 {
            let claimed = world.store.claim(admitted.session, INSTANCE, LEASE, None).await.unwrap();
            assert!(claimed.is_some());
            world.store.let_go(INSTANCE).await.unwrap();
        }
        let mut scene = start(world, "echo").await;
        let told = scene.until(|body| match body {
            EventBody::Failed { failure, retry_at, .. } => Some((failure.code, *retry_at)),
            _ => None,
        });
        assert_eq!(told.await, ("turn-defect", None));
        assert_eq!(scene.simulator.journal().counts().requests, 0, "it was not tried a sixth time");
        scene.tell("main", "r-2", "next").await;
        assert_eq!(scene.answer("r-2").await, "You said: next");
        world.store.replay(admitted.message).await.unwrap();
        assert_eq!(scene.answer("r-1").await, "You said: poison");
    }

    async fn another_instances_session_is_left_alone_until_its_lease_ends(world: &World) {
        world.tenant("main").await;
        let admitted = admit(world, "r-1", "theirs").await;
        let other = Uuid::from_u128(8);
        let claimed = world.store.claim(admitted.session, other, LEASE, None).await.unwrap().unwrap();
        let mut scene = start(world, "echo").await;
        scene.tell("other", "r-2", "ours").await;
        scene.answer("r-2").await;
        assert_eq!(scene.simulator.journal().counts().requests, 1, "theirs was not touched");
        world.clock.advance(LEASE + Duration::from_secs(1));
        assert_eq!(scene.answer("r-1").await, "You said: theirs");
        let late = world.store.finish(claimed.claim, store::Outcome::Done { answer: None }).await;
        assert!(matches!(late, Err(store::Error::Fenced)), "{late:?}");
        assert_eq!(scene.words("main").await.len(), 2);
    }

    async fn stopping_gives_running_turns_back_unharmed(world: &World) {
        let mut scene = Scene::new(world, "echo+first=60s").await;
        scene.tell("main", "r-1", "slow").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        scene.engine.stop(Duration::from_millis(10)).await;
        let rows = world.store.inbox(store::InboxFilter::default()).await.unwrap();
        assert_eq!((rows[0].state, rows[0].attempts), (store::InboxState::Waiting, 0));
        let refused = scene.say("main", "r-2", "late").await;
        assert!(matches!(refused, domain::Verdict::Refused(domain::Refusal::Stopping)));
        let mut scene = start(world, "echo").await;
        assert_eq!(scene.answer("r-1").await, "You said: slow");
    }
}
