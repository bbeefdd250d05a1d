//! More than the pool can bear: refused with every number before anything is stored, and soon over.

use std::time::Duration;

use config::settings::concurrency::PerTenant;
use domain::tenant::Tier;
use domain::{Coded, Kind, Occurrence, Pool, Refusal, SessionKey, TenantSlug, Turns, Verdict};
use futures::future::join_all;
use store::{InboxFilter, SessionFilter};
use testkit::both_engines;

use crate::scene::Scene;

fn refusal(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        Verdict::Admitted { .. } => panic!("it was taken"),
    }
}

const FLOOD: usize = 30;

both_engines! {
    async fn refusing_begins_at_nineteen_of_thirty_two_and_ends_by_itself(world: &World) {
        let mut scene =
            Scene::tuned(world, "hang", |config| config.concurrency.max_workers = Some(4)).await;
        for number in 0..4 {
            scene.tell(&number.to_string(), &format!("r-{number}"), "words").await;
        }
        scene.asked(4).await;
        for number in 4..23 {
            scene.tell(&number.to_string(), &format!("r-{number}"), "words").await;
        }
        let refused = refusal(scene.say("23", "r-23", "one too many").await);
        let Refusal::Backpressure { pressure, level, threshold, retry_after } = &refused else {
            panic!("{refused}")
        };
        assert_eq!((pressure.depth, pressure.most_waiting), (19, 32));
        assert_eq!((pressure.busy, pressure.most_workers), (4, 4));
        assert_eq!((*level, *threshold), (72, 70));
        assert!((1..=60).contains(&retry_after.as_secs()), "{retry_after:?}");
        let text = refused.to_string();
        for number in ["72 %", "70 %", "19 of 32", "4 of 4", "maxWorkers", "maxQueueSize"] {
            assert!(text.contains(number), "{number} is not in: {text}");
        }
        scene.tell("7", "r-24", "whoever waits already may say more").await;
        for number in 25..30 {
            refusal(scene.say(&number.to_string(), &format!("r-{number}"), "again").await);
        }
        let stored = world.store.inbox(InboxFilter::default()).await.unwrap();
        assert_eq!(stored.len(), 24, "what was refused is nowhere");
        assert_eq!(world.store.sessions(SessionFilter::default()).await.unwrap().len(), 23);

        scene.tune(Some("echo"), |_| {});
        for worker in scene.engine.workers() {
            scene.engine.abort(&worker.session.unwrap(), None);
        }
        let (mut activated, mut answered) = (Vec::new(), 0);
        scene.until_told(|what| {
            match what {
                Occurrence::BackpressureActivated { queue_depth, active_workers, .. } => {
                    activated.push((*queue_depth, *active_workers));
                }
                Occurrence::RequestCompleted { success: true, .. } => answered += 1,
                _ => {}
            }
            (answered == 23).then_some(())
        })
        .await;
        assert_eq!(activated, [(19, 4)], "it is told once, not for each that is refused");
        assert_eq!(scene.engine.metrics().queue_depth, 0);
        scene.tell("23", "r-23", "one too many").await;
        scene.answered(1).await;
        scene.stop().await;
        assert_eq!(world.store.inbox(InboxFilter::default()).await.unwrap(), []);
    }

    async fn ten_times_the_load_is_refused_and_not_kept_in_memory(world: &World) {
        const ROUNDS: usize = 50;
        const TIMES: usize = 10;
        let mut scene = Scene::tuned(world, "echo+first=20ms", |config| {
            config.concurrency.max_workers = Some(2);
            config.concurrency.max_queue_size = 16;
        })
        .await;
        let (mut taken, mut refused) = (Vec::new(), 0);
        for round in 0..ROUNDS {
            let names: Vec<String> = (0..TIMES).map(|caller| format!("{round}-{caller}")).collect();
            let scene_ref = &scene;
            let say = |name: String| async move {
                (scene_ref.say(&name, &format!("r-{name}"), "words").await, name)
            };
            for (verdict, name) in join_all(names.into_iter().map(say)).await {
                if matches!(verdict, Verdict::Admitted { .. }) {
                    taken.push(name);
                    continue;
                }
                refused += 1;
                let refusal = refusal(verdict);
                let Kind::Overloaded { retry_after } = refusal.kind() else { panic!("{refusal}") };
                assert!(retry_after >= Duration::from_secs(1), "{refusal}");
            }
            let metrics = scene.engine.metrics();
            assert!(metrics.active_workers <= 2 && metrics.queue_depth <= 16, "{metrics:?}");
            assert!(scene.engine.workers().len() <= 2);
            // Ten more come whenever one was answered.
            scene.answered(1).await;
        }
        assert!(refused > TIMES * ROUNDS * 8 / 10, "{refused} of {}", TIMES * ROUNDS);
        scene.answered(taken.len() - ROUNDS).await;
        scene.stop().await;
        for name in &taken {
            assert_eq!(scene.words(name).await, ["words", "You said: words"]);
        }
        assert_eq!(world.store.inbox(InboxFilter::default()).await.unwrap(), []);
        let sessions = SessionFilter { limit: 1_000, ..SessionFilter::default() };
        assert_eq!(world.store.sessions(sessions).await.unwrap().len(), taken.len());
        assert!(scene.simulator.journal().counts().most_running <= 2);
    }

    async fn a_flood_does_not_come_between_others_and_their_turns(world: &World) {
        let mut scene = Scene::tuned(world, "hang", |config| {
            config.concurrency.max_workers = Some(1);
            config.concurrency.max_queue_size = 1_000;
            config.concurrency.per_tenant =
                PerTenant { running: 1_000, waiting: 1_000, per_minute: 1_000 };
        })
        .await;
        let [flood, small] = ["flood", "small"].map(|slug| slug.parse::<TenantSlug>().unwrap());
        for tenant in [&flood, &small] {
            world.store.create_tenant(tenant, Tier::Free).await.unwrap();
        }
        let key = |tenant: &TenantSlug, name: &str| SessionKey::new(tenant.clone(), "web", name);
        for number in 0..FLOOD {
            let session = key(&flood, &number.to_string()).unwrap();
            let verdict = scene.say_in(session, &format!("r-{number}"), "words").await;
            assert!(matches!(verdict, Verdict::Admitted { .. }), "{verdict:?}");
        }
        scene.asked(1).await;
        let session = key(&small, "anna").unwrap();
        let verdict = scene.say_in(session.clone(), "r-small", "hello").await;
        assert!(matches!(verdict, Verdict::Admitted { .. }), "{verdict:?}");
        scene.tune(Some("echo"), |_| {});
        let running = scene.engine.workers().into_iter().find_map(|worker| worker.session).unwrap();
        assert_eq!(running.tenant, flood);
        assert_eq!(scene.engine.abort(&running, None).len(), 1);
        let mut before = 0;
        scene
            .until_told(|what| match what {
                Occurrence::RequestStarted { session_id, .. } if *session_id == session => Some(()),
                Occurrence::RequestStarted { .. } => {
                    before += 1;
                    None
                }
                _ => None,
            })
            .await;
        // One ran already; the others are those that the flood may run before it is somebody else's turn.
        assert!(before <= 1 + 5, "{before} of the flood's turns came first");
        scene.answered(1).await;
    }
}
