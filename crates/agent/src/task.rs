//! The one place where this crate starts tasks, and what becomes of each kind when it ends.

use std::future::Future;

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Ends a child process that nobody reads any more. When the runtime stops first, what the task holds
    /// is dropped, and dropping it kills.
    Farewell,
}

/// Starts a task. Where there is no runtime any more, the task is dropped, and with it what it holds.
pub(crate) fn spawn(kind: TaskKind, task: impl Future<Output = ()> + Send + 'static) {
    tracing::trace!(?kind, "task started");
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(task)),
        Err(_) => drop(task),
    }
}
