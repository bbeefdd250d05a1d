//! Where a panic is told: in the log of a running process, on the terminal otherwise.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::PanicHookInfo;

use super::record::safe;

/// From now on a panic becomes one fatal line of the log: where, and what it said without keys. The
/// stack follows only when `RUST_BACKTRACE` asks for it, cut like every other field.
pub fn report_to_log() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let stack = (backtrace.status() == BacktraceStatus::Captured)
            .then(|| tracing::field::display(backtrace));
        tracing::error!(
            target: "panic",
            fatal = true,
            code = "process-panic",
            location = place(panic),
            stack,
            "a panic: {}",
            words(panic)
        );
    }));
}

/// From now on a panic is told on the standard error stream, without keys.
pub fn report_to_terminal() {
    std::panic::set_hook(Box::new(|panic| {
        let text = format!("panic at {}: {}\n", place(panic), words(panic));
        // When nobody can be told, the exit code still tells it.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }));
}

/// Where it happened, as `file:line`.
#[must_use]
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "unknown".into(), |at| format!("{}:{}", at.file(), at.line()))
}

/// What it said, safe to show.
#[must_use]
fn words(panic: &PanicHookInfo<'_>) -> String {
    safe(panic.payload_as_str().unwrap_or("no message"))
}
