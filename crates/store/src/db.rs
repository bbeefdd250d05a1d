//! One database on one of two engines, and the two ways to use it: [`Db::read`] and [`Db::write`].
//!
//! Owns connections and transactions; knows no table. SQL text is the same for both engines: [`on!`]
//! compiles one expression for either.

mod postgres;
mod script;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use crate::error::{Failure, Result};
use postgres::Postgres;
pub(crate) use script::{Ran, Script, script};
use sqlite::Desk;
pub(crate) use sqlite::{Footprint, Opening, Sqlite};

/// How long a caller waits for a connection before it is told that the database does not answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// One open database. Cheap to clone; closed with its last clone.
#[derive(Clone)]
pub(crate) enum Db {
    Sqlite(Arc<Sqlite>),
    Postgres(Postgres),
}

/// A connection on which statements run, inside a transaction when it came from [`Db::write`].
pub(crate) enum Conn<'c> {
    Sqlite(Desk<'c>),
    Postgres(&'c mut PgConnection),
}

/// Runs one sqlx expression on whichever engine `$conn` is; `$c` is the executor in it, and its value an
/// sqlx result. Several that do not wait for each other are a [`script!`].
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite(desk) => match desk.opened().await {
                Ok($c) => $body,
                Err(error) => Err(error),
            },
            $crate::db::Conn::Postgres(connection) => {
                let $c = &mut **connection;
                $body
            }
        }
    };
}
pub(crate) use on;

/// Declares the SQL of one aggregate: a constant for each statement, and `ALL`, which a test prepares on
/// both engines.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$meta])* const $name: &str = $sql;)*
        pub(crate) const ALL: &[&str] = &[$($sql),*];
    };
}
pub(crate) use statements;

// === impl Db ===

impl Db {
    /// Connects to a server lazily: the first use opens the first connection.
    pub(crate) fn postgres(options: PgConnectOptions, most: u32) -> Self {
        Self::Postgres(Postgres::new(options, most))
    }

    pub(crate) fn engine(&self) -> EngineKind {
        match self {
            Self::Sqlite(_) => EngineKind::Sqlite,
            Self::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Runs `work` on a connection that only reads.
    pub(crate) fn read<'s, T, F>(
        &'s self,
        action: &'static str,
        work: F,
    ) -> BoxFuture<'s, Result<T>>
    where
        T: Send + 's,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 's,
    {
        Box::pin(async move {
            match self {
                Self::Sqlite(sqlite) => sqlite.read(action, work).await,
                Self::Postgres(postgres) => postgres.run(action, work).await,
            }
        })
    }

    /// Runs `work` in a transaction. When this returns `Ok`, it is on disk.
    ///
    /// On `SQLite`, transactions that arrive together are committed together: one `fsync` serves them
    /// all, and each still succeeds or fails alone.
    pub(crate) fn write<T, F>(&self, action: &'static str, work: F) -> BoxFuture<'_, Result<T>>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
    {
        Box::pin(async move {
            match self {
                Self::Sqlite(sqlite) => sqlite.writer.write(action, false, work).await,
                Self::Postgres(postgres) => postgres.write(action, work).await,
            }
        })
    }

    /// Like [`Self::write`] for work that writes with one statement, run to its end, and does not need what
    /// it read to stay as it was: an engine commits that by itself, which saves two of three messages to it.
    pub(crate) fn write_at_once<T, F>(
        &self,
        action: &'static str,
        work: F,
    ) -> BoxFuture<'_, Result<T>>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + 'static,
    {
        Box::pin(async move {
            match self {
                Self::Sqlite(sqlite) => sqlite.writer.write(action, true, work).await,
                Self::Postgres(postgres) => postgres.run(action, work).await,
            }
        })
    }

    /// Finishes what was begun and closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
