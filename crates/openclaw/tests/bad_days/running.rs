//! A process under test, from its first line to its last.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::home::Home;
use crate::http::{self, Answer};
use crate::socket::Socket;

/// How long a test waits for what must come. Only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is ready. It is killed when the test ends before it does.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// `host:port`.
    pub authority: String,
}

/// `openclaw` with these arguments, in this home, with nothing of the outer environment; `before` is a
/// command that starts it, empty for none.
pub fn command(home: &Home, before: &[&str], arguments: &[&str]) -> Command {
    let mut words = before.to_vec();
    words.push(env!("CARGO_BIN_EXE_openclaw"));
    words.extend(arguments);
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("OPENCLAW_STATE_DIR", home.state())
        .env("OPENCLAW_CONFIG_PATH", home.config())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

// === impl Running ===

impl Running {
    /// Starts it and waits until it is ready.
    pub async fn start(home: &Home) -> Self {
        Self::start_under(home, &[]).await
    }

    /// The same, started by another command.
    pub async fn start_under(home: &Home, before: &[&str]) -> Self {
        let mut command = command(home, before, &["up", "--port", "0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        let ready: Value = serde_json::from_str(&first.expect("it becomes ready")).unwrap();
        assert_eq!(ready["event"], "ready");
        let url = ready["url"].as_str().unwrap();
        let authority = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { child, lines, authority }
    }

    /// The process that was started: `openclaw`, or the command before it.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    pub async fn get(&self, path: &str) -> Answer {
        http::request(&self.authority, "GET", path, &[], b"").await
    }

    pub async fn socket(&self) -> Socket {
        Socket::open(&self.authority).await
    }

    /// Asks until the answer is the wanted one.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        until(async || {
            let answer = self.get(path).await;
            wanted(&answer).then_some(answer)
        })
        .await
    }

    pub async fn signal(&self, name: &str) {
        signal(self.id(), name).await;
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> ExitStatus {
        let ended = async {
            // What it says on its way out is read, so that it is not held up.
            while let Ok(Some(_)) = self.lines.next_line().await {}
            self.child.wait().await.unwrap()
        };
        timeout(PATIENCE, ended).await.unwrap()
    }
}

pub async fn signal(id: u32, name: &str) {
    let id = id.to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
}

/// Asks until there is an answer.
pub async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, asking).await.expect("it comes in time")
}
