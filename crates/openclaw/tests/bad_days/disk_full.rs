//! A disk without room: reads go on, nothing new is taken, and it goes on by itself when there is room.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::home::Home;
use crate::http::complete;
use crate::ledger::Ledger;
use crate::running::{PATIENCE, Running, signal};

const SESSION: &str = "agent:main:main";
const ASK: &[u8] = br#"{"model":"openclaw","messages":[{"role":"user","content":"hello"}]}"#;

/// A disk that the test can fill.
enum Disk {
    /// A real small one, that this process alone has mounted: it is gone when the process is.
    Small,
    /// The real disk, and a debugger that answers every attempt to write to a database with ENOSPC. For
    /// places where nothing can be mounted.
    Debugged,
}

/// What keeps a disk full.
enum Filling {
    File(PathBuf),
    Debugger(Child),
}

// === impl Disk ===

impl Disk {
    /// What starts a process with a small disk of its own in the place of its state.
    const MOUNTED: &[&str] = &[
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs -o size=12m tmpfs \"$OPENCLAW_STATE_DIR\" && exec \"$@\"",
        "sh",
    ];

    async fn best(home: &Home) -> Self {
        let mut probe = Command::new(Self::MOUNTED[0]);
        probe.args(&Self::MOUNTED[1..]).arg("true").env("OPENCLAW_STATE_DIR", home.state());
        match probe.stderr(Stdio::null()).status().await {
            Ok(status) if status.success() => Self::Small,
            _ => Self::Debugged,
        }
    }

    async fn start(&self, home: &Home) -> Running {
        match self {
            Self::Small => Running::start_under(home, Self::MOUNTED).await,
            Self::Debugged => Running::start(home).await,
        }
    }

    async fn fill(&self, home: &Home, running: &Running) -> Filling {
        match self {
            Self::Small => {
                let state = home.state();
                let inside = format!("/proc/{}/root{}/filling", running.id(), state.display());
                let mut file = File::create(&inside).unwrap();
                for size in [64 * 1024, 1] {
                    let block = vec![0; size];
                    while file.write_all(&block).is_ok() {}
                }
                Filling::File(inside.into())
            }
            Self::Debugged => Filling::Debugger(debugger(home, running).await),
        }
    }
}

// === impl Filling ===

impl Filling {
    async fn empty(self) {
        match self {
            Self::File(path) => fs::remove_file(path).unwrap(),
            Self::Debugger(mut debugger) => {
                signal(debugger.id().unwrap(), "INT").await;
                timeout(PATIENCE, debugger.wait()).await.unwrap().unwrap();
            }
        }
    }
}

async fn debugger(home: &Home, running: &Running) -> Child {
    let (id, state) = (running.id().to_string(), home.state());
    let mut command = Command::new("strace");
    command.args(["-f", "-p", &id, "-o", "/dev/null"]);
    command.args(["-e", "inject=write,pwrite64,fallocate,ftruncate:error=ENOSPC"]);
    for database in ["control.db", "tenants/main/openclaw_main.db"] {
        for end in ["", "-wal"] {
            command.arg("-P").arg(state.join(format!("{database}{end}")));
        }
    }
    attached(command).await
}

/// Starts a debugger and waits until it has taken hold of the process.
pub async fn attached(mut command: Command) -> Child {
    let mut debugger = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(debugger.stderr.take().unwrap()).lines();
    let attaching = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("attached") {
                return;
            }
        }
        panic!("strace may not attach to a process here; see kernel.yama.ptrace_scope");
    };
    timeout(PATIENCE, attaching).await.unwrap();
    // What else it says is read, so that it is not held up.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    debugger
}

async fn a_full_disk(home: &Home, disk: Disk) {
    let running = disk.start(home).await;
    let (mut ledger, mut socket) = (Ledger::default(), running.socket().await);
    for _ in 0..5 {
        ledger.say(&mut socket, SESSION).await.unwrap();
    }
    ledger.settle(&running).await;

    let filling = disk.fill(home, &running).await;
    // There may be room for a few more in files that have grown already.
    let refused = loop {
        if let Err(code) = ledger.say(&mut socket, SESSION).await {
            break code;
        }
    };
    assert_eq!(refused, "store-full");
    let answer = complete(&running.authority, ASK, &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "store-full"));
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{answer:?}");
    for path in ["/health", "/ready"] {
        let answer = running.until(path, |answer| answer.status == 503).await;
        assert_eq!(answer.code(), "store-full", "{path}");
    }
    assert_eq!(running.get("/metrics").await.status, 200);
    let health = socket.ask("health", serde_json::json!({})).await.unwrap();
    assert_eq!((&health["ok"], &health["store"]["code"]), (&false.into(), &"store-full".into()));
    let lines = socket.history(SESSION).await.unwrap();
    let told = lines.iter().filter(|line| line["role"] == "user").count();
    assert_eq!(told, ledger.len(), "reads go on, and everything acknowledged is there");

    filling.empty().await;
    running.until("/ready", |answer| answer.status == 200).await;
    ledger.say(&mut socket, SESSION).await.unwrap();
    ledger.settle(&running).await;
    running.signal("TERM").await;
    assert_eq!(running.ended().await.code(), Some(0), "it is the same process all along");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_disk_that_is_full_is_waited_for() {
    let home = Home::new();
    let disk = Disk::best(&home).await;
    a_full_disk(&home, disk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_without_room_are_waited_for() {
    a_full_disk(&Home::new(), Disk::Debugged).await;
}
