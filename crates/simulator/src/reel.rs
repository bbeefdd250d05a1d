//! The bytes of an answer and the pauses between them, in the order in which they leave.
//!
//! Owns the layout of server-sent events (WHATWG HTML, section 9.2) and where the bytes are split; refuses to
//! know what they say.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;

use crate::recipe::{Chunk, Framing};

/// Size from which a chunk of [`Chunk::All`] takes no more events, in bytes.
const FULL: usize = 16 * 1024;

/// One act of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// These bytes, as one HTTP chunk.
    Send(Bytes),
    /// What was sent so far leaves the process now.
    Flush,
    /// Nothing happens for a while.
    Wait(Duration),
    /// Nothing happens for ever.
    Hang,
    /// Half of these bytes leave, then the connection breaks.
    Break {
        /// The bytes.
        bytes: Bytes,
        /// With a reset instead of a close.
        reset: bool,
    },
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's name, when the interface names its events.
    pub name: Option<&'static str>,
    /// Its data.
    pub data: String,
}

/// A few bytes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drip {
    /// How many.
    pub bytes: NonZeroUsize,
    /// The pause after them.
    pub pause: Duration,
}

/// An answer as steps.
#[derive(Debug, Clone, Default)]
pub struct Reel {
    steps: Vec<Step>,
    again: Option<usize>,
    chunk: Chunk,
    drip: Option<Drip>,
}

// === impl Reel ===

impl Reel {
    /// An empty reel.
    pub fn new(chunk: Chunk, drip: Option<Drip>) -> Self {
        Self { chunk, drip, ..Self::default() }
    }

    /// Sends bytes, split as the reel splits.
    pub fn send(&mut self, bytes: impl Into<Bytes>) {
        let bytes: Bytes = bytes.into();
        if bytes.is_empty() {
            return;
        }
        if let Some(drip) = self.drip {
            for part in parts(&bytes, drip.bytes) {
                self.steps.push(Step::Send(part));
                self.steps.push(Step::Wait(drip.pause));
            }
            return;
        }
        match (self.chunk, self.steps.last_mut()) {
            (Chunk::Bytes(size), _) => {
                for part in parts(&bytes, size) {
                    self.steps.push(Step::Send(part));
                    self.steps.push(Step::Flush);
                }
            }
            (Chunk::All, Some(Step::Send(last))) if last.len() < FULL => {
                *last = [last.as_ref(), bytes.as_ref()].concat().into();
            }
            _ => self.steps.push(Step::Send(bytes)),
        }
    }

    /// Waits, if there is anything to wait for.
    pub fn wait(&mut self, span: Duration) {
        if !span.is_zero() {
            self.steps.push(Step::Wait(span));
        }
    }

    /// Falls silent for ever.
    pub fn hang(&mut self) {
        self.steps.push(Step::Flush);
        self.steps.push(Step::Hang);
    }

    /// Breaks the connection in the middle of these bytes.
    pub fn break_in(&mut self, bytes: impl Into<Bytes>, reset: bool) {
        self.steps.push(Step::Flush);
        self.steps.push(Step::Break { bytes: bytes.into(), reset });
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Plays everything from this step on again and again.
    pub fn repeat_from(&mut self, step: usize) {
        self.again = (step < self.steps.len()).then_some(step);
    }

    /// Whether nothing but pauses comes from this step on.
    pub fn is_over_at(&self, number: usize) -> bool {
        let pause = |step: &Step| matches!(step, Step::Flush | Step::Wait(_));
        self.again.is_none() && self.steps.iter().skip(number).all(pause)
    }

    /// The step of this number, going round if the reel repeats.
    pub fn step(&self, number: usize) -> Option<&Step> {
        match self.again {
            Some(again) if number >= self.steps.len() => {
                let round = self.steps.len() - again;
                self.steps.get(again + (number - again) % round)
            }
            _ => self.steps.get(number),
        }
    }
}

// === impl Event ===

impl Event {
    /// An event without a name.
    pub fn data(data: impl Into<String>) -> Self {
        Self { name: None, data: data.into() }
    }

