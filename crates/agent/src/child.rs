//! One child process and all that it starts: fed, read, and ended as a group.
//!
//! Refuses to hand down anything: the environment, the folder and the descriptors of the child are those that
//! it was given, and none of its processes outlives the [`Child`].

mod group;
mod memory;

use std::any::Any;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use domain::Pulse;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{Instant, sleep_until};

use crate::task::{TaskKind, spawn};
pub use group::Exit;
use group::Group;
pub use memory::Processes;

/// What is to be run. There is no shell: every argument arrives as it is.
pub struct Order {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// What it reads; then its input is closed.
    pub input: Vec<u8>,
    /// What is kept until the last of its processes is gone: its folder, its place in a line.
    pub kept: Box<dyn Any + Send + Sync>,
}

/// A running child. Dropping it ends all its processes: they are asked first, and killed after a grace.
pub struct Child {
    group: Option<Group>,
    pulse: Arc<dyn Pulse>,
    stdin: Option<Feeding>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    complaints: Vec<u8>,
    exit: Option<Exit>,
    /// When the output is given up that some other process holds open after the child has ended.
    last_bytes: Option<Instant>,
    kept: Option<Box<dyn Any + Send + Sync>>,
}

/// Bytes on their way into the child.
struct Feeding {
    pipe: ChildStdin,
    bytes: Vec<u8>,
    fed: usize,
}

/// How long a child that was asked to end may take.
pub const GRACE: Duration = Duration::from_secs(2);
/// How long output is read on after the child has ended: another process of it may hold the pipe open.
const LAST_BYTES: Duration = Duration::from_millis(250);
/// How much is read at a time, in bytes.
const PIECE: usize = 64 * 1024;
/// How much of what the child complains of is kept, in bytes; the newest counts.
const COMPLAINTS: usize = 8 * 1024;

// === impl Child ===

impl Child {
    /// Starts it, in a process group of its own, and tells the pulse of it. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system cannot start it; `NotFound` and `PermissionDenied` mean that there is no such program.
    pub fn start(order: Order, pulse: Arc<dyn Pulse>) -> io::Result<Self> {
        let mut command = Command::new(&order.program);
        command
            .args(&order.args)
            .env_clear()
            .envs(order.env)
            .current_dir(&order.folder)
            .process_group(0)
            .stdin(if order.input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (group, mut process) = Group::start(&mut command)?;
        let mut child = Self {
            group: Some(group),
            pulse,
            stdin: None,
            stdout: None,
            stderr: None,
            complaints: Vec::new(),
            exit: None,
            last_bytes: None,
            kept: Some(order.kept),
        };
        child.pulse.process(child.id());
        let pipe = process.stdin.take().map(ChildStdin::from_std).transpose()?;
        child.stdin = pipe.map(|pipe| Feeding { pipe, bytes: order.input, fed: 0 });
        child.stdout = process.stdout.take().map(ChildStdout::from_std).transpose()?;
        child.stderr = process.stderr.take().map(ChildStderr::from_std).transpose()?;
        Ok(child)
    }

    /// Its process id, which is also that of its group.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.group.as_ref().map(Group::id)
    }

    /// What it wrote next, or nothing once it has ended and all was read. Meanwhile it is fed, and each piece
    /// of output is a beat of the pulse. Nothing is lost when this is given up and called again.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::new();
        let mut complaint = Vec::new();
        loop {
            if self.exit.is_some() && self.stdout.is_none() && self.stderr.is_none() {
                return Ok(None);
            }
            tokio::select! {
                biased;
                read = read(self.stdout.as_mut(), &mut piece), if self.stdout.is_some() => {
                    if read? == 0 {
                        self.stdout = None;
                        continue;
                    }
                    self.pulse.beat();
                    return Ok(Some(piece));
                }
                read = read(self.stderr.as_mut(), &mut complaint), if self.stderr.is_some() => {
                    if read? == 0 {
                        self.stderr = None;
                        continue;
                    }
                    self.pulse.beat();
                    self.complain(&complaint);
                    complaint.clear();
                }
                going_on = feed(self.stdin.as_mut()), if self.stdin.is_some() => {
                    if !going_on {
                        self.stdin = None;
                    }
                }
                exit = ended(self.group.as_mut()), if self.exit.is_none() => {
                    self.exit = Some(exit?);
                    self.stdin = None;
                    self.last_bytes = Some(Instant::now() + LAST_BYTES);
                }
                () = until(self.last_bytes), if self.last_bytes.is_some() => {
                    self.stdout = None;
                    self.stderr = None;
                }
            }
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// The newest of what it wrote to its standard error, up to 8 KiB.
    #[must_use]
    pub fn complaints(&self) -> &[u8] {
        &self.complaints
    }

    fn complain(&mut self, more: &[u8]) {
        self.complaints.extend_from_slice(more);
        let surplus = self.complaints.len().saturating_sub(COMPLAINTS);
        self.complaints.drain(..surplus);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.pulse.process(None);
        let (Some(group), kept) = (self.group.take(), self.kept.take()) else { return };
        spawn(TaskKind::Farewell, async move {
            group.end(GRACE).await;
            // Removing a folder that the child filled may take a while.
            drop(tokio::task::spawn_blocking(move || drop(kept)));
        });
    }
}

async fn read(
    pipe: Option<&mut (impl tokio::io::AsyncRead + Unpin)>,
    into: &mut Vec<u8>,
) -> io::Result<usize> {
    let Some(pipe) = pipe else { return Ok(0) };
    into.reserve(PIECE);
    pipe.take(PIECE as u64).read_buf(into).await
}

/// Whether there is more to feed. A child that reads no more is no failure: what it answers counts.
async fn feed(feeding: Option<&mut Feeding>) -> bool {
    let Some(feeding) = feeding else { return false };
    let rest = feeding.bytes.get(feeding.fed..).unwrap_or_default();
    match feeding.pipe.write(rest).await {
        Ok(count) if count > 0 => feeding.fed += count,
        _ => return false,
    }
    feeding.fed < feeding.bytes.len()
}

async fn ended(group: Option<&mut Group>) -> io::Result<Exit> {
    match group {
        Some(group) => group.ended().await,
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
