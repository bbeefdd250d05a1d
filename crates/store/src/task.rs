//! The one place where this crate starts tasks. A file's writer ends when the last handle to the file is dropped,
//! after it has settled what it was given. Those who admit calls and book what they used end when nobody waits;
//! what a stop cuts off is found by the next start.

use std::future::Future;

/// Starts one.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
