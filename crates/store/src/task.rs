//! The one place where this crate starts a task: a file's writer. It ends when the last handle to the
//! file is dropped, after it has settled what it was given.

use std::future::Future;

/// Starts a writer.
pub(crate) fn spawn(writer: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(writer));
}
