//! One run of the product, from its first instruction to its last.
//!
//! Owns the child process and what it said of itself; knows nothing of what is asked of it.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::home::Home;

/// A running process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    started: Instant,
    errors: std::path::PathBuf,
}

/// Longer than this no start may take: not a promise, a sign that nothing will come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a process said is worth repeating, in bytes.
const LAST_WORDS: usize = 2_000;

// === impl Process ===

impl Process {
    /// Starts `openclaw` with these arguments; it must print JSON events on its standard output.
    ///
    /// # Errors
    /// When the binary cannot be run.
    pub fn start(home: &Home, arguments: &[&str]) -> Result<Self> {
        let errors = home.path().join("stderr.txt");
        let mut command = home.command(arguments);
        command.stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(&errors)?);
        let started = Instant::now();
        let mut child = command.spawn().context("the binary cannot be run")?;
        let output = child.stdout.take().context("a started process has an output")?;
        Ok(Self { child, lines: BufReader::new(output).lines(), started, errors })
    }

    /// The event that it prints when it is ready, and how long that took.
    ///
    /// # Errors
    /// When it ends before, or says something else.
    pub async fn ready(&mut self) -> Result<(Value, Duration)> {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .map_err(|_| anyhow::anyhow!("it was not ready within {PATIENCE:?}"))??;
        let took = self.started.elapsed();
        let Some(line) = line else {
            let status = self.child.wait().await?;
            bail!("it ended before it was ready, with {status}: {}", self.last_words());
        };
        let event: Value = serde_json::from_str(&line)?;
        if event["event"] != "ready" {
            bail!("it should have said that it is ready and said {line}");
        }
        Ok((event, took))
    }

    /// Its id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it with SIGKILL.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it ended by itself, with {status}: {}", self.last_words());
        }
        self.child.kill().await.context("it could not be killed")
    }

    /// Asks it to stop with SIGTERM and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(mut self) -> Result<Duration> {
        let id = self.child.id().context("it ended by itself")?.to_string();
        let asked = Instant::now();
        let told = tokio::process::Command::new("kill").args(["-s", "TERM", &id]).status().await?;
        if !told.success() {
            bail!("kill -s TERM {id} failed");
        }
        let status = timeout(PATIENCE, self.child.wait()).await.context("it does not stop")??;
        if !status.success() {
            bail!("it stopped with {status}: {}", self.last_words());
        }
        Ok(asked.elapsed())
    }

    fn last_words(&self) -> String {
        let said = fs::read(&self.errors).unwrap_or_default();
        let from = said.len().saturating_sub(LAST_WORDS);
        String::from_utf8_lossy(said.get(from..).unwrap_or_default()).into_owned()
    }
}
