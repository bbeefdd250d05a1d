//! The one place that starts tasks, and the one way they stop.
//!
//! Owns the count of running tasks and the two stages of a stop; refuses to lose a panic silently.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Takes connections from one listening socket. On stop: ends at once. On a panic: the gateway stops,
    /// because it would be deaf.
    Accept,
    /// Speaks HTTP on one connection. On stop: finishes the request in hand. On a panic: the connection is
    /// gone, nothing else.
    Connection,
    /// Speaks protocol v4 on one connection. On stop: says `shutdown`, closes with 1001. On a panic: the
    /// connection is gone, nothing else.
    Socket,
    /// Looks at the credentials of open sockets again. On stop: ends at once. On a panic: the gateway
    /// stops, because revoked credentials would live on.
    Leases,
}

/// The tasks of one gateway.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    running: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
}

// === impl TaskKind ===

impl TaskKind {
    /// The word in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Connection => "connection",
            Self::Socket => "socket",
            Self::Leases => "leases",
        }
    }

    fn ends_on_stop(self) -> bool {
        matches!(self, Self::Accept | Self::Leases)
    }

    fn stops_all_on_panic(self) -> bool {
        matches!(self, Self::Accept | Self::Leases)
    }
}

// === impl Tasks ===

impl Tasks {
    /// Starts a task. What happens to it on stop and on a panic is said by its kind.
    pub fn spawn(&self, kind: TaskKind, task: impl Future<Output = ()> + Send + 'static) {
        let (stop, abort) = (self.stop.clone(), self.abort.clone());
        self.running.spawn(async move {
            let end = if kind.ends_on_stop() { &stop } else { &abort };
            let guarded = AssertUnwindSafe(task).catch_unwind();
            let outcome = tokio::select! {
                outcome = guarded => outcome,
                () = end.cancelled() => return,
            };
            if outcome.is_err() {
                tracing::error!(task = kind.as_str(), "a task panicked");
                if kind.stops_all_on_panic() {
                    stop.cancel();
                }
            }
        });
    }

    /// Asks every task to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Fires when the tasks are asked to end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for all tasks to end after [`Self::stop`]; after `patience` those that are left are dropped.
    pub async fn finish(&self, patience: Duration) {
        self.running.close();
        if tokio::time::timeout(patience, self.running.wait()).await.is_err() {
            tracing::warn!(left = self.running.len(), "connections did not end in time");
            self.abort.cancel();
            self.running.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_and_then_insists() {
        let tasks = Tasks::default();
        tasks.spawn(TaskKind::Connection, std::future::pending());
        tasks.spawn(TaskKind::Accept, std::future::pending());
        tasks.stop();
        let begun = tokio::time::Instant::now();
        tasks.finish(Duration::from_secs(20)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(20));
        assert!(tasks.running.is_empty());
    }

    #[tokio::test]
    async fn a_panic_stops_all_only_where_it_must() {
        let tasks = Tasks::default();
        tasks.spawn(TaskKind::Connection, async { panic!("expected in this test") });
        tasks.spawn(TaskKind::Connection, async {});
        while !tasks.running.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!tasks.stopping().is_cancelled());
        tasks.spawn(TaskKind::Leases, async { panic!("expected in this test") });
        tasks.stopping().cancelled().await;
    }
}
