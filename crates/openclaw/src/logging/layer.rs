//! Turns tracing events into records and hands them to the file and the terminal.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use domain::Clock;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::console::Console;
use super::level::{self, Threshold};
use super::record::{Fields, Record};

/// Our own crates. Other people's code is heard from `warn` up only, whatever the level: below that
/// it may print headers and bodies.
const OURS: [&str; 18] = [
    "ads",
    "agent",
    "bus",
    "channels",
    "config",
    "domain",
    "egress",
    "engine",
    "gateway",
    "graph",
    "llm",
    "openclaw",
    "ops",
    "panic",
    "plugins",
    "simulator",
    "store",
    "tui",
];

/// What passes, changeable while running.
#[derive(Debug)]
pub struct Thresholds {
    file: AtomicU8,
    console: AtomicU8,
}

/// The one layer of the subscriber.
#[derive(Debug)]
pub struct LogLayer {
    thresholds: Arc<Thresholds>,
    clock: Clocked,
    pid: u32,
    file: NonBlocking,
    console: Console,
    losses: [ErrorCounter; 2],
    reported: AtomicUsize,
}

/// A clock that can stand in a `Debug` struct.
struct Clocked(Arc<dyn Clock>);

// === impl Thresholds ===

impl Thresholds {
    /// Starts with these.
    #[must_use]
    pub fn new(file: Threshold, console: Threshold) -> Self {
        Self { file: AtomicU8::new(file.number()), console: AtomicU8::new(console.number()) }
    }

    /// Changes both, and makes tracing ask again about every place in the code.
    pub fn set(&self, file: Threshold, console: Threshold) {
        self.file.store(file.number(), Ordering::Relaxed);
        self.console.store(console.number(), Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    fn lowest(&self) -> u8 {
        self.file.load(Ordering::Relaxed).min(self.console.load(Ordering::Relaxed))
    }

    /// Whether something of this level could be written. Every error could: it may turn out fatal.
    fn may_pass(&self, metadata: &Metadata<'_>) -> bool {
        let ours = OURS.contains(&metadata.target().split("::").next().unwrap_or_default());
        let heard = ours || *metadata.level() <= tracing::Level::WARN;
        heard && Threshold::filter(self.lowest()) >= *metadata.level()
    }
}

// === impl LogLayer ===

impl LogLayer {
    /// A layer that writes to both.
    pub fn new(
        thresholds: Arc<Thresholds>,
        clock: Arc<dyn Clock>,
        file: NonBlocking,
        console: Console,
    ) -> Self {
        Self {
            losses: [file.error_counter(), console.error_counter()],
            thresholds,
            clock: Clocked(clock),
            pid: std::process::id(),
            file,
            console,
            reported: AtomicUsize::new(0),
        }
    }

    fn write(&self, record: &Record<'_>) {
        if record.level >= self.thresholds.file.load(Ordering::Relaxed) {
            // Queueing cannot fail: a full queue drops the line and counts it.
            let _ = self.file.clone().write_all(record.to_json_line().as_bytes());
        }
        if record.level >= self.thresholds.console.load(Ordering::Relaxed) {
            self.console.show(record);
        }
        self.report_losses();
    }

    fn report_losses(&self) {
        let lost = self.losses.iter().map(ErrorCounter::dropped_lines).sum();
        if self.reported.swap(lost, Ordering::Relaxed) != lost {
            metrics::counter!(super::LINES_DROPPED)
                .absolute(u64::try_from(lost).unwrap_or(u64::MAX));
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.thresholds.may_pass(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.thresholds.may_pass(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(Threshold::filter(self.thresholds.lowest()))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.inherit(outer);
            }
        }
        let level =
            if fields.fatal { level::FATAL } else { level::number(*event.metadata().level()) };
        let module = event.metadata().target();
        self.write(&Record { level, time: self.clock.0.now().0, pid: self.pid, module, fields });
    }
}

impl std::fmt::Debug for Clocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
