//! Transcripts: written once, read in pages, joined with what waits, never mixed.

use domain::MessageId;
use store::{Line, LineOutcome, Store};
use testkit::both_engines;
use uuid::Uuid;

use crate::words::{
    admit, answer, answer_all, claim, key, message, message_in, park, said, to_send,
};

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// Says something and has it answered.
async fn exchange(store: &Store, conversation: &str, run: &str, id: u128) {
    let admitted = admit(store, message(conversation, run)).await;
    answer_all(store, &claim(store, &admitted).await, id).await;
}

both_engines! {
    async fn a_turn_is_written_once(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        let (words, first) = (said(&claimed.messages[0]), answer(50, &claimed.messages[0], "first"));
        let second = answer(51, &claimed.messages[0], "second");
        let record = async |answer| {
            let said = vec![words.clone()];
            world.store.record(&claimed.key, claimed.epoch, said, Some(answer)).await.unwrap().unwrap()
        };
        let new = record(first.clone()).await;
        assert_eq!((new.answer.text.as_str(), new.earlier), ("first", None));
        let again = record(first.clone()).await;
        assert_eq!((again.answer.id, again.earlier.unwrap().len()), (first.id, 1));
        let there = record(second).await.answer;
        assert_eq!((there.id, there.text.as_str()), (first.id, "first"), "one answer to a message");
        let lines = world.store.transcript(&claimed.key, claimed.epoch, 10).await.unwrap();
        assert_eq!(texts(&lines), ["words of r-1", "first"]);
        assert_eq!((lines[1].model.as_deref(), lines[1].usage), (first.model.as_deref(), first.usage));
        let tenant = &claimed.key.tenant;
        let found = world.store.answer_to(tenant, admitted.message).await.unwrap();
        assert_eq!(found.as_ref(), Some(&lines[1]));
        let none = MessageId(Uuid::from_u128(404));
        assert_eq!(world.store.answer_to(tenant, none).await.unwrap(), None);
    }

    async fn a_reset_conversation_begins_anew(world: &World) {
        world.tenant("main").await;
        exchange(&world.store, "a", "r-1", 50).await;
        exchange(&world.store, "b", "x-1", 51).await;
        let (a, b) = (key("main", "a"), key("main", "b"));
        world.store.reset_session(&a).await.unwrap();
        assert_eq!(world.store.history(&a, None, 10).await.unwrap(), []);
        assert_eq!(world.store.history(&b, None, 10).await.unwrap().len(), 2);
        exchange(&world.store, "a", "r-2", 52).await;
        let lines = world.store.history(&a, None, 10).await.unwrap();
        assert_eq!(texts(&lines), ["words of r-2", "an answer"]);
        let epoch = world.store.session(&a).await.unwrap().unwrap().epoch;
        assert_eq!(world.store.transcript(&a, epoch, 10).await.unwrap(), lines);
        let before = world.store.transcript(&a, epoch - 1, 10).await.unwrap();
        assert_eq!(texts(&before), ["words of r-1", "an answer"], "nothing is forgotten");
        assert!(world.store.reset_session(&key("main", "c")).await.is_err());
    }

    async fn history_is_read_in_pages_from_the_end(world: &World) {
        world.tenant("main").await;
        for number in 0..5_u128 {
            exchange(&world.store, "a", &format!("r-{number}"), 50 + number).await;
            exchange(&world.store, "b", &format!("x-{number}"), 80 + number).await;
        }
        let a = key("main", "a");
        let whole = world.store.history(&a, None, 100).await.unwrap();
        assert_eq!(whole.len(), 10);
        let (mut before, mut pages) = (None, Vec::new());
        loop {
            let page = world.store.history(&a, before, 3).await.unwrap();
            let Some(first) = page.first() else { break };
            before = first.seq;
            pages.push(page);
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1]);
        let together: Vec<Line> = pages.into_iter().rev().flatten().collect();
        assert_eq!(together, whole);
    }

    async fn what_waits_runs_or_is_parked_stands_at_the_end(world: &World) {
        world.tenant("main").await;
        exchange(&world.store, "a", "r-1", 50).await;
        let parked = admit(&world.store, message("a", "r-2")).await;
        let claimed = claim(&world.store, &parked).await;
        world.store.finish(claimed.claim, park()).await.unwrap();
        let running = admit(&world.store, message("a", "r-3")).await;
        claim(&world.store, &running).await;
        let dropped = admit(&world.store, message("a", "r-4")).await;
        world.store.drop_message(dropped.message).await.unwrap();
        admit(&world.store, message("a", "r-5")).await;

        let lines = world.store.history(&key("main", "a"), None, 10).await.unwrap();
        let told: Vec<_> = lines.iter().map(|l| (l.run.0.as_str(), l.outcome)).collect();
        assert_eq!(told, [
            ("r-1", LineOutcome::Done),
            ("r-1", LineOutcome::Done),
            ("r-2", LineOutcome::Parked),
            ("r-3", LineOutcome::Running),
            ("r-5", LineOutcome::Waiting),
        ]);
        assert_eq!(lines[2].error.as_ref().unwrap().0, "model-gone");
        assert!(lines[2..].iter().all(|line| line.seq.is_none()));
        let earlier = world.store.history(&key("main", "a"), Some(i64::MAX), 10).await.unwrap();
        assert_eq!(earlier, lines[..2], "a page of the past holds nothing that waits");
        assert_eq!(world.store.history(&key("main", "nowhere"), None, 10).await.unwrap(), []);
    }

    async fn a_message_on_its_way_into_the_transcript_is_told_once(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let a = key("main", "a");
        assert_eq!(texts(&world.store.history(&a, None, 10).await.unwrap()), ["words of r-1"]);
        let claimed = claim(&world.store, &admitted).await;
        let line = answer(50, &claimed.messages[0], "an answer");
        let words = vec![said(&claimed.messages[0])];
        world.store.record(&a, claimed.epoch, words, Some(line.clone())).await.unwrap();
        let lines = world.store.history(&a, None, 10).await.unwrap();
        assert_eq!(texts(&lines), ["words of r-1", "an answer"], "in both, told once");
        let done = store::Outcome::Done { answer: Some(to_send(&line)) };
        world.store.finish(claimed.claim, done).await.unwrap();
        assert_eq!(world.store.history(&a, None, 10).await.unwrap(), lines);
    }

    async fn no_line_is_missing_at_any_moment(world: &World) {
        world.tenant("main").await;
        let a = key("main", "a");
        let acknowledged = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (count, writer) = (acknowledged.clone(), world.store.clone());
        let writing = tokio::spawn(async move {
            for number in 0..150_u128 {
                let admitted = admit(&writer, message("a", &format!("r-{number}"))).await;
                count.store(number as usize + 1, std::sync::atomic::Ordering::SeqCst);
                answer_all(&writer, &claim(&writer, &admitted).await, 50 + number).await;
            }
        });
        while !writing.is_finished() {
            let least = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            let lines = world.store.history(&a, None, 1_000).await.unwrap();
            let mut runs: Vec<&str> = lines.iter()
                .filter(|line| line.role == domain::Role::User)
                .map(|line| line.run.0.as_str()).collect();
            assert!(runs.len() >= least, "{least} were acknowledged, {} are told", runs.len());
            runs.dedup();
            let mut once = runs.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(runs.len(), once.len(), "none is told twice");
        }
        writing.await.unwrap();
    }

    async fn two_tenants_never_see_each_others_words(world: &World) {
        world.tenant("main").await;
        world.tenant("acme").await;
        let mut claims = Vec::new();
        for tenant in ["main", "acme"] {
            let admitted = admit(&world.store, message_in(key(tenant, "a"), "r-1")).await;
            claims.push(claim(&world.store, &admitted).await);
        }
        for claimed in &claims {
            // The same id on purpose: not even a clash of ids joins two tenants.
            let words = format!("for {} alone", claimed.key.tenant);
            let line = answer(50, &claimed.messages[0], &words);
            let said = vec![said(&claimed.messages[0])];
            world.store.record(&claimed.key, 0, said, Some(line)).await.unwrap();
            world.store.finish(claimed.claim, store::Outcome::Done { answer: None }).await.unwrap();
        }
        for (tenant, other) in [("main", &claims[1]), ("acme", &claims[0])] {
            let lines = world.store.history(&key(tenant, "a"), None, 10).await.unwrap();
            assert_eq!(texts(&lines), ["words of r-1", format!("for {tenant} alone").as_str()]);
            let slug = tenant.parse().unwrap();
            let foreign = world.store.answer_to(&slug, other.messages[0].id).await.unwrap();
            assert_eq!(foreign, None);
        }
    }
}
