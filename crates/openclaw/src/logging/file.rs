//! The log file: a new one each day, the oldest removed; or one that somebody else rotates.
//!
//! The names are those that the documentation and people's scripts know, which no library writes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use gateway::log_file::is_daily_name;
use time::OffsetDateTime;
use time::macros::format_description;

use super::Place;

/// How often a fixed file is looked at for having been renamed.
const LOOK: Duration = Duration::from_secs(1);
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// A writer of whole lines that changes files when it is time to.
pub struct RollingFile {
    place: Place,
    clock: Arc<dyn Clock>,
    open: BufWriter<File>,
    /// Since when this file is right: the day it is for, or when it was last looked at.
    since: Timestamp,
}

/// The name of the file of the day of this moment, in UTC.
#[must_use]
pub fn daily_name(now: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(now.0.div_euclid(1_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_default();
    format!("openclaw-{date}.log")
}

// === impl RollingFile ===

impl RollingFile {
    /// Opens the file for the current day, for its owner only, and removes the oldest of too many.
    ///
    /// # Errors
    /// When the directory cannot be made or the file cannot be opened.
    pub fn open(place: Place, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let now = clock.now();
        let open = open_at(&place, now)?;
        Ok(Self { place, clock, open, since: now })
    }

    fn roll_if_due(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        let due = match &self.place {
            Place::Daily { .. } => {
                now.0.div_euclid(DAY_MILLIS) != self.since.0.div_euclid(DAY_MILLIS)
            }
            Place::Fixed(path) if now.since(self.since) >= LOOK => {
                self.since = now;
                !is_the_file_at(self.open.get_ref(), path)
            }
            Place::Fixed(_) => false,
        };
        if due {
            // What the old file cannot take must not keep the new one from being opened.
            let _ = self.open.flush();
            self.open = open_at(&self.place, now)?;
            self.since = now;
        }
        Ok(())
    }
}

impl Write for RollingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.roll_if_due().and_then(|()| self.open.write_all(line));
        if written.is_err() {
            metrics::counter!(super::WRITE_ERRORS).increment(1);
        }
        written.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.flush()
    }
}

fn open_at(place: &Place, now: Timestamp) -> io::Result<BufWriter<File>> {
    let directory = place.directory();
    if !directory.as_os_str().is_empty() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let path = match place {
        Place::Daily { directory, .. } => directory.join(daily_name(now)),
        Place::Fixed(path) => path.clone(),
    };
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if let Place::Daily { directory, keep } = place {
        remove_oldest(directory, (*keep).max(1))?;
    }
    Ok(BufWriter::with_capacity(16 * 1024, file))
}

fn remove_oldest(directory: &Path, keep: usize) -> io::Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_daily_name))
        .collect();
    files.sort_unstable();
    let extra = files.len().saturating_sub(keep);
    files.iter().take(extra).try_for_each(fs::remove_file)
}

fn is_the_file_at(open: &File, path: &Path) -> bool {
    match (open.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    impl Hands {
        fn set_day(&self, day: i64) {
            self.0.store(day * DAY_MILLIS + 5, Ordering::Relaxed);
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn each_day_has_a_file_and_the_oldest_go() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state/logs");
        let clock = Arc::new(Hands::default());
        let place = Place::Daily { directory: directory.clone(), keep: 2 };
        let mut file = RollingFile::open(place, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        fs::write(directory.join("openclaw-notes.log"), "mine").unwrap();
        for day in [0, 1, 1, 3] {
            clock.set_day(day);
            file.write_all(format!("day {day}\n").as_bytes()).unwrap();
        }
        file.flush().unwrap();
        assert_eq!(
            names(&directory),
            ["openclaw-1970-01-02.log", "openclaw-1970-01-04.log", "openclaw-notes.log"]
        );
        let second = fs::read_to_string(directory.join("openclaw-1970-01-02.log")).unwrap();
        assert_eq!(second, "day 1\nday 1\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join("openclaw-1970-01-04.log")), 0o600);
    }

    #[test]
    fn a_fixed_file_that_was_renamed_is_begun_anew() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("own.log");
        let clock = Arc::new(Hands::default());
        let place = Place::Fixed(path.clone());
        let mut file = RollingFile::open(place, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        file.write_all(b"one\n").unwrap();
        file.flush().unwrap();
        fs::rename(&path, root.path().join("own.log.1")).unwrap();
        clock.0.store(1_000, Ordering::Relaxed);
        file.write_all(b"two\n").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read_to_string(root.path().join("own.log.1")).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    }
}
