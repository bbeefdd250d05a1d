//! Figures of the process itself and of the machine below it: memory, processor time, files, disk, version.
//!
//! Owns their names. Looks again when it is told to; measures nothing of what the parts of the product do.

mod process;

use std::path::{Path, PathBuf};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const BUILD: &str = "openclaw_build_info";
const PROCESSORS: &str = "openclaw_processors";
const MEMORY: &str = "process_resident_memory_bytes";
const PROCESSOR_SECONDS: &str = "process_cpu_seconds_total";
const FILES: &str = "process_open_fds";
const MOST_FILES: &str = "process_max_fds";
const STARTED: &str = "process_start_time_seconds";
const DISK_FREE: &str = "openclaw_disk_free_bytes";
const DISK_SIZE: &str = "openclaw_disk_size_bytes";

/// What is looked at.
#[derive(Debug)]
pub(super) struct Figures {
    state: PathBuf,
}

/// Says what each figure means.
pub(super) fn describe() {
    describe_gauge!(BUILD, "Always 1; the version is in the label.");
    describe_gauge!(PROCESSORS, "Processors that this process may use.");
    describe_gauge!(MEMORY, Unit::Bytes, "Memory of the process that is in RAM.");
    describe_counter!(PROCESSOR_SECONDS, Unit::Seconds, "Processor time taken since the start.");
    describe_gauge!(FILES, "Files and sockets that are open.");
    describe_gauge!(MOST_FILES, "Files and sockets that may be open.");
    describe_gauge!(STARTED, Unit::Seconds, "When the process began, in seconds since 1970.");
    describe_gauge!(DISK_FREE, Unit::Bytes, "Room on the disk of the state directory.");
    describe_gauge!(DISK_SIZE, Unit::Bytes, "Size of the disk of the state directory.");
}

// === impl Figures ===

impl Figures {
    /// Those of this process, whose state is in the directory; looked at once.
    pub(super) fn new(state: &Path) -> Self {
        describe();
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let figures = Self { state: state.to_owned() };
        figures.refresh();
        figures
    }

    /// Looks again. What cannot be found out keeps its last value.
    pub(super) fn refresh(&self) {
        let set = |name: &'static str, found: Option<u64>| {
            if let Some(number) = found {
                gauge!(name).set(float(number));
            }
        };
        set(MEMORY, process::memory());
        set(FILES, process::open_files());
        set(MOST_FILES, process::most_files());
        set(STARTED, process::started());
        if let Some(seconds) = process::processor_seconds() {
            counter!(PROCESSOR_SECONDS).absolute(seconds);
        }
        set(PROCESSORS, std::thread::available_parallelism().ok().map(|count| count.get() as u64));
        let (free, size) = room(&self.state).unzip();
        set(DISK_FREE, free);
        set(DISK_SIZE, size);
    }
}

/// Bytes that this user may still write on the disk of the directory, and bytes that it has.
#[cfg(unix)]
fn room(directory: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(directory).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some((bytes(found.f_bavail), bytes(found.f_blocks)))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<(u64, u64)> {
    None
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody has 2^52 bytes of disk")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn this_process_and_this_disk_have_figures() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let directory = tempfile::tempdir().unwrap();
        metrics::with_local_recorder(&recorder, || drop(Figures::new(directory.path())));
        let text = recorder.handle().render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
            let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert_eq!(value(BUILD), 1.0);
        assert!(value(PROCESSORS) >= 1.0);
        assert!(value(DISK_FREE) > 0.0 && value(DISK_SIZE) >= value(DISK_FREE));
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_start_time_seconds") > 1.7e9);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }

    #[test]
    fn a_directory_that_is_gone_has_no_room_and_stops_nothing() {
        assert_eq!(room(Path::new("/nowhere/at/all")), None);
    }
}
