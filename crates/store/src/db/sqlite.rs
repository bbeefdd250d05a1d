//! A `SQLite` file: a few reading connections, and one writer that commits in groups.
//!
//! Owns durability on this engine: WAL, `synchronous=FULL`, and the rule that nothing is reported as
//! written before the commit that holds it has returned.

mod desk;

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};

use super::Conn;
use crate::alarm::Alarm;
use crate::error::{Error, Failure, Result};
use crate::task;
pub(crate) use desk::{Desk, Opening};

/// Most transactions that share one commit. More would only make the first of them wait longer.
const GROUP: usize = 128;
/// Transactions that may wait for the writer; the next caller waits for a place.
const QUEUE: usize = 1_024;

/// One open file.
pub(crate) struct Sqlite {
    readers: SqlitePool,
    pub(super) writer: Writer,
}

/// How much memory and how many threads one file may take, and how long it may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    /// Reading connections; each is a thread while it is open.
    readers: u32,
    /// Page cache of each connection, in KiB.
    cache_kib: u32,
    /// How long a transaction waits while another process writes.
    patience: Duration,
}

/// Hands transactions to the one connection that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    closing: watch::Sender<bool>,
    /// Its sender is gone when the connection is closed.
    closed: watch::Receiver<()>,
    alarm: Alarm,
}

/// The writing side: a connection, and what is needed to open it again.
struct Scribe {
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    alarm: Alarm,
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
    /// Whether it writes with one statement, which is whole or absent by itself.
    fn is_single(&self) -> bool;
}

struct Write<T, F> {
    action: &'static str,
    is_single: bool,
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

// === impl Footprint ===

impl Footprint {
    /// The control database: every message passes through it.
    pub(crate) const CONTROL: Self =
        Self { readers: 4, cache_kib: 2_048, patience: Duration::from_secs(5) };
    /// The control database in a process that does one thing: nobody waits for it but the person who asked,
    /// and whoever writes all the time leaves others only short gaps.
    pub(crate) const COMMAND: Self = Self { patience: Duration::from_secs(30), ..Self::CONTROL };
    /// A tenant's database: there may be hundreds.
    pub(crate) const TENANT: Self = Self { readers: 2, cache_kib: 512, ..Self::CONTROL };
}

// === impl Sqlite ===

impl Sqlite {
    /// Opens the file, creating it when it is not there, and brings its schema up to date.
    pub(crate) async fn open(
        path: &Path,
        footprint: Footprint,
        schema: &Migrator,
        alarm: &Alarm,
    ) -> Result<Self> {
        let name = path.display().to_string();
        let failed =
            |source: sqlx::Error| Error::Open { name: name.clone(), source: source.into() };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(footprint.patience)
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
        let scribe = Scribe { connection, options, alarm: alarm.clone() };
        Ok(Self { readers, writer: Writer::start(scribe) })
    }

    /// Runs `work` on a connection that only reads.
    pub(super) async fn read<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>>,
    {
        let acquired = self.readers.acquire().await;
        let mut connection = acquired.map_err(|error| Error::from_engine(action, error))?;
        work(&mut Conn::Sqlite(Desk::bare(&mut connection)))
            .await
            .map_err(|failure| failure.during(action))
    }

    pub(super) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

// === impl Writer ===

impl Writer {
    fn start(scribe: Scribe) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (closing, told) = watch::channel(false);
        let (open, closed) = watch::channel(());
        let alarm = scribe.alarm.clone();
        task::spawn(async move {
            scribe.run(queue, told).await;
            drop(open);
        });
        Self { jobs, closing, closed, alarm }
    }

    /// Settles every transaction that was handed over before, and closes the connection.
    async fn close(&self) {
        self.closing.send_replace(true);
        // Nothing is ever sent: this returns when the sender is gone.
        drop(self.closed.clone().changed().await);
    }

