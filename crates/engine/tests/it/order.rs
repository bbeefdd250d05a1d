//! Order, collection, interruption: what happens to messages that come while a session is busy.

use config::settings::messages::Mode;
use domain::{EventBody, Refusal, RunId, Turns, Verdict};
use store::LineOutcome;
use testkit::both_engines;

use crate::scene::{Scene, key};

both_engines! {
    async fn a_message_is_answered_and_both_are_kept(world: &World) {
        let mut scene = Scene::new(world, "echo").await;
        scene.tell("main", "r-1", "hello").await;
        assert_eq!(scene.answer("r-1").await, "You said: hello");
        assert_eq!(scene.words("main").await, ["hello", "You said: hello"]);
        let rules = world.directory().join("tenants/main/workspace/AGENTS.md");
        assert!(rules.is_file(), "the first turn makes the workspace");
    }

    async fn the_streamed_words_are_the_stored_words(world: &World) {
        let mut scene = Scene::new(world, "story+words=40").await;
        scene.tell("main", "r-1", "a story").await;
        let mut streamed = String::new();
        let stored = scene
            .until(|body| match body {
                EventBody::Delta { text, .. } => {
                    streamed.push_str(text);
                    None
                }
                EventBody::Replied { text, .. } => Some(text.clone()),
                _ => None,
            })
            .await;
        assert_eq!(streamed, stored);
    }

    async fn the_same_message_twice_is_answered_once(world: &World) {
        let mut scene = Scene::new(world, "echo").await;
        let first = scene.tell("main", "r-1", "hello").await;
        scene.answer("r-1").await;
        let again = scene.say("main", "r-1", "hello").await;
        let Verdict::Admitted { message, duplicate, .. } = again else { panic!("{again:?}") };
        assert_eq!((message, duplicate), (first, true));
        scene.tell("main", "r-2", "and?").await;
        scene.answer("r-2").await;
        assert_eq!(scene.lines("main").await.len(), 4);
    }

    async fn copies_that_come_together_are_one(world: &World) {
        let mut scene = Scene::new(world, "echo").await;
        let copies = (0..50).map(|_| scene.say("main", "r-1", "hello"));
        let verdicts = futures::future::join_all(copies).await;
        let new = |verdict: &Verdict| matches!(verdict, Verdict::Admitted { duplicate: false, .. });
        assert_eq!(verdicts.iter().filter(|verdict| new(verdict)).count(), 1);
        scene.answer("r-1").await;
        assert_eq!(scene.lines("main").await.len(), 2);
    }

    async fn what_waits_is_collected_into_one_turn(world: &World) {
        let mut scene = Scene::new(world, "echo+first=400ms").await;
        scene.tell("main", "r-1", "one").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        scene.tell("main", "r-2", "two").await;
        scene.tell("main", "r-3", "three").await;
        assert_eq!(scene.answer("r-1").await, "You said: one");
        assert_eq!(scene.answer("r-2").await, "You said: two\n\nthree");
        assert_eq!(scene.words("main").await.len(), 5);
    }

    async fn followups_are_answered_one_by_one_in_order(world: &World) {
        let mut scene = Scene::new(world, "echo").await;
        scene.change(None, Mode::Followup);
        for number in 0..20 {
            scene.tell("main", &format!("r-{number}"), &format!("{number}")).await;
        }
        scene.answer("r-19").await;
        let words = scene.words("main").await;
        let wanted: Vec<String> =
            (0..20).flat_map(|n| [n.to_string(), format!("You said: {n}")]).collect();
        assert_eq!(words, wanted);
    }

    async fn an_interruption_answers_both_together(world: &World) {
        let mut scene = Scene::new(world, "echo+first=10s").await;
        scene.change(None, Mode::Interrupt);
        scene.tell("main", "r-1", "one").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        scene.simulator.journal().wait_for(|journal| journal.counts().running == 1).await;
        scene.change(Some("echo"), Mode::Interrupt);
        scene.tell("main", "r-2", "two").await;
        assert_eq!(scene.answer("r-2").await, "You said: one\n\ntwo");
        scene.simulator.journal().wait_for(|journal| journal.counts().cut_by_client == 1).await;
        assert_eq!(scene.words("main").await.len(), 3);
    }

    async fn a_person_stops_an_answer_and_keeps_what_was_said(world: &World) {
        let mut scene = Scene::new(world, "story+words=500+pace=5ms").await;
        scene.tell("main", "r-1", "a long story").await;
        scene.until(|body| matches!(body, EventBody::Delta { .. }).then_some(())).await;
        let other = RunId("r-9".to_owned());
        assert!(scene.engine.abort(&key("main"), Some(&other)).is_empty(), "not its run");
        assert_eq!(scene.engine.abort(&key("main"), None), [RunId("r-1".to_owned())]);
        let said = scene
            .until(|body| match body {
                EventBody::Aborted { text, .. } => Some(text.clone()),
                _ => None,
            })
            .await;
        let lines = scene.lines("main").await;
        assert_eq!((lines[1].text.as_str(), lines[1].outcome), (said.as_str(), LineOutcome::Aborted));
        scene.simulator.journal().wait_for(|journal| journal.counts().running == 0).await;
        assert_eq!(scene.simulator.journal().counts().cut_by_client, 1);
    }

    async fn sessions_do_not_wait_for_each_other(world: &World) {
        let mut scene = Scene::new(world, "hang").await;
        scene.tell("slow", "r-1", "one").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        scene.change(Some("echo"), Mode::Collect);
        scene.tell("quick", "r-2", "two").await;
        assert_eq!(scene.answer("r-2").await, "You said: two");
        assert_eq!(scene.engine.abort(&key("slow"), None).len(), 1);
    }

    async fn what_cannot_be_taken_is_refused_and_nothing_is_stored(world: &World) {
        let scene = Scene::new(world, "echo").await;
        for text in ["", "  \n", &"x".repeat(domain::message::LONGEST_TEXT + 1)] {
            let verdict = scene.say("main", "r-1", text).await;
            assert!(matches!(verdict, Verdict::Refused(Refusal::Text(_))), "{verdict:?}");
        }
        let slug = "main".parse().unwrap();
        world.store.suspend_tenant(&slug).await.unwrap();
        let verdict = scene.say("main", "r-1", "hi").await;
        assert!(matches!(verdict, Verdict::Refused(Refusal::Suspended(_))), "{verdict:?}");
        assert_eq!(world.store.sessions(store::SessionFilter::default()).await.unwrap(), []);
    }
}
