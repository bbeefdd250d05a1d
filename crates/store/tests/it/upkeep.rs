//! What time does to rows.

use std::time::Duration;

use domain::SessionKey;
use domain::session::SessionState;
use store::{SessionFilter, Upkeep};
use testkit::{World, both_engines};

use crate::words::{LEASE, admit, answer_all, claim, key, message, message_in, park};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn state(world: &World, conversation: &str) -> SessionState {
    world.store.session(&key("main", conversation)).await.unwrap().unwrap().state
}

fn once(name: &str) -> SessionKey {
    SessionKey::new("main".parse().unwrap(), "api", &format!("once:{name}")).unwrap()
}

both_engines! {
    async fn a_session_expires_after_an_hour_of_silence(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        answer_all(&world.store, &claim(&world.store, &admitted).await, 50).await;
        world.clock.advance(HOUR - Duration::from_millis(1));
        assert_eq!(world.store.upkeep().await.unwrap(), Upkeep::default());
        assert_eq!(state(world, "a").await, SessionState::Active);
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.store.upkeep().await.unwrap(), Upkeep { expired: 1, ..Upkeep::default() });
        assert_eq!(state(world, "a").await, SessionState::Expired);

        admit(&world.store, message("a", "r-2")).await;
        let session = world.store.session(&key("main", "a")).await.unwrap().unwrap();
        assert_eq!((session.state, session.created_at), (SessionState::Active, session.last_at));
        assert_eq!(world.store.history(&session.key, None, 10).await.unwrap().len(), 3);
    }

    async fn whoever_speaks_prolongs_the_session(world: &World) {
        world.tenant("main").await;
        for number in 0..3 {
            admit(&world.store, message("a", &format!("r-{number}"))).await;
            world.clock.advance(HOUR - Duration::from_secs(1));
            assert_eq!(world.store.upkeep().await.unwrap().expired, 0);
        }
    }

    async fn a_session_does_not_expire_under_a_running_turn(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        world.clock.advance(2 * HOUR);
        world.store.renew(vec![claimed.claim], LEASE).await.unwrap();
        assert_eq!(world.store.upkeep().await.unwrap().expired, 0);
        assert_eq!(state(world, "a").await, SessionState::Processing);
        answer_all(&world.store, &claimed, 50).await;
        assert_eq!(state(world, "a").await, SessionState::Active);
    }

    async fn an_expired_session_still_answers_what_waits_in_it(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        world.clock.advance(HOUR);
        assert_eq!(world.store.upkeep().await.unwrap().expired, 1);
        assert_eq!(world.store.ready(10).await.unwrap().len(), 1);
        answer_all(&world.store, &claim(&world.store, &admitted).await, 50).await;
    }

    async fn an_answered_message_is_recognised_for_nine_days(world: &World) {
        world.tenant("main").await;
        let admitted = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &admitted).await;
        answer_all(&world.store, &claimed, 50).await;
        world.clock.advance(8 * DAY);
        assert_eq!(world.store.upkeep().await.unwrap().forgotten, 0);
        let again = admit(&world.store, message("a", "r-1")).await;
        assert_eq!((again.duplicate, again.message), (true, admitted.message));
        world.clock.advance(DAY);
        assert_eq!(world.store.upkeep().await.unwrap().forgotten, 1);
        assert!(world.store.inbox_row(admitted.message).await.is_err());
        let lines = world.store.history(&claimed.key, None, 10).await.unwrap();
        assert_eq!(lines.len(), 2, "the words stay");
    }

    async fn what_nobody_answered_is_never_forgotten(world: &World) {
        world.tenant("main").await;
        let parked = admit(&world.store, message("a", "r-1")).await;
        let claimed = claim(&world.store, &parked).await;
        world.store.finish(claimed.claim, park()).await.unwrap();
        let waiting = admit(&world.store, message("b", "r-2")).await;
        world.clock.advance(400 * DAY);
        assert_eq!(world.store.upkeep().await.unwrap().forgotten, 0);
        for message in [parked.message, waiting.message] {
            assert!(world.store.inbox_row(message).await.is_ok());
        }
        world.store.replay(parked.message).await.unwrap();
        answer_all(&world.store, &claim(&world.store, &parked).await, 50).await;
        world.clock.advance(9 * DAY);
        assert_eq!(world.store.upkeep().await.unwrap().forgotten, 1);
    }

    async fn conversations_for_one_request_leave_no_session_behind(world: &World) {
        world.tenant("main").await;
        let done = admit(&world.store, message_in(once("1"), "r-1")).await;
        answer_all(&world.store, &claim(&world.store, &done).await, 50).await;
        let parked = admit(&world.store, message_in(once("2"), "r-2")).await;
        let claimed = claim(&world.store, &parked).await;
        world.store.finish(claimed.claim, park()).await.unwrap();
        let kept = SessionKey::new("main".parse().unwrap(), "api", "user:7").unwrap();
        let named = admit(&world.store, message_in(kept.clone(), "r-3")).await;
        answer_all(&world.store, &claim(&world.store, &named).await, 51).await;
        assert_eq!(world.store.sessions(SessionFilter::default()).await.unwrap().len(), 3);

        world.clock.advance(HOUR);
        assert_eq!(world.store.upkeep().await.unwrap().expired, 3);
        let left = world.store.sessions(SessionFilter::default()).await.unwrap();
        let mut left: Vec<_> = left.into_iter().map(|session| session.key.conversation).collect();
        left.sort();
        assert_eq!(left, ["once:2", "user:7"], "a parked message keeps its session");
        let again = admit(&world.store, message_in(once("1"), "r-1")).await;
        assert_eq!((again.duplicate, again.message), (true, done.message), "it is still recognised");
    }
}
