//! What the tests share: the program that is played, a pipe that it waits at, and ears.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use agent::CliBackend;
use agent::backend::Line;
use agent::child::{Child, Order};
use config::Env;
use config::settings::backends::CliBackend as Settings;
use domain::{Pulse, Secret};
use futures::StreamExt as _;
use llm::{Error, EventStream, Provider as _, Request, StreamEvent, Turn};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A pulse that counts.
#[derive(Default)]
pub struct Ears {
    pub beats: AtomicUsize,
    pub started: AtomicU32,
    pub ended: AtomicUsize,
}

/// A pipe with a name.
pub struct Gate {
    folder: TempDir,
}

impl Pulse for Ears {
    fn beat(&self) {
        self.beats.fetch_add(1, Ordering::SeqCst);
    }

    fn process(&self, pid: Option<u32>) {
        match pid {
            Some(pid) => self.started.store(pid, Ordering::SeqCst),
            None => drop(self.ended.fetch_add(1, Ordering::SeqCst)),
        }
    }
}

impl Gate {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(folder.path().join("gate")).status().unwrap();
        assert!(made.success());
        Self { folder }
    }

    pub fn path(&self) -> String {
        self.folder.path().join("gate").display().to_string()
    }

    /// A file beside the pipe.
    pub fn mark(&self) -> PathBuf {
        self.folder.path().join("mark")
    }

    /// Lets whoever waits, or comes later, pass once.
    pub fn open(&self) {
        let open = OpenOptions::new().write(true).open(self.path());
        open.unwrap().write_all(b"\n").unwrap();
    }
}

pub fn program() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/program.sh"))
}

/// A child that plays, and the end of all its processes.
pub fn play(name: &str, gate: &Gate, pulse: Arc<Ears>) -> (Child, oneshot::Receiver<()>) {
    let (kept, gone) = oneshot::channel::<()>();
    let order = Order {
        program: program(),
        args: Vec::new(),
        env: vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ("PLAY".to_owned(), name.to_owned()),
            ("GATE".to_owned(), gate.path()),
            ("MARK".to_owned(), gate.mark().display().to_string()),
        ],
        folder: PathBuf::from("/"),
        input: Vec::new(),
        kept: Box::new(kept),
    };
    (Child::start(order, pulse).unwrap(), gone)
}

/// Settings of a backend that plays.
pub fn settings(play: &str, more: &[(&str, &str)]) -> Settings {
    let env: BTreeMap<String, Secret> = [("PLAY", play)]
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
        .collect();
    Settings { command: Some(program().display().to_string()), env, ..Settings::default() }
}

/// The environment of the service: a path, and secrets that are nobody's business.
pub fn environment() -> Env {
    let path = std::env::var("PATH").unwrap();
    [("PATH", path.as_str()), ("OPENAI_API_KEY", "not-for-you"), ("ANTHROPIC_API_KEY", "ours")]
        .into_iter()
        .collect()
}

/// The backend of a known program, played with these settings.
pub fn backend(settings: &Settings) -> CliBackend {
    CliBackend::new("claude-cli", settings, &environment(), Line::default()).unwrap()
}

pub fn question(text: &str) -> Request {
    Request {
        model: "opus".to_owned(),
        system: vec!["You are Zoe.".to_owned()],
        turns: vec![Turn::User(text.to_owned())],
        ..Request::default()
    }
}

/// Asks and hears it out.
pub async fn ask(settings: &Settings, text: &str) -> Result<Vec<StreamEvent>, Error> {
    hear(backend(settings).stream(question(text), Arc::new(Ears::default())).await?).await
}

pub async fn hear(mut stream: EventStream) -> Result<Vec<StreamEvent>, Error> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event?);
    }
    Ok(events)
}

/// All words of an answer.
pub fn words(events: &[StreamEvent]) -> String {
    let word = |event: &StreamEvent| match event {
        StreamEvent::Text(text) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(word).collect()
}

/// Whether a process runs; one that has ended and was not reaped by its parent does not.
pub fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
