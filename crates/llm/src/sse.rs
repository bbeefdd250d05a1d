//! Server-sent events out of bytes that may be split anywhere, without losing or inventing any.
//!
//! Follows <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>,
//! with two differences: text that is not UTF-8 is an error instead of being replaced, and an event has a
//! size limit. An event without its closing blank line at the end of the stream is no event.

use std::time::Duration;

use bytes::{Buf, Bytes};

#[cfg(test)]
mod tests;

/// Largest event that is taken unless told otherwise, in bytes.
pub const EVENT_LIMIT: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event, borrowed from the parser until it is asked for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's name; empty when the server gave none, which means `message`.
    pub name: &'a str,
    /// The lines of its data, joined by line feeds.
    pub data: &'a str,
    /// The last id that the server gave, with this event or an earlier one; empty when it gave none.
    pub id: &'a str,
}

/// Why the stream cannot be understood. After it the parser yields nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A field of an event is not UTF-8.
    #[error("an event of the stream is not UTF-8 text")]
    NotText,
    /// An event is larger than the limit.
    #[error("an event of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Turns pieces of a stream into events. Time is linear in the bytes; buffers are reused, so that an event
/// costs no allocation once they have grown.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// What was pushed and not yet looked at.
    piece: Bytes,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    name: String,
    data: String,
    id: String,
    retry: Option<Duration>,
    data_lines: usize,
    at_start: bool,
    after_carriage_return: bool,
    /// The fields hold an event that was yielded already.
    yielded: bool,
    failed: bool,
}

// === impl Parser ===

impl Default for Parser {
    fn default() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }
}

impl Parser {
    /// A parser that refuses events of more than `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            piece: Bytes::new(),
            line: Vec::new(),
            name: String::new(),
            data: String::new(),
            id: String::new(),
            retry: None,
            data_lines: 0,
            at_start: true,
            after_carriage_return: false,
            yielded: false,
            failed: false,
        }
    }

    /// Hands in the next bytes. It costs least when [`Parser::next_event`] has returned `None` before.
    pub fn push(&mut self, piece: Bytes) {
        if self.piece.is_empty() {
            self.piece = piece;
        } else {
            self.piece = [&self.piece[..], &piece[..]].concat().into();
        }
    }

    /// The next event that is complete; `None` when more bytes are needed.
    pub fn next_event(&mut self) -> Option<Result<Event<'_>, ParseError>> {
        if self.failed {
            return None;
        }
        if self.yielded {
            self.yielded = false;
            self.forget();
        }
        match self.read() {
            Ok(false) => None,
            Ok(true) => {
                self.yielded = true;
                Some(Ok(Event { name: &self.name, data: &self.data, id: &self.id }))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }

    /// How long the server asked to wait before a reconnection, if it did.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Reads lines until an event is complete (`true`) or the bytes are used up (`false`).
    fn read(&mut self) -> Result<bool, ParseError> {
        loop {
            if self.after_carriage_return && self.piece.has_remaining() {
                self.after_carriage_return = false;
                if self.piece[0] == b'\n' {
                    self.piece.advance(1);
                }
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', &self.piece) else {
                self.hold_back()?;
                return Ok(false);
            };
            let rest = self.piece.split_to(end);
            self.after_carriage_return = self.piece[0] == b'\r';
            self.piece.advance(1);
            let complete = if self.line.is_empty() {
                self.take_line(&rest)?
            } else {
                self.line.extend_from_slice(&rest);
                let mut line = std::mem::take(&mut self.line);
                let complete = self.take_line(&line)?;
                line.clear();
                self.line = line;
                complete
            };
            if complete {
                return Ok(true);
            }
        }
    }

    /// Keeps the beginning of a line for the next push.
    fn hold_back(&mut self) -> Result<(), ParseError> {
        let piece = std::mem::take(&mut self.piece);
        self.check_size(self.line.len() + piece.len())?;
        self.line.extend_from_slice(&piece);
        Ok(())
    }

    /// Takes one whole line in. Returns whether it completed an event.
    fn take_line(&mut self, line: &[u8]) -> Result<bool, ParseError> {
        self.check_size(line.len())?;
        let line = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            let complete = self.data_lines > 0;
            if !complete {
                self.forget();
            }
            return Ok(complete);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        self.take_field(field, value.strip_prefix(b" ").unwrap_or(value))?;
        Ok(false)
    }

    fn take_field(&mut self, field: &[u8], value: &[u8]) -> Result<(), ParseError> {
        match field {
            b"data" => {
                if self.data_lines > 0 {
                    self.data.push('\n');
                }
                self.data_lines += 1;
                self.data.push_str(text(value)?);
            }
            b"event" => replace(&mut self.name, text(value)?),
            b"id" if !value.contains(&0) => replace(&mut self.id, text(value)?),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                self.retry = text(value)?.parse().map(Duration::from_millis).ok().or(self.retry);
            }
            // A comment, or a field that the standard tells us to ignore.
            _ => {}
        }
        Ok(())
    }

    fn check_size(&self, line: usize) -> Result<(), ParseError> {
        let fits = line.saturating_add(self.data.len()) <= self.limit;
        if fits { Ok(()) } else { Err(ParseError::TooLarge { limit: self.limit }) }
    }

    fn forget(&mut self) {
        self.name.clear();
        self.data.clear();
        self.data_lines = 0;
    }
}

fn text(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|_| ParseError::NotText)
}

fn replace(field: &mut String, value: &str) {
    field.clear();
    field.push_str(value);
}
