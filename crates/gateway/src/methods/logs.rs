//! `logs.tail`: the end of the log, and what came since.
//!
//! Owns a bounded read of the daily files; refuses every name but that of a log file of ours.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::{Call, Payload, payload};
use crate::Error;

const MOST_LINES: usize = 5_000;
const USUAL_LINES: usize = 500;

/// The most that one answer reads, in bytes.
const MOST_READ: u64 = 512 * 1024;

#[derive(Deserialize)]
struct TailParams {
    #[serde(default)]
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    level: Option<String>,
}

/// A place in the log: a file and how much of it was read. Written `<file>@<bytes>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Cursor {
    file: String,
    offset: u64,
}

/// What one look at the log found.
#[derive(Debug)]
struct Tail {
    lines: Vec<String>,
    cursor: Option<Cursor>,
}

/// `logs.tail {cursor?, limit?, level?}` -> `{lines, cursor}`. Without a cursor the last lines of the
/// newest file; with the cursor of an earlier answer what came since. `level` leaves out what is less
/// severe.
pub(super) async fn tail(call: Call) -> Result<Payload, Error> {
    let params: TailParams = call.request.params()?;
    let least = params.level.as_deref().map(severity).transpose()?.unwrap_or(0);
    let limit = params.limit.unwrap_or(USUAL_LINES).clamp(1, MOST_LINES);
    let folder = call.context.gateway.logs.clone();
    let tail = read_off_thread(move || read(&folder, params.cursor, limit, least)).await?;
    let cursor = tail.cursor.map(|cursor| format!("{}@{}", cursor.file, cursor.offset));
    payload(&json!({ "lines": tail.lines, "cursor": cursor }))
}

async fn read_off_thread<F>(work: F) -> Result<Tail, Error>
where
    F: FnOnce() -> std::io::Result<Tail> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(read) => read.map_err(Error::Log),
        Err(error) => Err(Error::Log(std::io::Error::other(error))),
    }
}

fn read(folder: &Path, cursor: Option<Cursor>, limit: usize, least: u64) -> std::io::Result<Tail> {
    let files = files(folder)?;
    let Some(newest) = files.last() else {
        return Ok(Tail { lines: Vec::new(), cursor });
    };
    let known = cursor.filter(|cursor| files.contains(&cursor.file));
    let (file, from) = match &known {
        Some(cursor) => (&cursor.file, Some(cursor.offset)),
        None => (newest, None),
    };
    let (mut lines, offset, is_end) = read_lines(&folder.join(file), from)?;
    lines.retain(|line| level_of(line).is_none_or(|level| level >= least));
    if known.is_none() && lines.len() > limit {
        lines.drain(..lines.len() - limit);
    }
    // Yesterday's file was read to its end: the next look begins with today's.
    let cursor = match files.iter().find(|other| *other > file) {
        Some(next) if is_end => Cursor { file: next.clone(), offset: 0 },
        _ => Cursor { file: file.clone(), offset },
    };
    Ok(Tail { lines, cursor: Some(cursor) })
}

/// The log files, oldest first: their names hold the day.
fn files(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut files: Vec<String> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_log(name))
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    files.sort();
    Ok(files)
}

fn is_log(name: &str) -> bool {
    name.strip_prefix("openclaw-").and_then(|rest| rest.strip_suffix(".log")).is_some_and(|day| {
        !day.is_empty() && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Complete lines from a place on, or at the end; how far they reach, and whether that is the end.
fn read_lines(path: &PathBuf, from: Option<u64>) -> std::io::Result<(Vec<String>, u64, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = from.unwrap_or_else(|| length.saturating_sub(MOST_READ)).min(length);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let mut lines: Vec<String> =
        String::from_utf8_lossy(&bytes[..complete]).lines().map(str::to_owned).collect();
    if from.is_none() && start > 0 && !lines.is_empty() {
        // The first one is cut in two.
        lines.remove(0);
    }
    let end = start + complete as u64;
    Ok((lines, end, end == length))
}

/// The numbers of pino, which the log file uses.
fn severity(word: &str) -> Result<u64, Error> {
    let known =
        [("trace", 10), ("debug", 20), ("info", 30), ("warn", 40), ("error", 50), ("fatal", 60)];
    known.iter().find(|(name, _)| *name == word).map(|(_, number)| *number).ok_or_else(|| {
        let problem = "must be trace, debug, info, warn, error or fatal".to_owned();
        Error::Field { field: "level", problem }
    })
}

fn level_of(line: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Level {
        level: u64,
    }
    serde_json::from_str::<Level>(line).ok().map(|line| line.level)
}

// === impl Cursor ===

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (file, offset) = text.rsplit_once('@').ok_or("not a cursor of logs.tail")?;
        let offset = offset.parse().map_err(|_| "not a cursor of logs.tail")?;
        if !is_log(file) {
            return Err("not a cursor of logs.tail");
        }
        Ok(Self { file: file.to_owned(), offset })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let mut options = File::options();
        let mut file = options.create(true).append(true).open(folder.join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_cursor_follows_into_the_next_day() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(read(folder, None, 10, 0).unwrap().lines.is_empty());
        write(folder, "openclaw-2026-11-20.log", "{\"level\":30}\n{\"level\":50}\nhalf");
        let first = read(folder, None, 1, 0).unwrap();
        assert_eq!(first.lines, [r#"{"level":50}"#]);
        write(folder, "openclaw-2026-11-20.log", " a line\n");
        write(folder, "openclaw-2026-11-21.log", "new day\n");
        let second = read(folder, first.cursor, 10, 40).unwrap();
        assert_eq!(second.lines, ["half a line"]);
        let third = read(folder, second.cursor, 10, 0).unwrap();
        assert_eq!(third.lines, ["new day"]);
        assert!(read(folder, third.cursor, 10, 0).unwrap().lines.is_empty());
    }

    #[test]
    fn only_log_files_are_read() {
        for bad in [
            "../../etc/passwd@0",
            "openclaw-.log@0",
            "openclaw-x.log@0",
            "a",
            "openclaw-2026-11-20.log@-1",
        ] {
            assert!(Cursor::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(Cursor::try_from("openclaw-2026-11-20.log@17".to_owned()).is_ok());
    }
}
