//! What the machine can do without us: the floors beside which our figures stand.
//!
//! Each is measured in the same run, in the same directory, with the same load generator.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// A bare echo server in a process of its own.
#[derive(Debug)]
pub struct Echo {
    child: Child,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// From its start until it said where it listens.
    pub start: Duration,
}

/// Rows that one commit holds where commits are shared.
pub const GROUP: usize = 64;
/// How long each floor is measured.
const SPAN: Duration = Duration::from_secs(1);

/// Writes of 4 KiB that reach the disk, one after the other, per second.
///
/// # Errors
/// When the file cannot be written.
pub fn syncs(directory: &Path) -> Result<f64> {
    let mut file = File::create(directory.join("syncs"))?;
    let (block, began, mut count) = ([7_u8; 4_096], Instant::now(), 0_u32);
    while began.elapsed() < SPAN {
        // Always the same blocks: what is measured is the disk, not the growth of a file.
        file.seek(SeekFrom::Start(u64::from(count % 256) * 4_096))?;
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(rate(count, began))
}

/// Rows per second that `SQLite` puts on disk, `group` in each commit.
///
/// # Errors
/// When the file cannot be used.
pub async fn sqlite_rows(directory: &Path, group: usize) -> Result<f64> {
    let options = SqliteConnectOptions::new()
        .filename(directory.join(format!("rows{group}.db")))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::query("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)")
        .execute(&mut connection)
        .await?;
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < SPAN {
        let mut transaction = connection.begin().await?;
        for _ in 0..group {
            sqlx::query("INSERT INTO row (text) VALUES ($1)")
                .bind("a message of a usual length")
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        count += group as u32;
    }
    connection.close().await?;
    Ok(rate(count, began))
}

/// Rows per second that `PostgreSQL` puts on disk, one in each commit, over this many connections.
///
/// # Errors
/// When the server does not answer.
pub async fn postgres_rows(url: &str, connections: usize) -> Result<f64> {
    let table = format!("CREATE TABLE floor{connections} (id BIGSERIAL PRIMARY KEY, text TEXT)");
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(sqlx::AssertSqlSafe(table)).execute(&mut connection).await?;
    connection.close().await?;
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..connections {
        let url = url.to_owned();
        writers.spawn(async move {
            let mut connection = PgConnection::connect(&url).await?;
            let insert = format!("INSERT INTO floor{connections} (text) VALUES ($1)");
            let mut count = 0_u32;
            while began.elapsed() < SPAN {
                sqlx::query(sqlx::AssertSqlSafe(insert.clone()))
                    .bind("a message of a usual length")
                    .execute(&mut connection)
                    .await?;
                count += 1;
            }
            connection.close().await?;
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(written) = writers.join_next().await {
        count += written??;
    }
    Ok(rate(count, began))
}

/// From the start of a program that does nothing to its end.
///
/// # Errors
/// When there is none.
pub async fn empty_program() -> Result<Duration> {
    let began = Instant::now();
    Command::new("true").status().await?;
    Ok(began.elapsed())
}

fn rate(count: u32, began: Instant) -> f64 {
    f64::from(count) / began.elapsed().as_secs_f64()
}

// === impl Echo ===

impl Echo {
    /// Starts it.
    ///
    /// # Errors
    /// When this program cannot be run once more.
    pub async fn start() -> Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("echo")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("a started process has an output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let start = began.elapsed();
        let address = line.context("the echo server says nothing")?.parse()?;
        Ok(Self { child, address, start })
    }

    /// Its process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the echo server has ended")
    }
}
