//! What a running process writes about itself: JSON lines in a file, words on the terminal.
//!
//! Never waits for a disk or a terminal: what cannot be queued is dropped and counted. Refuses to let
//! untrusted text break a line, grow it, or carry anything that looks like a key.

mod console;
mod file;
mod layer;
mod level;
pub mod panic;
mod record;
pub mod redact;
pub mod words;

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, Coded, Kind};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;

pub use console::Style;
pub use level::Threshold;

use file::RollingFile;
use layer::{LogLayer, Thresholds};

/// Lines that may wait for the disk; more are dropped and counted.
const WAITING_FOR_DISK: usize = 8_192;
/// Lines that may wait for the terminal.
const WAITING_FOR_TERMINAL: usize = 1_024;

/// Lines that were dropped because the disk or the terminal was too slow.
const LINES_DROPPED: &str = "openclaw_log_lines_dropped_total";
/// Lines that the disk did not take.
const WRITE_ERRORS: &str = "openclaw_log_write_errors_total";

/// Where the file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A new file each day (UTC), `openclaw-YYYY-MM-DD.log`, in this directory.
    Daily {
        /// The directory; made with mode 0700 when it is missing.
        directory: PathBuf,
        /// How many such files are kept, the newest; at least one.
        keep: usize,
    },
    /// Always this file. When something else renames it, a new one is begun within a second.
    Fixed(PathBuf),
}

/// What is logged, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What enters the file.
    pub level: Threshold,
    /// What is shown on the terminal.
    pub console_level: Threshold,
    /// How it looks there.
    pub style: Style,
    /// Whether it may have colours.
    pub colour: bool,
    /// The file.
    pub place: Place,
}

/// The running log. What was queued is written when this is dropped.
#[derive(Debug)]
pub struct Logging {
    levels: Levels,
    _writers: [WorkerGuard; 2],
}

/// What is logged, changeable while running. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Levels(Arc<Thresholds>);

/// A log that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be made or written.
    #[error(
        "the log file in {directory} cannot be opened; make the directory writable or set logging.file"
    )]
    Open {
        /// Where it was to be.
        directory: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Something has begun a log in this process already.
    #[error("this process has a log already")]
    Twice,
}

/// Begins the log of this process and catches panics into it.
///
/// # Errors
/// [`Error`] when the file cannot be opened, or when there is a log already.
pub fn start(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Logging, Error> {
    let file = RollingFile::open(settings.place.clone(), Arc::clone(&clock)).map_err(|source| {
        Error::Open { directory: settings.place.directory().to_owned(), source }
    })?;
    let (file, file_guard) = queue("log-file", WAITING_FOR_DISK, file);
    let (console, console_guard) = queue("log-console", WAITING_FOR_TERMINAL, std::io::stderr());
    let thresholds = Arc::new(Thresholds::new(settings.level, settings.console_level));
    let layer = LogLayer::new(
        Arc::clone(&thresholds),
        clock,
        file,
        console::Console::new(settings.style, settings.colour, console),
    );
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .map_err(|_| Error::Twice)?;
    panic::report_to_log();
    Ok(Logging { levels: Levels(thresholds), _writers: [file_guard, console_guard] })
}

/// Tells the recorder of metrics what the log counts. To be called once it is there.
pub fn describe_metrics() {
    metrics::describe_counter!(
        LINES_DROPPED,
        "Log lines dropped because the disk or terminal was slow"
    );
    metrics::describe_counter!(WRITE_ERRORS, "Log lines that could not be written to the file");
    for name in [LINES_DROPPED, WRITE_ERRORS] {
        metrics::counter!(name).increment(0);
    }
}

fn queue(
    name: &str,
    waiting: usize,
    writer: impl std::io::Write + Send + 'static,
) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(waiting)
        .thread_name(name)
        .finish(writer)
}

// === impl Logging ===

impl Logging {
    /// What is logged, to be changed while running.
    #[must_use]
    pub fn levels(&self) -> Levels {
        self.levels.clone()
    }
}

// === impl Levels ===

impl Levels {
    /// Changes what enters the file and what is shown on the terminal from now on.
    pub fn set(&self, level: Threshold, console_level: Threshold) {
        self.0.set(level, console_level);
    }
}

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        Kind::Internal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "log-unwritable",
            Self::Twice => "log-twice",
        }
    }
}

// === impl Place ===

impl Place {
    fn directory(&self) -> &std::path::Path {
        match self {
            Self::Daily { directory, .. } => directory,
            Self::Fixed(path) => path.parent().unwrap_or(path),
        }
    }
}

#[cfg(test)]
mod tests;