    /// Runs `work` in a transaction; when it `is_single`, it writes with one statement that is run to its
    /// end.
    pub(super) async fn write<T, F>(
        &self,
        action: &'static str,
        is_single: bool,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
    {
        if self.alarm.is_ringing() {
            return Err(Error::Disk { action });
        }
        let (reply, answer) = oneshot::channel();
        let job = Write { action, is_single, work: Some(work), outcome: None, reply };
        self.jobs.send(Box::new(job)).await.map_err(|_| self.gone(action))?;
        answer.await.map_err(|_| self.gone(action))?
    }

    /// Why nobody writes any more.
    fn gone(&self, action: &'static str) -> Error {
        if self.alarm.is_ringing() { Error::Disk { action } } else { Error::Unavailable { action } }
    }
}

// === impl Scribe ===

impl Scribe {
    /// Takes whatever waits, up to [`GROUP`], runs it in one transaction, and settles it after the commit.
    /// Ends when every handle is gone or it is told to close, or when the disk has failed.
    async fn run(
        mut self,
        mut queue: mpsc::Receiver<Box<dyn Job>>,
        mut closing: watch::Receiver<bool>,
    ) {
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
        loop {
            let taken = tokio::select! {
                biased;
                taken = queue.recv_many(&mut group, GROUP) => taken,
                // An error means that every handle is gone, which the queue says too.
                Ok(_) = closing.wait_for(|closing| *closing), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
            };
            if taken == 0 {
                break;
            }
            let committed = self.commit(&mut group, &mut queue).await;
            for job in group.drain(..) {
                job.settle(committed.clone());
            }
            if self.alarm.is_ringing() {
                return;
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "a database could not be closed cleanly");
        }
    }

    async fn commit(
        &mut self,
        group: &mut Vec<Box<dyn Job>>,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
    ) -> Result<()> {
        let action = group.first().map_or("writing", |job| job.action());
        if self.alarm.is_ringing() {
            return Err(Error::Disk { action });
        }
        let committed = commit(&mut self.connection, group, queue, action).await;
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = group.len(), "a group commit failed; nothing of it was stored");
            if matches!(error, Error::Disk { .. }) {
                // After a failed fsync the kernel may have dropped the pages: nobody can know what is
                // on disk, so nothing may be acknowledged until a restart has read the log again.
                self.alarm.ring();
            } else {
                self.recover().await;
            }
        }
        committed
    }

    /// Undoes the failed transaction, or takes a fresh connection when that cannot be done.
    async fn recover(&mut self) {
        if sqlx::query("ROLLBACK").execute(&mut self.connection).await.is_ok() {
            return;
        }
        if let Ok(fresh) = SqliteConnection::connect_with(&self.options).await {
            self.connection = fresh;
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
    if let [job] = group.as_mut_slice()
        && job.is_single()
        && queue.is_empty()
    {
        // Alone, it is committed by its own statement.
        let ran = job.run(&mut Conn::Sqlite(Desk::bare(connection))).await;
        return ran.or_else(|error| if is_the_engines(&error) { Err(error) } else { Ok(()) });
    }
    let mut opening = Opening::Transaction;
    let mut next = 0;
    while let Some(job) = group.get_mut(next) {
        let mut conn = Conn::Sqlite(Desk::to_open(&mut *connection, opening));
        let ran = job.run(&mut conn).await;
        let is_open = matches!(&conn, Conn::Sqlite(desk) if desk.is_open());
        match ran {
            Ok(()) if is_open => opening = opening.next(),
            Err(error) if is_the_engines(&error) => return Err(error),
            Err(_) if is_open => opening = opening.undo(connection, action).await?,
            Ok(()) | Err(_) => {}
        }
        next += 1;
        while next == group.len() && next < GROUP {
            let Ok(late) = queue.try_recv() else { break };
            group.push(late);
        }
    }
    if opening == Opening::Transaction {
        return Ok(());
    }
    execute(connection, "COMMIT", action).await
}

/// Whether the engine has given up, not the job: it may have rolled everything back by itself.
fn is_the_engines(error: &Error) -> bool {
    error.is_passing() || matches!(error, Error::Disk { .. })
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

    fn is_single(&self) -> bool {
        self.is_single
    }
}
