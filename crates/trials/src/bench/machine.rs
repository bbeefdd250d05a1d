//! On what the figures were taken. No names of machines, no paths.

use std::fs;
use std::path::Path;

/// What it is.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Processors that the trial may use.
    pub processors: usize,
    /// The model of the processor.
    pub processor: String,
    /// Memory, in MiB.
    pub memory: u64,
    /// The kernel's version.
    pub kernel: String,
    /// The file system under the state directory.
    pub disk: String,
}

// === impl Machine ===

impl Machine {
    /// This one; `directory` is where state is kept.
    #[must_use]
    pub fn this(directory: &Path) -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            memory: field("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
                .unwrap_or_default()
                / 1_024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |text| text.trim().to_owned()),
            disk: file_system(directory).unwrap_or_else(unknown),
        }
    }
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The type of the mount with the longest path above the directory, and the kind of its device.
fn file_system(directory: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (device, path, kind) = (fields.next()?, fields.next()?, fields.next()?);
        directory.starts_with(path).then_some((path.len(), device, kind))
    });
    let (_, device, kind) = mounts.max_by_key(|(length, ..)| *length)?;
    let device = device.rsplit('/').next()?.trim_end_matches(|c: char| c.is_ascii_digit());
    Some(format!("{kind} on {device}"))
}
