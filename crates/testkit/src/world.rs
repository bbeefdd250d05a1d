//! A fresh store of its own for one test, gone when the test is over.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use domain::{Secret, TenantSlug, tenant::Tier};
use futures::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{Location, Store, Tenant};

use crate::{CountingIds, ManualClock};

/// Which engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in a directory of its own.
    Sqlite,
    /// A database of its own on the server that `OPENCLAW_TEST_POSTGRES` names.
    Postgres,
}

/// Everything one test needs.
pub struct World {
    /// The store.
    pub store: Store,
    /// Where it is; opening it again is what a restart does.
    pub location: Location,
    /// The clock it was given.
    pub clock: Arc<ManualClock>,
    /// The ids it was given.
    pub ids: Arc<CountingIds>,
    directory: tempfile::TempDir,
}

/// Names the address of a server on which tests may create databases; `make test` starts one.
const SERVER: &str = "OPENCLAW_TEST_POSTGRES";

// === impl World ===

impl World {
    /// Runs one test in a world of its own and leaves nothing behind.
    ///
    /// # Panics
    /// When the test does, or when there is no server to run it on.
    pub fn run<F>(engine: Engine, test: F)
    where
        F: AsyncFnOnce(&Self),
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(async {
            let directory = tempfile::tempdir().expect("a temporary directory can be made");
            match engine {
                Engine::Sqlite => {
                    let location = Location::Directory(directory.path().to_owned());
                    let world = Self::open(location, directory).await;
                    test(&world).await;
                    world.store.close().await;
                }
                Engine::Postgres => {
                    with_database(directory, |location, directory| async move {
                        let world = Self::open(location, directory).await;
                        let outcome =
                            std::panic::AssertUnwindSafe(test(&world)).catch_unwind().await;
                        world.store.close().await;
                        outcome
                    })
                    .await;
                }
            }
        });
    }

    async fn open(location: Location, directory: tempfile::TempDir) -> Self {
        let (clock, ids) = (Arc::new(ManualClock::default()), Arc::new(CountingIds::default()));
        let store = Store::open(location.clone(), clock.clone(), ids.clone())
            .await
            .expect("a fresh store opens");
        Self { store, location, clock, ids, directory }
    }

    /// The store opened once more, as another process would.
    ///
    /// # Panics
    /// When it does not open.
    pub async fn reopened(&self) -> Store {
        Store::open(self.location.clone(), self.clock.clone(), self.ids.clone())
            .await
            .expect("a store opens again")
    }

    /// A tenant to work with, and its credential.
    ///
    /// # Panics
    /// When it cannot be created.
    pub async fn tenant(&self, slug: &str) -> (Tenant, Secret) {
        let slug: TenantSlug = slug.parse().expect("a test names its tenant well");
        self.store.create_tenant(&slug, Tier::Standard).await.expect("a tenant can be created")
    }

    /// A directory of this test's own.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Creates a database, runs the test, drops the database and its tenants' databases, and only then lets
/// a panic go on.
async fn with_database<F, O>(directory: tempfile::TempDir, test: F)
where
    F: FnOnce(Location, tempfile::TempDir) -> O,
    O: Future<Output = std::thread::Result<()>>,
{
    let server = std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set: run `make test`, or scripts/with-postgres.sh cargo test")
    });
    let name = directory
        .path()
        .file_name()
        .map(|name| name.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), ""))
        .expect("a temporary directory has a name");
    let name = format!("test_{}_{name}", std::process::id()).to_lowercase();
    execute(&server, format!("CREATE DATABASE \"{name}\"")).await;
    let address = match server.rsplit_once('/') {
        Some((base, _)) => Secret::new(format!("{base}/{name}")),
        None => panic!("{SERVER} must end in a database name"),
    };
    let location = Location::server(&address).expect("the address can be read");
    let outcome = test(location, directory).await;
    for database in databases(&server, &name).await {
        execute(&server, format!("DROP DATABASE \"{database}\" WITH (FORCE)")).await;
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.expect("the test server answers");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("it is allowed");
    connection.close().await.expect("the test server lets go");
}

async fn databases(server: &str, prefix: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(server).await.expect("the test server answers");
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname FROM pg_database WHERE starts_with(datname, $1)")
            .bind(prefix)
            .fetch_all(&mut connection)
            .await
            .expect("databases can be listed");
    connection.close().await.expect("the test server lets go");
    names
}
