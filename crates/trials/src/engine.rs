//! The two engines, and a database of its own for each trial.
//!
//! Owns the creation and the removal of databases; refuses to look into them.

use std::fmt;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Where the product keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Files in its state directory.
    Sqlite,
    /// A database of the server that [`SERVER`] names.
    Postgres,
}

/// Names a server on which databases may be created, `postgres://user@host:port/database`.
pub const SERVER: &str = "OPENCLAW_TEST_POSTGRES";

/// A database that exists for one trial.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

// === impl Engine ===

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

// === impl Database ===

impl Database {
    /// Creates one.
    ///
    /// # Errors
    /// When no server is named or it refuses.
    pub async fn create(name: &str) -> Result<Self> {
        let server = std::env::var(SERVER).with_context(|| {
            format!("{SERVER} is not set: run this under scripts/with-postgres.sh")
        })?;
        let database = Self { server, name: name.to_owned() };
        database.execute(format!("CREATE DATABASE \"{name}\"")).await?;
        Ok(database)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        let base = self.server.rsplit_once('/').map_or(self.server.as_str(), |(base, _)| base);
        format!("{base}/{}", self.name)
    }

    /// Removes it and those of the tenants, which have longer names.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn remove(self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT datname FROM pg_database WHERE starts_with(datname, $1)")
                .bind(&self.name)
                .fetch_all(&mut connection)
                .await?;
        connection.close().await?;
        for name in names {
            self.execute(format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await?;
        }
        Ok(())
    }

    /// What the server calls itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(version)
    }

    async fn execute(&self, statement: String) -> Result<()> {
        let mut connection =
            PgConnection::connect(&self.server).await.context("the server does not answer")?;
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}
