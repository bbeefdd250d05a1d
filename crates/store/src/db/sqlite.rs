//! A `SQLite` file: a few reading connections, and one writer that commits in groups.
//!
//! Owns durability on this engine: WAL, `synchronous=FULL`, and the rule that nothing is reported as
//! written before the commit that holds it has returned.

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};

use super::Conn;
use crate::error::{Error, Failure, Result};
use crate::task;

/// Most transactions that share one commit. More would only make the first of them wait longer.
const GROUP: usize = 128;
/// Transactions that may wait for the writer; the next caller waits for a place.
const QUEUE: usize = 1_024;

/// One open file.
pub(crate) struct Sqlite {
    pub(super) readers: SqlitePool,
    pub(super) writer: Writer,
}

/// How much memory and how many threads one file may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    /// Reading connections; each is a thread while it is open.
    readers: u32,
    /// Page cache of each connection, in KiB.
    cache_kib: u32,
}

/// Hands transactions to the one connection that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    failed: watch::Receiver<bool>,
}

/// One transaction on its way through the writer.
trait Job: Send {
    /// Runs the statements. The error is kept for the caller; it is returned too because some errors
    /// end the whole group.
    fn run<'a>(&'a mut self, conn: &'a mut Conn<'_>) -> BoxFuture<'a, Result<()>>;
    /// Tells the caller, after the commit.
    fn settle(self: Box<Self>, committed: Result<()>);
    /// What it does, for errors.
    fn action(&self) -> &'static str;
}

struct Write<T, F> {
    action: &'static str,
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

// === impl Footprint ===

impl Footprint {
    /// The control database: every message passes through it.
    pub(crate) const CONTROL: Self = Self { readers: 4, cache_kib: 2_048 };
    /// A tenant's database: there may be hundreds.
    pub(crate) const TENANT: Self = Self { readers: 2, cache_kib: 512 };
}

// === impl Sqlite ===

impl Sqlite {
    /// Opens the file, creating it when it is not there, and brings its schema up to date.
    pub(crate) async fn open(path: &Path, footprint: Footprint, schema: &Migrator) -> Result<Self> {
        let name = path.display().to_string();
        let failed =
            |source: sqlx::Error| Error::Open { name: name.clone(), source: source.into() };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("cache_size", format!("-{}", footprint.cache_kib))
            .pragma("journal_size_limit", "16777216");
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        schema
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|source| Error::Migrate { name: name.clone(), source: source.into() })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(footprint.readers)
            .min_connections(0)
            .idle_timeout(Duration::from_secs(60))
            .acquire_timeout(super::ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().pragma("query_only", "ON"));
        Ok(Self { readers, writer: Writer::start(connection, options) })
    }

    pub(super) async fn close(&self) {
        // Every transaction that was handed over before this one is settled when it returns.
        let last = self.writer.write("closing", |_| Box::pin(async { Ok(()) })).await;
        if let Err(error) = last {
            tracing::warn!(%error, "the last commit before closing failed");
        }
        self.readers.close().await;
    }
}

// === impl Writer ===

impl Writer {
    fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (report, failed) = watch::channel(false);
        task::spawn(run(connection, options, queue, report));
        Self { jobs, failed }
    }

    pub(super) fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }

    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
    {
        if *self.failed.borrow() {
            return Err(Error::Disk { action });
        }
        let (reply, answer) = oneshot::channel();
        let job = Write { action, work: Some(work), outcome: None, reply };
        self.jobs.send(Box::new(job)).await.map_err(|_| Error::Unavailable { action })?;
        answer.await.map_err(|_| Error::Unavailable { action })?
    }
}

/// Takes whatever waits, up to [`GROUP`], runs it in one transaction, and settles it after the commit.
async fn run(
    mut connection: SqliteConnection,
    options: SqliteConnectOptions,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    report: watch::Sender<bool>,
) {
    let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let action = group.first().map_or("writing", |job| job.action());
        let committed = commit(&mut connection, &mut group, &mut queue, action).await;
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = group.len(), "a group commit failed; nothing of it was stored");
            if matches!(error, Error::Disk { .. }) {
                // After a failed fsync the kernel may have dropped the pages: nobody can know what is
                // on disk, so nothing may be acknowledged until a restart has read the log again.
                report.send_replace(true);
            } else {
                connection = reopened(connection, &options).await;
            }
        }
        for job in group.drain(..) {
            job.settle(committed.clone());
        }
        if *report.borrow() {
            return;
        }
    }
}

/// One transaction for the whole group. Jobs that arrive while it runs join it.
async fn commit(
    connection: &mut SqliteConnection,
    group: &mut Vec<Box<dyn Job>>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    action: &'static str,
) -> Result<()> {
    execute(connection, "BEGIN IMMEDIATE", action).await?;
    let mut next = 0;
    while let Some(job) = group.get_mut(next) {
        execute(connection, "SAVEPOINT job", action).await?;
        match job.run(&mut Conn::Sqlite(&mut *connection)).await {
            Ok(()) => {}
            // The engine may have rolled everything back by itself already.
            Err(error @ (Error::Full | Error::Disk { .. })) => return Err(error),
            Err(_) => execute(connection, "ROLLBACK TO job", action).await?,
        }
        execute(connection, "RELEASE job", action).await?;
        next += 1;
        while next == group.len() && next < GROUP {
            let Ok(late) = queue.try_recv() else { break };
            group.push(late);
        }
    }
    execute(connection, "COMMIT", action).await
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    action: &'static str,
) -> Result<()> {
    sqlx::query(statement)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Error::from_engine(action, error))
}

/// The connection with its failed transaction undone, or a fresh one when that cannot be done.
async fn reopened(
    mut connection: SqliteConnection,
    options: &SqliteConnectOptions,
) -> SqliteConnection {
    if sqlx::query("ROLLBACK").execute(&mut connection).await.is_ok() {
        return connection;
    }
    match SqliteConnection::connect_with(options).await {
        Ok(fresh) => fresh,
        Err(_) => connection,
    }
}

// === impl Write ===

impl<T, F> Job for Write<T, F>
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
{
    fn run<'a>(&'a mut self, conn: &'a mut Conn<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(()) };
            let outcome = work(conn).await.map_err(|failure| failure.during(self.action));
            let ended = outcome.as_ref().map(drop).map_err(Error::clone);
            self.outcome = Some(outcome);
            ended
        })
    }

    fn settle(self: Box<Self>, committed: Result<()>) {
        let answer = match (self.outcome, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(Error::Unavailable { action: self.action }),
        };
        // The caller may have gone away; what it asked for is done all the same.
        drop(self.reply.send(answer));
    }

    fn action(&self) -> &'static str {
        self.action
    }
}
