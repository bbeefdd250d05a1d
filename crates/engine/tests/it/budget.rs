//! What a turn may spend: held before a model is asked, settled with what it used, never more.

use domain::budget::{Limit, Period, Subject, Unit};
use domain::{Coded as _, EventBody, Turns as _, Verdict};
use store::{NewLimit, Reservation};
use testkit::both_engines;
use uuid::Uuid;

use crate::scene::{Scene, key};

/// What the tenant has used and holds of its tokens.
async fn tokens(scene: &Scene) -> (u64, u64) {
    let rows = scene.store.budgets(&"main".parse().unwrap()).await.unwrap();
    let own = rows.iter().find(|row| row.subject == Subject::Tenant && row.unit == Unit::Tokens);
    own.map_or((0, 0), |row| (row.balance.used, row.balance.reserved))
}

/// Returns when everything that was settled is booked.
async fn booked(scene: &Scene) {
    scene.store.release(Reservation(Uuid::nil())).await.unwrap();
}

async fn limit(scene: &Scene, most: u64) {
    let limit = Some(Limit::Max(most));
    let limits = vec![NewLimit { unit: Unit::Tokens, period: Period::Rolling, limit }];
    scene.store.set_budget(&"main".parse().unwrap(), &Subject::Tenant, limits).await.unwrap();
}

/// What became of the run: nothing when it was answered, else the code.
async fn end_of(scene: &mut Scene, wanted: &str) -> Option<&'static str> {
    let wanted = wanted.to_owned();
    scene
        .until(move |body| match body {
            EventBody::Replied { run, .. } if run.0 == wanted => Some(None),
            EventBody::Failed { run, failure, retry_at: None, .. } if run.0 == wanted => {
                Some(Some(failure.code))
            }
            _ => None,
        })
        .await
}

both_engines! {
    async fn what_was_used_is_settled_and_nothing_stays_held(world: &World) {
        let mut scene = Scene::new(world, "story+words=20").await;
        scene.tell("a", "r-1", "hello").await;
        assert_eq!(end_of(&mut scene, "r-1").await, None);
        booked(&scene).await;
        let (used, held) = tokens(&scene).await;
        assert!((20..1_000).contains(&used), "{used}");
        assert_eq!(held, 0);
    }

    async fn at_the_end_of_a_budget_nobody_is_asked(world: &World) {
        let mut scene = Scene::new(world, "story+words=20").await;
        scene.tell("a", "r-1", "hello").await;
        assert_eq!(end_of(&mut scene, "r-1").await, None);
        booked(&scene).await;
        let (used, _) = tokens(&scene).await;
        limit(&scene, used + 1).await;
        scene.tell("a", "r-2", "hello again").await;
        assert_eq!(end_of(&mut scene, "r-2").await, Some("token-budget-exceeded"));
        match scene.say("a", "r-3", "and again").await {
            Verdict::Refused(refusal) => assert_eq!(refusal.code(), "token-budget-exceeded"),
            admitted => panic!("{admitted:?}: it could only be parked"),
        }
        limit(&scene, used + 100_000).await;
        // The door hears of it from whoever changed it, in a moment.
        while !matches!(scene.say("a", "r-4", "and now").await, Verdict::Admitted { .. }) {
            tokio::task::yield_now().await;
        }
        assert_eq!(end_of(&mut scene, "r-4").await, None);
    }

    async fn what_a_person_stopped_is_paid_for_as_far_as_it_came(world: &World) {
        let mut scene = Scene::new(world, "story+words=400+pace=20ms").await;
        scene.tell("a", "r-1", "hello").await;
        scene.until(|body| matches!(body, EventBody::Delta { .. }).then_some(())).await;
        assert_eq!(scene.engine.abort(&key("a"), None).len(), 1);
        scene.until(|body| matches!(body, EventBody::Aborted { .. }).then_some(())).await;
        booked(&scene).await;
        let (used, held) = tokens(&scene).await;
        assert!(used > 0 && used < 1_000, "{used}");
        assert_eq!(held, 0);
    }
}
