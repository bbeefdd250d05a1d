//! Reads the log that a running process writes: its last lines, and what has been added since.
//!
//! Reads from the end, a block at a time, across the files of several days; never holds a whole file.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How much is read at once.
const BLOCK: u64 = 64 * 1024;
/// No more than this is read for one answer, however few lines passed the filter.
const LONGEST_SEARCH: u64 = 64 * 1024 * 1024;
/// A longer line is cut here: the writer never makes one.
const LONGEST_LINE: usize = 64 * 1024;
/// Bytes without a line feed that are held while looking for one; then they count as a line.
const LONGEST_HELD: usize = 1024 * 1024;

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFiles {
    /// A file for each day in this directory, `openclaw-YYYY-MM-DD.log`.
    Daily(PathBuf),
    /// This one file.
    Fixed(PathBuf),
}

/// Where reading stopped: everything before it has been seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The file's name; empty when there was none.
    pub file: String,
    /// Bytes of it that have been seen.
    pub offset: u64,
}

/// How much one answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Lines.
    pub lines: usize,
    /// Bytes of all lines together; the last one may go beyond.
    pub bytes: usize,
}

/// Lines of a log, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines as they were written, without the line feed.
    pub lines: Vec<String>,
    /// Where the next reading goes on.
    pub next: Cursor,
    /// Whether there are more: older ones before a tail, newer ones after a cursor.
    pub truncated: bool,
    /// Whether the file that the cursor named is gone or was cut, so that reading began anew.
    pub reset: bool,
}

