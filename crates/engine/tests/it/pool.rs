//! The workers: never more than there may be, figures that are true, and none that hangs for ever.

use std::collections::BTreeSet;

use domain::concurrency::ConcurrencyMetrics;
use domain::worker::{RecycleReason, WorkerState};
use domain::{EventBody, Occurrence, Pool, Turns};
use futures::future::join_all;
use testkit::both_engines;

use crate::scene::{Scene, key};

/// Speaks in so many conversations at once; all must be taken.
async fn tell_all(scene: &Scene, conversations: std::ops::Range<usize>) {
    let tell = |number: usize| async move {
        scene.tell(&number.to_string(), &format!("r-{number}"), &format!("words {number}")).await
    };
    join_all(conversations.map(tell)).await;
}

/// Stops the turns of so many conversations. They end as answered.
fn stop(scene: &Scene, conversations: usize) {
    let sessions = scene.engine.workers().into_iter().filter_map(|worker| worker.session);
    let mut stopped = 0;
    for session in sessions {
        if stopped < conversations {
            stopped += scene.engine.abort(&session, None).len();
        }
    }
    assert_eq!(stopped, conversations);
}

both_engines! {
    async fn forty_at_once_never_run_on_more_than_four_workers(world: &World) {
        let mut scene = Scene::tuned(world, "hang", |config| {
            config.concurrency.max_workers = Some(4);
            config.concurrency.max_queue_size = 128;
        })
        .await;
        tell_all(&scene, 0..40).await;
        scene.asked(4).await;
        let ConcurrencyMetrics {
            active_workers, idle_workers, queue_depth, total_processed, throughput_per_minute,
            backpressure_level, saturation, stuck_workers, ..
        } = scene.engine.metrics();
        assert_eq!((active_workers, idle_workers, queue_depth, stuck_workers), (4, 0, 36, 0));
        assert_eq!((total_processed, throughput_per_minute), (0, 0), "nothing has ended yet");
        assert!((backpressure_level - (0.7 * 36.0 / 128.0 + 0.3)).abs() < 1e-9);
        assert!((saturation - 36.0 / 74.0).abs() < 1e-9, "refusing begins at 74: {saturation}");

        scene.tune(Some("echo"), |_| {});
        stop(&scene, 4);
        scene.answered(40).await;
        assert_eq!(scene.simulator.journal().counts().most_running, 4);
        scene.stop().await;
        let metrics = scene.engine.metrics();
        assert_eq!((metrics.total_processed, metrics.total_errors), (40, 0));
        assert_eq!((metrics.queue_depth, metrics.throughput_per_minute), (0, 40));
        assert!(metrics.avg_latency_ms <= metrics.p99_latency_ms);
        assert_eq!(metrics.active_workers, 0);
        assert!(metrics.backpressure_level.abs() < 1e-9, "{metrics:?}");
    }

    async fn two_messages_of_one_session_are_both_answered_in_order(world: &World) {
        let mut scene = Scene::tuned(world, "echo+first=50ms", |_| {}).await;
        scene.tell("main", "r-1", "one").await;
        scene.until(|body| matches!(body, EventBody::Started { .. }).then_some(())).await;
        scene.tell("main", "r-2", "two").await;
        assert_eq!(scene.answer("r-1").await, "You said: one");
        assert_eq!(scene.answer("r-2").await, "You said: two");
        assert_eq!(scene.words("main").await, ["one", "You said: one", "two", "You said: two"]);
        assert_eq!(scene.simulator.journal().counts().most_running, 1);
    }

    async fn a_model_that_falls_silent_is_left_and_the_message_is_tried_again(world: &World) {
        let mut scene = Scene::tuned(world, "echo+hang-after=2", |config| {
            config.concurrency.heartbeat_interval_ms = 20;
            config.concurrency.stuck_threshold_ms = 2_000;
        })
        .await;
        scene.tell("main", "r-1", "are you still there").await;
        scene.until(|body| matches!(body, EventBody::Delta { .. }).then_some(())).await;
        let before = scene.engine.workers();
        assert_eq!(before.iter().filter(|worker| worker.state == WorkerState::Busy).count(), 1);
        scene.tune(Some("echo"), |_| {});
        let failed = scene.until(|body| match body {
            EventBody::Failed { failure, retry_at, .. } => Some((failure.code, retry_at.is_some())),
            _ => None,
        });
        assert_eq!(failed.await, ("worker-stuck", true));
        assert_eq!(scene.answer("r-1").await, "You said: are you still there");

        let mut told = Vec::new();
        let mut silent_ms = 0;
        scene
            .until_told(|what| {
                told.push(match what {
                    Occurrence::RequestQueued { .. } => "queued".to_owned(),
                    Occurrence::RequestStarted { worker_id, .. } => format!("started on {worker_id}"),
                    Occurrence::WorkerStuck { worker_id, heartbeat_age_ms, .. } => {
                        silent_ms = *heartbeat_age_ms;
                        format!("{worker_id} is stuck")
                    }
                    Occurrence::RequestCompleted { worker_id, success, .. } => {
                        format!("{worker_id} completed: {success}")
                    }
                    _ => return None,
                });
                told.last().is_some_and(|last| last.ends_with("true")).then_some(())
            })
            .await;
        let wanted = [
            "queued", "started on worker-0", "worker-0 is stuck", "worker-0 completed: false",
            "started on worker-1", "worker-1 completed: true",
        ];
        assert_eq!(told, wanted);
        assert!((2_000..10_000).contains(&silent_ms), "{silent_ms}");
        let counts = scene.simulator.journal().counts();
        assert_eq!((counts.running, counts.cut_by_client, counts.requests), (0, 1, 2));
        assert!(counts.open_connections <= 1, "the silent one was closed: {counts:?}");
        assert_eq!(scene.engine.metrics().stuck_workers, 0);
        assert!(scene.engine.workers().iter().all(|worker| worker.id != "worker-0"));
    }

    async fn a_turn_that_takes_too_long_is_ended_though_it_goes_on_talking(world: &World) {
        let mut scene = Scene::tuned(world, "story+words=5000+pace=10ms", |config| {
            config.concurrency.worker_timeout_ms = Some(1_500);
        })
        .await;
        scene.tell("main", "r-1", "a story").await;
        scene.until(|body| matches!(body, EventBody::Delta { .. }).then_some(())).await;
        scene.tune(Some("echo"), |config| config.concurrency.worker_timeout_ms = None);
        let failed = scene.until(|body| match body {
            EventBody::Failed { failure, .. } => Some((failure.code, failure.text.clone())),
            _ => None,
        });
        let (code, text) = failed.await;
        assert_eq!(code, "turn-deadline");
        assert!(text.contains("longer than"), "{text}");
        let late = scene.until_told(|what| match what {
            Occurrence::RequestTimedOut { timeout_ms, .. } => Some(*timeout_ms),
            _ => None,
        });
        assert_eq!(late.await, 1_500);
        assert_eq!(scene.answer("r-1").await, "You said: a story");
        assert!(scene.simulator.journal().counts().cut_by_client > 0);
    }

    async fn a_worker_is_replaced_after_as_many_turns_as_it_may_run(world: &World) {
        let mut scene = Scene::tuned(world, "echo", |config| {
            config.concurrency.max_workers = Some(1);
            config.concurrency.max_requests_per_worker = 3;
        })
        .await;
        for number in 0..7 {
            scene.tell("main", &format!("r-{number}"), "words").await;
            scene.answered(1).await;
        }
        let workers = scene.engine.workers();
        assert_eq!(workers.len(), 1);
        assert_eq!((workers[0].id.as_str(), workers[0].request_count), ("worker-2", 1));
        assert!(scene.engine.recycle("worker-2"));
        let reason = scene.until_told(|what| match what {
            Occurrence::WorkerRecycled { worker_id, reason, .. } if worker_id == "worker-2" => Some(*reason),
            _ => None,
        });
        assert_eq!(reason.await, RecycleReason::Manual);
        scene.tell("main", "r-7", "words").await;
        scene.answered(1).await;
    }

    async fn the_size_changes_while_turns_run(world: &World) {
        let scene = Scene::tuned(world, "hang", |config| {
            config.concurrency.max_workers = Some(4);
            config.concurrency.max_queue_size = 128;
        })
        .await;
        tell_all(&scene, 0..16).await;
        scene.asked(4).await;
        scene.tune(None, |config| config.concurrency.max_workers = Some(2));
        // Nobody is cut off: two end by themselves, and only after them others begin.
        stop(&scene, 2);
        scene.asked(2).await;
        assert_eq!(scene.simulator.journal().counts().requests, 4);
        stop(&scene, 1);
        let next = |requests| scene.simulator.journal().wait_for(move |journal| {
            let counts = journal.counts();
            counts.requests == requests && counts.running == 2
        });
        next(5).await;
        assert_eq!(scene.engine.metrics().active_workers, 2);
        scene.tune(None, |config| config.concurrency.max_workers = Some(8));
        scene.asked(8).await;
        assert_eq!((scene.engine.metrics().active_workers, scene.engine.metrics().queue_depth), (8, 5));
        let sessions: BTreeSet<_> =
            scene.engine.workers().into_iter().filter_map(|worker| worker.session).collect();
        assert_eq!(sessions.len(), 8, "each has a session of its own");
        assert!(sessions.iter().all(|session| session.tenant == key("main").tenant));
    }
}
