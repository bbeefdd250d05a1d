//! A process group: told signals, waited for, and reaped to the last member that is ours.
//!
//! The leader is not reaped before the group was killed: as long as it is there, dead or alive, no other
//! process can have its number, so no signal reaches a stranger.

use std::io;
use std::process::{self, Command};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid,
};
use tokio::signal::unix::{self, SignalKind};
use tokio::time::timeout;

use super::memory::{Process, Processes};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A process group of our own making. Dropping it kills what is left.
pub(super) struct Group {
    leader: Pid,
    children: unix::Signal,
    gone: bool,
}

// === impl Group ===

impl Group {
    /// Starts the leader. `command` must put it into a group of its own.
    pub(super) fn start(command: &mut Command) -> io::Result<(Self, process::Child)> {
        // Before the start, so that no end is missed.
        let children = unix::signal(SignalKind::child())?;
        let process = command.spawn()?;
        let leader = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("a process without a number"))?;
        limit(leader);
        Ok((Self { leader, children, gone: false }, process))
    }

    pub(super) fn id(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the leader has ended, and leaves it unreaped.
    pub(super) async fn ended(&mut self) -> io::Result<Exit> {
        loop {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pid(self.leader), options) {
                Ok(Some(status)) => return Ok(Exit::from(&status)),
                Ok(None) => {
                    self.children.recv().await;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends every member, and every descendant that left the group: they are asked, and what is still there
    /// after the grace is killed. A leader that has ended already leaves no grace to the others.
    pub(super) async fn end(mut self, grace: Duration) {
        let before = Processes::read();
        self.signal(Signal::TERM);
        let _ended_or_not = timeout(grace, self.ended()).await;
        let now = Processes::read();
        let strays = before.family(self.id()).chain(now.family(self.id()));
        for stray in strays.filter(|process| process.group != self.id() && now.holds(process)) {
            kill(stray);
        }
        self.signal(Signal::KILL);
        while !self.reap() {
            self.children.recv().await;
        }
    }

    fn signal(&self, signal: Signal) {
        if !self.gone {
            // It fails when nobody is left, which is what is wanted.
            let _nobody_left = kill_process_group(self.leader, signal);
        }
    }

    /// Takes away the dead that are our children: the leader, and where we are the first process of a
    /// container, orphans too. Returns whether nobody is left to wait for.
    fn reap(&mut self) -> bool {
        while !self.gone {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pgid(Some(self.leader)), options) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return false,
                Err(_) => self.gone = true,
            }
        }
        true
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.reap();
    }
}

// === impl Exit ===

impl From<&WaitIdStatus> for Exit {
    fn from(status: &WaitIdStatus) -> Self {
        match status.terminating_signal() {
            Some(signal) => Self::Signal(signal),
            None => Self::Code(status.exit_status().unwrap_or(-1)),
        }
    }
}

fn kill(process: &Process) {
    if let Some(pid) = i32::try_from(process.id).ok().and_then(Pid::from_raw) {
        let _gone_already = kill_process(pid, Signal::KILL);
    }
}

/// What people wrote must not end up in a core file, and when memory runs out the system is to end the child
/// before it ends us. Neither is worth failing for.
#[cfg(target_os = "linux")]
fn limit(leader: Pid) {
    use rustix::process::{Resource, Rlimit, prlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _without = prlimit(Some(leader), Resource::Core, none);
    let _without =
        std::fs::write(format!("/proc/{}/oom_score_adj", leader.as_raw_nonzero()), "800");
}

#[cfg(not(target_os = "linux"))]
fn limit(_: Pid) {}
