//! A database of a server: connections that are lent for one piece of work each.
//!
//! Owns the promise that a server which falls silent holds nobody up, and that no connection is used again
//! unless it is known to be sound.

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::{ACQUIRE_TIMEOUT, Conn};
use crate::error::{Error, Failure, Result};

/// How long one piece of work may take. A server that was cut off answers never.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for longer is asked whether it is still there before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// The connections to one database of a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
}

/// A connection while it is used. Unless it is given back it is closed: whoever stopped waiting left it in
/// the middle of something.
struct Lent {
    connection: PoolConnection<sqlx::Postgres>,
    is_sound: bool,
}

// === impl Postgres ===

impl Postgres {
    /// Connects lazily: the first use opens the first connection.
    pub(super) fn new(options: PgConnectOptions, most: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .min_connections(0)
            .idle_timeout(Duration::from_secs(60))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Runs `work` on a connection, each statement a transaction of its own.
    pub(super) async fn run<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>>,
    {
        let mut lent = self.lend(action).await?;
        let working = async { work(&mut Conn::Postgres(&mut lent.connection)).await };
        let outcome = timeout(PATIENCE, working).await;
        lent.give_back(action, outcome)
    }

    /// Runs `work` in a transaction.
    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<T, Failure>>,
    {
        let mut lent = self.lend(action).await?;
        let working = async {
            let mut transaction = lent.connection.begin().await?;
            let value = work(&mut Conn::Postgres(&mut transaction)).await?;
            transaction.commit().await?;
            Ok(value)
        };
        let outcome = timeout(PATIENCE, working).await;
        lent.give_back(action, outcome)
    }

    async fn lend(&self, action: &'static str) -> Result<Lent> {
        let acquired = self.pool.acquire().await;
        let connection = acquired.map_err(|error| Error::from_engine(action, error))?;
        Ok(Lent { connection, is_sound: false })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

// === impl Lent ===

impl Lent {
    fn give_back<T>(
        mut self,
        action: &'static str,
        outcome: Result<Result<T, Failure>, Elapsed>,
    ) -> Result<T> {
        self.is_sound = outcome.is_ok();
        match outcome {
            Ok(done) => done.map_err(|failure| failure.during(action)),
            Err(_) => Err(Error::Unavailable { action }),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_sound {
            self.connection.close_on_drop();
        }
    }
}