    /// The event as bytes.
    pub fn bytes(&self, framing: &Framing) -> Vec<u8> {
        let end = if framing.crlf { "\r\n" } else { "\n" };
        let space = if framing.no_space { "" } else { " " };
        let mut text = String::with_capacity(self.data.len() + 64);
        let mut field = |name: &str, value: &str| {
            for part in [name, ":", space, value, end] {
                text.push_str(part);
            }
        };
        if let Some(name) = self.name {
            field("event", name);
        }
        if framing.multiline {
            // A JSON text may hold a line break wherever a comma stands outside of a string.
            lines(&self.data).for_each(|line| field("data", line));
        } else {
            field("data", &self.data);
        }
        text.push_str(end);
        text.into_bytes()
    }
}

/// Cuts bytes into parts of one size.
fn parts(bytes: &Bytes, size: NonZeroUsize) -> impl Iterator<Item = Bytes> {
    let part = move |at| bytes.slice(at..bytes.len().min(at + size.get()));
    (0..bytes.len()).step_by(size.get()).map(part)
}

/// Cuts JSON after each comma that stands between two values.
fn lines(json: &str) -> impl Iterator<Item = &str> {
    let (mut inside, mut escaped) = (false, false);
    json.split_inclusive(move |character| {
        let ends = character == ',' && !inside;
        match character {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(reel: &Reel) -> Vec<Vec<u8>> {
        let bytes = |step: &Step| match step {
            Step::Send(bytes) => Some(bytes.to_vec()),
            _ => None,
        };
        (0..reel.len()).filter_map(|number| reel.step(number)).filter_map(bytes).collect()
    }

    #[test]
    fn frames_as_asked() {
        let event = Event { name: Some("ping"), data: r#"{"a":"x,\",y","b":[1,2]}"#.to_owned() };
        let text = |framing: Framing| String::from_utf8(event.bytes(&framing)).unwrap();
        assert_eq!(
            text(Framing::default()),
            "event: ping\ndata: {\"a\":\"x,\\\",y\",\"b\":[1,2]}\n\n"
        );
        let framing = Framing { crlf: true, no_space: true, multiline: true, ..Framing::default() };
        assert_eq!(
            text(framing),
            "event:ping\r\ndata:{\"a\":\"x,\\\",y\",\r\ndata:\"b\":[1,\r\ndata:2]}\r\n\r\n"
        );
    }

    #[test]
    fn splits_as_asked() {
        let mut whole = Reel::new(Chunk::All, None);
        let mut pairs = Reel::new(Chunk::Bytes(NonZeroUsize::new(2).unwrap()), None);
        let drop = Drip { bytes: NonZeroUsize::MIN, pause: Duration::from_millis(1) };
        let mut drip = Reel::new(Chunk::Event, Some(drop));
        for reel in [&mut whole, &mut pairs, &mut drip] {
            reel.send("abc");
            reel.send("é");
        }
        assert_eq!(sent(&whole), ["abcé".as_bytes()]);
        assert_eq!(sent(&pairs), [b"ab".as_slice(), b"c", "é".as_bytes()]);
        assert_eq!(sent(&drip).len(), 5);
    }

    #[test]
    fn repeats_from_a_step() {
        let mut reel = Reel::new(Chunk::Event, None);
        for text in ["a", "b", "c"] {
            reel.send(text);
        }
        reel.repeat_from(1);
        let played: Vec<_> = (0..7).map(|number| reel.step(number).unwrap().clone()).collect();
        let letter = |step: &Step| match step {
            Step::Send(bytes) => char::from(bytes[0]),
            _ => '?',
        };
        assert_eq!(played.iter().map(letter).collect::<String>(), "abcbcbc");
    }
}
