//! Where the databases are, and how one is opened.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::TenantSlug;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::timeout;

use crate::alarm::Alarm;
use crate::db::{Db, Footprint, Sqlite};
use crate::error::{Error, Result};

/// Where the control database and the tenants' databases are.
#[derive(Debug, Clone)]
pub enum Location {
    /// Files under a directory: `control.db` and `tenants/<slug>/openclaw_<slug>.db`.
    Directory(PathBuf),
    /// Databases of one server: the one the options name, and `<name>_<slug>` beside it.
    Server(Box<PgConnectOptions>),
}

/// The schema of the control database.
static CONTROL_SQLITE: Migrator = sqlx::migrate!("migrations/control/sqlite");
static CONTROL_POSTGRES: Migrator = sqlx::migrate!("migrations/control/postgres");
static TENANT_SQLITE: Migrator = sqlx::migrate!("migrations/tenant/sqlite");
static TENANT_POSTGRES: Migrator = sqlx::migrate!("migrations/tenant/postgres");

/// Connections to the control database of a server; every path of a message shares them.
const SERVER_CONNECTIONS: u32 = 24;
const SERVER_CONNECTIONS_TENANT: u32 = 4;
/// How long a server may take to let us in. One that is cut off answers never.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

// === impl Location ===

impl Location {
    /// A server by its address, `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// [`Error::Open`] when the address cannot be read.
    pub fn server(url: &domain::Secret) -> Result<Self> {
        url.expose()
            .parse::<PgConnectOptions>()
            .map(|options| Self::Server(Box::new(options)))
            .map_err(|source| Error::Open {
                name: "store.url".to_owned(),
                source: Arc::new(source),
            })
    }

    pub(crate) async fn open_control(&self, footprint: Footprint, alarm: &Alarm) -> Result<Db> {
        match self {
            Self::Directory(root) => {
                let path = root.join("control.db");
                open_file(&path, footprint, &CONTROL_SQLITE, alarm).await
            }
            Self::Server(options) => {
                open_server(options, SERVER_CONNECTIONS, &CONTROL_POSTGRES).await
            }
        }
    }

    /// A server copies a whole database to make one; a file is made in no time when it is first opened.
    pub(crate) async fn prepare_tenant(&self, slug: &TenantSlug, alarm: &Alarm) -> Result<()> {
        if matches!(self, Self::Server(_)) {
            self.open_tenant(slug, alarm).await?.close().await;
        }
        Ok(())
    }

    pub(crate) async fn open_tenant(&self, slug: &TenantSlug, alarm: &Alarm) -> Result<Db> {
        match self {
            Self::Directory(root) => {
                let path =
                    root.join("tenants").join(slug.as_str()).join(format!("openclaw_{slug}.db"));
                open_file(&path, Footprint::TENANT, &TENANT_SQLITE, alarm).await
            }
            Self::Server(options) => {
                let name = format!("{}_{slug}", options.get_database().unwrap_or("openclaw"));
                let own = options.as_ref().clone().database(&name);
                let open =
                    async || open_server(&own, SERVER_CONNECTIONS_TENANT, &TENANT_POSTGRES).await;
                match open().await {
                    Err(error) if is_absent(&error) => {
                        create_database(options, &name).await?;
                        open().await
                    }
                    opened => opened,
                }
            }
        }
    }
}

async fn open_file(
    path: &Path,
    footprint: Footprint,
    schema: &Migrator,
    alarm: &Alarm,
) -> Result<Db> {
    let failed = |error| Error::Open {
        name: path.display().to_string(),
        source: Arc::new(sqlx::Error::Io(error)),
    };
    let directory = path.parent().unwrap_or(Path::new("."));
    create_private_directory(directory).map_err(failed)?;
    let alone = alone_in(directory.to_owned()).await.map_err(failed)?;
    let sqlite = Sqlite::open(path, footprint, schema, alarm).await?;
    drop(alone);
    Ok(Db::Sqlite(Arc::new(sqlite)))
}

async fn open_server(options: &PgConnectOptions, most: u32, schema: &Migrator) -> Result<Db> {
    let mut connection = connect(options).await?;
    schema
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|source| Error::Migrate { name: name(options), source: Arc::new(source) })?;
    drop(connection.close().await);
    Ok(Db::postgres(options.clone(), most))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let failed = |source| Error::Open { name: name(options), source: Arc::new(source) };
    match timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => {
            let silent = io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the server did not answer within {}s", CONNECT_TIMEOUT.as_secs()),
            );
            Err(failed(sqlx::Error::Io(silent)))
        }
    }
}

/// What to call a database of a server, without credentials.
fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("openclaw");
    format!("{database} on {}:{}", options.get_host(), options.get_port())
}

/// Whether the server says that it has no such database.
fn is_absent(error: &Error) -> bool {
    let Error::Open { source, .. } = error else { return false };
    source.as_database_error().and_then(|error| error.code()).as_deref() == Some("3D000")
}

/// Creates the database unless it is there; somebody else may be creating it at the same moment.
async fn create_database(options: &PgConnectOptions, name: &str) -> Result<()> {
    let failed = |source| Error::Open { name: name.to_owned(), source: Arc::new(source) };
    let mut connection = connect(options).await?;
    let found: Option<(i32,)> = sqlx::query_as("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_optional(&mut connection)
        .await
        .map_err(failed)?;
    if found.is_none() {
        // A name cannot be a bind. It is made of a configured name and a slug, quoted all the same.
        let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        let created = sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await;
        match created {
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {}
            other => {
                other.map_err(failed)?;
            }
        }
    }
    drop(connection.close().await);
    Ok(())
}

/// Directories of state are for their owner alone.
fn create_private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Waits until no other process opens a database in the directory: two that find the same schema missing
/// would both create it. The right ends with the file.
async fn alone_in(directory: PathBuf) -> io::Result<File> {
    let locked = || {
        let directory = File::open(directory)?;
        directory.lock()?;
        Ok(directory)
    };
    tokio::task::spawn_blocking(locked).await.map_err(io::Error::other)?
}
