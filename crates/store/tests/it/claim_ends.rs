//! How turns end: what each outcome does to the messages that were claimed, and to no others.

use std::time::Duration;

use domain::session::SessionState;
use domain::{Clock as _, Coded};
use store::{Counts, Error, InboxFilter, InboxRow, InboxState, Outcome};
use testkit::{World, both_engines};

use crate::words::{
    LEASE, THEM, US, admit, answer, answer_all, claim, key, message, park, retry_at, runs, said,
    to_send,
};

async fn rows(world: &World) -> Vec<InboxRow> {
    world.store.inbox(InboxFilter::default()).await.unwrap()
}

both_engines! {
    async fn what_arrives_during_a_turn_is_not_touched_by_its_end(world: &World) {
        world.tenant("main").await;
        let now = world.clock.now();
        let ends = [Outcome::Done { answer: None }, retry_at(now), park(), Outcome::Release];
        for (number, outcome) in ends.into_iter().enumerate() {
            let conversation = format!("c-{number}");
            let (first, second) = (format!("{number}-1"), format!("{number}-2"));
            let admitted = admit(&world.store, message(&conversation, &first)).await;
            let claimed = claim(&world.store, &admitted).await;
            let late = admit(&world.store, message(&conversation, &second)).await;
            world.store.finish(claimed.claim, outcome).await.unwrap();
            let late = world.store.inbox_row(late.message).await.unwrap();
            assert_eq!((late.state, late.attempts, late.error), (InboxState::Waiting, 0, None));
        }
    }

    async fn an_answer_waits_in_the_outbox_until_it_is_sent(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        assert_eq!(world.store.outbox(10).await.unwrap(), []);
        answer_all(&world.store, &claimed, 50).await;
        let waiting = world.store.outbox(10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0].session, key("main", "a"));
        assert_eq!(waiting[0].answer, to_send(&answer(50, &claimed.messages[0], "an answer")));
        let found = world.reopened().await.outbox(10).await.unwrap();
        assert_eq!(found, waiting, "a restart finds it");
        world.store.sent(waiting[0].answer.id).await.unwrap();
        assert_eq!(world.store.outbox(10).await.unwrap(), []);
        let row = world.store.inbox_row(admitted.message).await.unwrap();
        assert_eq!((row.state, row.text.as_str()), (InboxState::Done, ""), "the transcript has it");
    }

    async fn an_answer_that_was_told_needs_no_row(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        let second = admit(&world.store, message("a", "r-2")).await;
        let claimed = claim(&world.store, &first).await;
        assert_eq!(runs(&claimed.messages), ["r-1", "r-2"]);
        let (key, epoch) = (&claimed.key, claimed.epoch);
        let said = claimed.messages.iter().map(said).collect();
        let line = answer(50, &claimed.messages[0], "to both");
        world.store.record(key, epoch, said, Some(line.clone())).await.unwrap();
        let told = Outcome::Told { answer: to_send(&line) };
        assert_eq!(world.store.finish(claimed.claim, told).await.unwrap(), None);
        assert_eq!(world.store.outbox(10).await.unwrap(), []);
        for message in [first.message, second.message] {
            let row = world.store.inbox_row(message).await.unwrap();
            assert_eq!(row.state, InboxState::Done);
            let found = world.store.answer_to(&key.tenant, message).await.unwrap();
            assert_eq!(found.unwrap().text, "to both", "whoever asks again is given it");
        }
    }

    async fn a_null_character_takes_no_answer_down(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        let line = answer(50, &claimed.messages[0], "an\0swer");
        let sent = to_send(&line);
        world.store.record(&claimed.key, claimed.epoch, Vec::new(), Some(line)).await.unwrap();
        let done = Outcome::Done { answer: Some(sent) };
        world.store.finish(claimed.claim, done).await.unwrap();
        assert_eq!(world.store.outbox(10).await.unwrap()[0].answer.text, "an\u{FFFD}swer");
        let told = world.store.answer_to(&claimed.key.tenant, admitted.message).await.unwrap();
        assert_eq!(told.unwrap().text, "an\u{FFFD}swer");

        let failed = admit(&world.store, message("a", "r-2")).await;
        let claimed = claim(&world.store, &failed).await;
        let text = "the provider said \0".to_owned();
        let park = Outcome::Park { code: "model-odd".to_owned(), text };
        world.store.finish(claimed.claim, park).await.unwrap();
        let error = world.store.inbox_row(failed.message).await.unwrap().error.unwrap();
        assert_eq!(error.1, "the provider said \u{FFFD}");
    }

    async fn every_failed_attempt_counts_and_is_explained(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        for attempt in 1..=4 {
            let claimed = claim(&world.store, &admitted).await;
            assert_eq!(claimed.messages[0].attempts, attempt - 1);
            world.store.finish(claimed.claim, retry_at(world.clock.now())).await.unwrap();
            let row = world.store.inbox_row(admitted.message).await.unwrap();
            let error = Some(("model-busy".to_owned(), "busy".to_owned()));
            assert_eq!((row.attempts, row.state, row.error), (attempt, InboxState::Waiting, error));
        }
        let claimed = claim(&world.store, &admitted).await;
        world.store.finish(claimed.claim, park()).await.unwrap();
        let row = world.store.inbox_row(admitted.message).await.unwrap();
        assert_eq!((row.attempts, row.state), (5, InboxState::Parked));
        assert_eq!(row.text, "words of r-1", "a parked message keeps its words");
        assert_eq!(world.store.counts(None).await.unwrap(), Counts { waiting: 0, running: 0, parked: 1 });
    }

    async fn what_is_not_the_messages_fault_is_no_attempt(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        admit(&world.store, message("a", "r-2")).await;
        for _ in 0..10 {
            let claimed = claim(&world.store, &first).await;
            assert_eq!(runs(&claimed.messages), ["r-1", "r-2"], "nothing is tried alone for it");
            let due_at = world.clock.now().after(Duration::from_secs(2));
            let (code, text) = ("store-unavailable".to_owned(), "away".to_owned());
            let postponed = Outcome::Postpone { due_at, code: code.clone(), text: text.clone() };
            let due = world.store.finish(claimed.claim, postponed).await.unwrap();
            assert_eq!(due, Some(due_at));
            let row = world.store.inbox_row(first.message).await.unwrap();
            assert_eq!((row.attempts, row.error), (0, Some((code, text))));
            assert!(world.store.claim(first.session, US, LEASE, None).await.unwrap().is_none());
            world.clock.advance(Duration::from_secs(2));
        }
    }

    async fn a_turn_that_was_given_back_is_no_attempt(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        for _ in 0..10 {
            let claimed = claim(&world.store, &admitted).await;
            assert_eq!((claimed.messages[0].attempts, runs(&claimed.messages)), (0, vec!["r-1"]));
            let due = world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
            assert_eq!(due, Some(admitted.received_at));
        }
    }

    async fn a_session_is_processing_exactly_while_a_turn_runs(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let state = async || world.store.session(&key("main", "a")).await.unwrap().unwrap().state;
        assert_eq!(state().await, SessionState::Active);
        let claimed = claim(&world.store, &admitted).await;
        assert_eq!(state().await, SessionState::Processing);
        admit(&world.store, message("a", "r-2")).await;
        assert_eq!(state().await, SessionState::Processing);
        world.store.finish(claimed.claim, Outcome::Release).await.unwrap();
        assert_eq!(state().await, SessionState::Active);
    }

    async fn a_vanished_turns_messages_are_taken_up_with_those_that_wait(world: &World) {
        world.tenant("main").await;
        let first = admit(&world.store, message("a", "r-1")).await;
        claim(&world.store, &first).await;
        admit(&world.store, message("a", "r-2")).await;
        world.clock.advance(LEASE);
        let taken = world.store.claim(first.session, THEM, LEASE, None).await.unwrap().unwrap();
        assert_eq!(runs(&taken.messages), ["r-1"], "what was tried before is tried alone");
        assert_eq!(rows(world).await[1].state, InboxState::Waiting);
        world.store.finish(taken.claim, Outcome::Done { answer: None }).await.unwrap();
        let next = world.store.claim(first.session, US, LEASE, None).await.unwrap().unwrap();
        assert_eq!(runs(&next.messages), ["r-2"]);
    }

    async fn an_ended_claim_has_a_stable_code(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        world.clock.advance(Duration::from_secs(60));
        let done = Outcome::Done { answer: None };
        world.store.finish(claimed.claim, done.clone()).await.unwrap();
        let error = world.store.finish(claimed.claim, done).await.unwrap_err();
        assert!(matches!(error, Error::Fenced));
        assert_eq!((error.code(), error.is_passing()), ("session-fenced", false));
    }
}
