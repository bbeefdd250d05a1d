//! The databases behind a store: opened when needed, closed when idle, opened again.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use domain::Coded;
use sqlx::{Connection as _, PgConnection};
use store::{Location, Store};
use testkit::{Engine, World};

use crate::words::{admit, answer_all, claim, key, message, message_in};

const MINUTE: Duration = Duration::from_secs(60);

/// Files of this process that are open and lie here.
fn open_files(under: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.starts_with(under))
        .map(|target| target.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Asks until the answer is yes: connections close in the background.
async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !ask().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), asking).await.is_ok(), "{what}");
}

async fn exchange(store: &Store, tenant: &str, run: &str, id: u128) {
    let admitted = admit(store, message_in(key(tenant, "a"), run)).await;
    answer_all(store, &claim(store, &admitted).await, id).await;
}

#[test]
fn a_tenants_file_closes_when_idle_and_opens_again() {
    World::run(Engine::Sqlite, async |world| {
        let Location::Directory(root) = &world.location else { panic!("a directory") };
        let acme = root.join("tenants/acme");
        world.tenant("main").await;
        world.tenant("acme").await;
        assert!(!acme.exists(), "not even made before it is needed");
        exchange(&world.store, "acme", "r-1", 50).await;
        let open = open_files(&acme);
        assert_eq!(open, ["openclaw_acme.db", "openclaw_acme.db-shm", "openclaw_acme.db-wal"]);
        world.clock.advance(MINUTE - Duration::from_secs(1));
        world.store.close_idle().await;
        assert_eq!(open_files(&acme), open);

        exchange(&world.store, "main", "x-1", 51).await;
        world.clock.advance(Duration::from_secs(1));
        world.store.close_idle().await;
        until("the idle file closes", async || open_files(&acme).is_empty()).await;
        assert_eq!(open_files(&root.join("tenants/main")).len(), 3, "one in use stays open");
        assert_eq!(std::fs::read_dir(&acme).unwrap().count(), 1, "all is in the one file");

        assert_eq!(world.store.history(&key("acme", "a"), None, 10).await.unwrap().len(), 2);
        assert_eq!(open_files(&acme)[0], "openclaw_acme.db");
        exchange(&world.store, "acme", "r-2", 52).await;
        assert_eq!(world.store.history(&key("acme", "a"), None, 10).await.unwrap().len(), 4);
    });
}

#[test]
fn a_tenants_database_is_there_before_anybody_writes_to_it() {
    World::run(Engine::Postgres, async |world| {
        world.tenant("acme").await;
        let Location::Server(options) = &world.location else { panic!("a server") };
        let name = format!("{}_acme", options.get_database().unwrap());
        let own = options.as_ref().clone().database(&name);
        let mut connection = PgConnection::connect_with(&own).await.unwrap();
        let messages: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM message")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(messages, 0);
    });
}

#[test]
fn a_tenants_connections_close_when_idle_and_open_again() {
    World::run(Engine::Postgres, async |world| {
        let Location::Server(options) = &world.location else { panic!("a server") };
        world.tenant("acme").await;
        exchange(&world.store, "acme", "r-1", 50).await;
        let connected = async || {
            let mut connection = PgConnection::connect_with(options).await.unwrap();
            let name = format!("{}_acme", options.get_database().unwrap());
            let count: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = $1")
                    .bind(name)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
            count
        };
        assert!(connected().await > 0);
        world.clock.advance(MINUTE);
        world.store.close_idle().await;
        until("idle connections close", async || connected().await == 0).await;
        assert_eq!(world.store.history(&key("acme", "a"), None, 10).await.unwrap().len(), 2);
    });
}

#[test]
fn closing_leaves_nothing_open_and_nothing_beside_the_files() {
    World::run(Engine::Sqlite, async |world| {
        let Location::Directory(root) = &world.location else { panic!("a directory") };
        world.tenant("main").await;
        exchange(&world.store, "main", "r-1", 50).await;
        world.store.close().await;
        until("everything closes", async || open_files(root).is_empty()).await;
        assert!(!root.join("control.db-wal").exists());
        let refused = world.store.admit(message("a", "r-2")).await.unwrap_err();
        assert_eq!((refused.code(), refused.is_passing()), ("store-unavailable", true));
        let store = world.reopened().await;
        assert_eq!(store.history(&key("main", "a"), None, 10).await.unwrap().len(), 2);
        store.close().await;
    });
}

#[test]
fn directories_of_state_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    World::run(Engine::Sqlite, async |world| {
        let Location::Directory(root) = &world.location else { panic!("a directory") };
        world.tenant("main").await;
        exchange(&world.store, "main", "r-1", 50).await;
        for folder in [root.join("tenants"), root.join("tenants/main")] {
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
    });
}
