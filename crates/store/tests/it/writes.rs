//! Many writers at once: every write settles, alone, and the files stay whole.

use domain::Coded;
use domain::TenantId;
use futures::future::join_all;
use sqlx::{Connection as _, SqliteConnection};
use store::{InboxFilter, Location, NewDevice, Store};
use testkit::{Engine, World, both_engines};
use uuid::Uuid;

use crate::words::{admit, answer_all, claim, key, message, message_in};

/// A write that a constraint refuses.
async fn refused(store: Store) -> &'static str {
    let nobody = Some(TenantId(Uuid::from_u128(404)));
    let device = NewDevice { label: "x".to_owned(), scopes: Vec::new(), tenant: nobody };
    store.create_device(device).await.unwrap_err().code()
}

async fn whole(file: &std::path::Path) -> String {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap()
}

both_engines! {
    async fn five_hundred_writes_at_once_all_settle(world: &World) {
        world.tenant("main").await;
        let writes = (0..500).map(|number| {
            let store = world.store.clone();
            let session = key("main", &format!("c-{}", number % 25));
            tokio::spawn(async move { admit(&store, message_in(session, &format!("r-{number}"))).await })
        });
        let admitted = join_all(writes).await;
        assert!(admitted.into_iter().all(|admitted| !admitted.unwrap().duplicate));
        let filter = InboxFilter { limit: 1_000, ..InboxFilter::default() };
        assert_eq!(world.store.inbox(filter).await.unwrap().len(), 500);
        assert_eq!(world.store.counts(None).await.unwrap().waiting, 500);
    }

    async fn a_write_that_fails_takes_no_other_along(world: &World) {
        world.tenant("main").await;
        let good = (0..200).map(|number| {
            let store = world.store.clone();
            tokio::spawn(async move { admit(&store, message("a", &format!("r-{number}"))).await })
        });
        let bad = (0..50).map(|_| tokio::spawn(refused(world.store.clone())));
        let (good, bad) = tokio::join!(join_all(good), join_all(bad));
        assert!(good.into_iter().all(|admitted| !admitted.unwrap().duplicate));
        assert!(bad.into_iter().all(|code| code.unwrap() == "store-statement"));
        assert_eq!(world.store.counts(None).await.unwrap().waiting, 200);
        assert_eq!(world.store.devices().await.unwrap(), []);
    }

    async fn a_write_whose_caller_has_gone_is_whole_or_absent(world: &World) {
        world.tenant("main").await;
        for number in 0..100 {
            let (store, run) = (world.store.clone(), format!("r-{number}"));
            let writing = tokio::spawn(async move { store.admit(message("a", &run)).await });
            if number % 2 == 0 {
                tokio::task::yield_now().await;
            }
            writing.abort();
        }
        for number in 0..100 {
            admit(&world.store, message("a", &format!("r-{number}"))).await;
        }
        assert_eq!(world.store.counts(None).await.unwrap().waiting, 100, "each is there once");
    }

    async fn two_processes_on_one_database_lose_nothing(world: &World) {
        world.tenant("main").await;
        let second = world.reopened().await;
        let admits = (0..400).map(|number| {
            let store = if number % 2 == 0 { world.store.clone() } else { second.clone() };
            // Each run is handed in twice, once to either.
            let (run, conversation) = (number / 2, number / 2 % 10);
            let new = message(&format!("c-{conversation}"), &format!("r-{run}"));
            tokio::spawn(async move { admit(&store, new).await.duplicate })
        });
        let duplicates = join_all(admits).await;
        assert_eq!(duplicates.into_iter().filter(|duplicate| !*duplicate.as_ref().unwrap()).count(), 200);
        for store in [&world.store, &second] {
            assert_eq!(store.counts(None).await.unwrap().waiting, 200);
        }
        let ready = second.ready(100).await.unwrap();
        let claims = ready.iter().flat_map(|ready| [(&world.store, ready, 1), (&second, ready, 2)]);
        let claims = claims.map(|(store, ready, owner)| {
            store.claim(ready.session, Uuid::from_u128(owner), crate::words::LEASE, None)
        });
        let claimed: Vec<_> = join_all(claims).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(claimed.len(), 10, "each session has one claimer");
        assert_eq!(claimed.iter().map(|claimed| claimed.messages.len()).sum::<usize>(), 200);
        second.close().await;
    }
}

#[test]
fn the_files_are_whole_after_two_processes_wrote_them() {
    World::run(Engine::Sqlite, async |world| {
        world.tenant("main").await;
        let second = world.reopened().await;
        let turns = (0..60_u128).map(|number| {
            let store = if number % 2 == 0 { world.store.clone() } else { second.clone() };
            tokio::spawn(async move {
                let new = message(&format!("c-{number}"), &format!("r-{number}"));
                let admitted = admit(&store, new).await;
                answer_all(&store, &claim(&store, &admitted).await, 1_000 + number).await;
            })
        });
        join_all(turns).await.into_iter().for_each(Result::unwrap);
        second.close().await;
        let Location::Directory(root) = &world.location else { panic!("a directory") };
        assert_eq!(whole(&root.join("control.db")).await, "ok");
        assert_eq!(whole(&root.join("tenants/main/openclaw_main.db")).await, "ok");
        assert_eq!(world.store.outbox(100).await.unwrap().len(), 60);
    });
}