/// Whether a file of this name is the log of one day.
#[must_use]
pub fn is_daily_name(name: &str) -> bool {
    let date = name.strip_prefix("openclaw-").and_then(|rest| rest.strip_suffix(".log"));
    date.is_some_and(|date| {
        date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

/// Pino's number in the line's `level`; `None` when the line has none.
///
/// Looks only at the head of the line, where the writer puts it.
#[must_use]
pub fn level_of(line: &str) -> Option<u8> {
    let digits = line.strip_prefix("{\"level\":")?;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    digits[..end].parse().ok()
}

// === impl LogFiles ===

impl LogFiles {
    /// The last lines of at least `level` (pino's number; 0 is everything, also lines that have no level).
    ///
    /// # Errors
    /// When a file that exists cannot be read. A log that does not exist has no lines.
    pub fn tail(&self, most: Most, level: u8) -> io::Result<Lines> {
        let mut found = VecDeque::new();
        let mut next = Cursor::default();
        let mut room = Room::new(most);
        let mut truncated = false;
        'files: for path in self.paths()?.iter().rev() {
            let Some(mut backwards) = Backwards::open(path)? else { continue };
            if next.file.is_empty() {
                next = Cursor { file: name(path), offset: backwards.whole_lines_end()? };
            }
            while let Some(line) = backwards.next_line(&mut room.search)? {
                if passes(&line, level) {
                    truncated = !room.is_left();
                    if truncated {
                        break 'files;
                    }
                    room.take(&line);
                    found.push_front(line);
                }
            }
            truncated = room.search == 0;
            if truncated {
                break;
            }
        }
        Ok(Lines { lines: found.into(), next, truncated, reset: false })
    }

    /// Lines of at least `level` that were added after `cursor`; those beyond `most` come with the next
    /// call. Goes on into the file of the next day.
    ///
    /// # Errors
    /// When a file that exists cannot be read.
    pub fn after(&self, cursor: &Cursor, most: Most, level: u8) -> io::Result<Lines> {
        let paths = self.paths()?;
        let known = paths.iter().position(|path| name(path) == cursor.file);
        let mut answer = Lines {
            next: cursor.clone(),
            reset: known.is_none() && !cursor.file.is_empty(),
            ..Lines::default()
        };
        let first_newer = paths.iter().position(|path| name(path) > cursor.file);
        // A name later than all there are: the clock was set back, or the log was moved.
        let first = known.or(first_newer).unwrap_or(paths.len().saturating_sub(1));
        let mut room = Room::new(most);
        for path in &paths[first..] {
            if name(path) != answer.next.file {
                answer.next = Cursor { file: name(path), offset: 0 };
            }
            read_on(path, &mut room, level, &mut answer)?;
            answer.truncated = !room.is_left();
            if answer.truncated {
                break;
            }
        }
        Ok(answer)
    }

    /// Whether a cursor can come from this log.
    #[must_use]
    pub fn gave(&self, cursor: &Cursor) -> bool {
        match self {
            Self::Daily(_) => is_daily_name(&cursor.file),
            Self::Fixed(path) => cursor.file == name(path),
        }
    }

    /// The files that exist, the oldest first.
    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let directory = match self {
            Self::Fixed(path) => return Ok(vec![path.clone()]),
            Self::Daily(directory) => directory,
        };
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry?;
            if is_daily_name(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }
}

/// Appends whole lines that follow `answer.next` in this file, and moves it behind them.
fn read_on(path: &Path, room: &mut Room, level: u8, answer: &mut Lines) -> io::Result<()> {
    let Some(mut file) = open(path)? else { return Ok(()) };
    if file.metadata()?.len() < answer.next.offset {
        answer.next.offset = 0;
        answer.reset = true;
    }
    file.seek(SeekFrom::Start(answer.next.offset))?;
    let mut pending = Vec::new();
    while room.is_left() {
        let read = file.by_ref().take(BLOCK.min(room.search)).read_to_end(&mut pending)?;
        if read == 0 {
            break;
        }
        room.search = room.search.saturating_sub(read as u64);
        let mut taken = 0;
        while room.is_left()
            && let Some(end) = end_of_line(&pending[taken..])
        {
            let line = text(pending[taken..taken + end].strip_suffix(b"\n").unwrap_or_default());
            taken += end;
            if passes(&line, level) {
                room.take(&line);
                answer.lines.push(line);
            }
        }
        answer.next.offset += taken as u64;
        pending.drain(..taken);
    }
    Ok(())
}

/// Where the first line ends, behind its line feed. What is longer than any line counts as one that says
/// nothing.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
    end.or_else(|| (bytes.len() > LONGEST_HELD).then_some(bytes.len()))
}

/// How much one answer may still take in.
struct Room {
    most: Most,
    /// Bytes that may still be read.
    search: u64,
}

// === impl Room ===

impl Room {
    fn new(most: Most) -> Self {
        Self { most, search: LONGEST_SEARCH }
    }

    fn is_left(&self) -> bool {
        self.most.lines > 0 && self.most.bytes > 0 && self.search > 0
    }

    fn take(&mut self, line: &str) {
        self.most.lines = self.most.lines.saturating_sub(1);
        self.most.bytes = self.most.bytes.saturating_sub(line.len());
    }
}

/// Gives the lines of one file, the last one first.
struct Backwards {
    file: File,
    /// Where the bytes of `held` begin in the file.
    start: u64,
    /// Bytes not yet given out. Their last line feed ends the next line to give.
    held: Vec<u8>,
}

// === impl Backwards ===

impl Backwards {
    /// `None` when there is no such file.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some(file) = open(path)? else { return Ok(None) };
        let start = file.metadata()?.len();
        Ok(Some(Self { file, start, held: Vec::new() }))
    }

    /// Drops a last line that is still being written; returns where the whole lines end.
    fn whole_lines_end(&mut self) -> io::Result<u64> {
        let mut budget = LONGEST_SEARCH;
        loop {
            if let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') {
                self.held.truncate(end + 1);
                return Ok(self.start + self.held.len() as u64);
            }
            if !self.read_block(&mut budget)? {
                self.held.clear();
                return Ok(self.start);
            }
        }
    }

    fn next_line(&mut self, budget: &mut u64) -> io::Result<Option<String>> {
        loop {
            let ended = self.held.strip_suffix(b"\n").unwrap_or(&self.held);
            if let Some(before) = ended.iter().rposition(|byte| *byte == b'\n') {
                let line = text(&ended[before + 1..]);
                self.held.truncate(before + 1);
                return Ok(Some(line));
            }
            let whole = (!self.held.is_empty()).then(|| text(ended));
            if self.held.len() > LONGEST_HELD {
                self.held.clear();
                return Ok(whole);
            }
            if *budget == 0 {
                return Ok(None);
            }
            if !self.read_block(budget)? {
                self.held.clear();
                return Ok(whole);
            }
        }
    }

    /// Reads the block before what is held; `false` at the beginning of the file.
    fn read_block(&mut self, budget: &mut u64) -> io::Result<bool> {
        let size = BLOCK.min(self.start);
        if size == 0 {
            return Ok(false);
        }
        self.start -= size;
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut block = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + self.held.len());
        self.file.by_ref().take(size).read_to_end(&mut block)?;
        block.append(&mut self.held);
        self.held = block;
        *budget = budget.saturating_sub(size);
        Ok(true)
    }
}

fn passes(line: &str, level: u8) -> bool {
    level == 0 || level_of(line).is_some_and(|own| own >= level)
}

/// The bytes as text; what is no UTF-8 is marked, a line beyond all measure is cut.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_LINE)]).into_owned()
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

#[cfg(test)]
mod tests;
