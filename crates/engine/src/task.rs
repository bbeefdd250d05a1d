//! The one place where this crate starts tasks, and what becomes of each kind when it ends.

use std::future::Future;

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// The mailbox's own loop: ends when the last engine handle is dropped. If it broke off nothing would
    /// be answered any more, so it catches whatever its turns do.
    Mailbox,
    /// The outbox's own loop: ends when the last engine handle is dropped.
    Outbox,
    /// One turn: its failure is a failed attempt of its messages.
    Turn,
    /// Leases, expiry, work that others left: each round stands alone, a failed one is logged.
    Upkeep,
}

/// Starts a task.
pub(crate) fn spawn(kind: TaskKind, task: impl Future<Output = ()> + Send + 'static) {
    tracing::trace!(?kind, "task started");
    drop(tokio::spawn(task));
}
