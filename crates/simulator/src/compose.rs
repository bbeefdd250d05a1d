//! Turns a plan into a reel: the events of a stream with its pauses and accidents, or one body.
//!
//! Owns the order of things; refuses to know what an event says (`Wire`).

use std::time::Duration;

use bytes::Bytes;

use crate::plan::{Piece, Plan};
use crate::recipe::{Accident, Midway, Recipe};
use crate::reel::{Drip, Event, Reel};

/// Pause between the bytes of a dripping answer when the name tells no pace.
const DRIP: Duration = Duration::from_millis(50);

/// Stands in a text for bytes that are not UTF-8, until the event is framed.
const NOT_UTF8: &str = "\u{fffd}";

/// How an interface writes an answer.
pub trait Wire {
    /// The events before the first piece.
    fn opening(&mut self, events: &mut Vec<Event>);
    /// The events of one piece.
    fn piece(&mut self, piece: &Piece, events: &mut Vec<Event>);
    /// The events after the last piece.
    fn ending(&mut self, events: &mut Vec<Event>);
    /// The marker that closes the stream.
    fn done(&self) -> Event;
    /// An error in the middle of the stream.
    fn error(&self) -> Event;
    /// An event that no client knows.
    fn unknown(&self) -> Event;
    /// A sign of life, if the interface has one.
    fn ping(&self) -> Option<Event>;
    /// The answer in one body.
    fn whole(&mut self) -> String;
}

/// The answer as a stream of events.
pub fn stream(plan: &Plan, wire: &mut dyn Wire, recipe: &Recipe, pace: Duration) -> Reel {
    let mut stream = Stream::new(wire, recipe, pace);
    stream.open();
    let midway = recipe.fault.midway;
    let mut left = plan.pieces.len();
    if plan.endless {
        // The second round holds no opening of a block: it is the one that can be repeated.
        left = (left * 2).max(midway.map_or(0, |midway| midway.after as usize));
    }
    let accident = midway.map(|midway| (left.min(midway.after as usize), midway.accident));
    let mut second_round = 0;
    for (number, piece) in plan.pieces.iter().cycle().take(left).enumerate() {
        if number == plan.pieces.len() {
            second_round = stream.reel.len();
        }
        if accident.is_some_and(|(at, accident)| at == number && stream.accident(accident)) {
            return stream.reel;
        }
        stream.piece(number, piece);
    }
    if accident.is_some_and(|(at, accident)| at == left && stream.accident(accident)) {
        return stream.reel;
    }
    if plan.endless {
        stream.reel.repeat_from(second_round);
        return stream.reel;
    }
    stream.close();
    stream.reel
}

/// The answer as one body; the second value is its announced length.
pub fn whole(body: String, recipe: &Recipe, pace: Duration) -> (Reel, usize) {
    let mut reel = Reel::new(recipe.framing.chunk, drip(recipe, pace));
    let body = Bytes::from(body);
    let (length, half) = (body.len(), body.len() / 2);
    let length = match recipe.fault.midway.map(|midway: Midway| midway.accident) {
        None | Some(Accident::Error) => {
            reel.send(body);
            length
        }
        Some(Accident::Hang) => {
            reel.send(body.slice(..half));
            reel.hang();
            length
        }
        Some(accident @ (Accident::Cut | Accident::Reset)) => {
            reel.send(body.slice(..half));
            reel.break_in(body.slice(half..), accident == Accident::Reset);
            length
        }
        Some(Accident::Eof | Accident::Torn) => {
            reel.send(body.slice(..half));
            half
        }
        Some(accident @ (Accident::BadJson | Accident::BadUtf8)) => {
            // A comma before the last brace, or in the middle bytes that begin no character.
            let (at, wrong) = match accident {
                Accident::BadJson => (length.saturating_sub(1), &b","[..]),
                _ => (half, &b"\xff\xc3\x28"[..]),
            };
            let broken = [&body[..at], wrong, &body[at..]].concat();
            let length = broken.len();
            reel.send(broken);
            length
        }
    };
    (reel, length)
}

/// How long an unstreamed answer takes: as long as its stream would.
pub fn duration(plan: &Plan, recipe: &Recipe, pace: Duration) -> Duration {
    let pauses = u32::try_from(plan.pieces.len().saturating_sub(1)).unwrap_or(u32::MAX);
    recipe.timing.first().saturating_add(pace.saturating_mul(pauses))
}

fn drip(recipe: &Recipe, pace: Duration) -> Option<Drip> {
    let pause = if pace.is_zero() { DRIP } else { pace };
    recipe.fault.drip.map(|bytes| Drip { bytes, pause })
}

/// One stream while it is put together.
struct Stream<'a> {
    wire: &'a mut dyn Wire,
    recipe: &'a Recipe,
    pace: Duration,
    reel: Reel,
    events: Vec<Event>,
}

// === impl Stream ===

impl<'a> Stream<'a> {
    fn new(wire: &'a mut dyn Wire, recipe: &'a Recipe, pace: Duration) -> Self {
        let reel = Reel::new(recipe.framing.chunk, drip(recipe, pace));
        Self { wire, recipe, pace, reel, events: Vec::new() }
    }

    fn open(&mut self) {
        if self.recipe.framing.bom {
            self.reel.send("\u{feff}");
        }
        self.wire.opening(&mut self.events);
        self.send();
        self.reel.wait(self.recipe.timing.first());
    }

    fn piece(&mut self, number: usize, piece: &Piece) {
        if number > 0 && self.recipe.fault.drip.is_none() {
            self.reel.wait(self.pace);
        }
        if self.recipe.framing.comments {
            let end = if self.recipe.framing.crlf { "\r\n" } else { "\n" };
            self.reel.send(format!(": keep-alive{end}{end}"));
            self.events.extend(self.wire.ping());
        }
        if self.recipe.framing.unknown {
            self.events.push(self.wire.unknown());
        }
        self.wire.piece(piece, &mut self.events);
        self.send();
    }

    fn close(&mut self) {
        self.wire.ending(&mut self.events);
        if !self.recipe.framing.no_done {
            self.events.push(self.wire.done());
        }
        self.send();
    }

    fn send(&mut self) {
        for event in self.events.drain(..) {
            self.reel.send(event.bytes(&self.recipe.framing));
        }
    }

    /// Plays an accident; says whether the stream ends with it.
    fn accident(&mut self, accident: Accident) -> bool {
        let mark = match accident {
            Accident::BadUtf8 => NOT_UTF8,
            _ => " broken",
        };
        self.wire.piece(&Piece::Text(mark.to_owned()), &mut self.events);
        let mut last = self.events.pop().unwrap_or_else(|| Event::data("{"));
        let framing = &self.recipe.framing;
        match accident {
            Accident::BadJson => {
                last.data.truncate(last.data.floor_char_boundary(last.data.len() / 2));
                self.events.push(last);
                self.send();
                return false;
            }
            Accident::BadUtf8 => {
                let bytes = not_utf8(last.bytes(framing));
                self.send();
                self.reel.send(bytes);
                return false;
            }
            Accident::Torn => {
                let mut bytes = last.bytes(framing);
                bytes.truncate(bytes.len() / 2);
                self.send();
                self.reel.send(bytes);
            }
            Accident::Cut | Accident::Reset => {
                let bytes = last.bytes(framing);
                self.reel.break_in(bytes, accident == Accident::Reset);
            }
            Accident::Hang => self.reel.hang(),
            Accident::Error => self.reel.send(self.wire.error().bytes(framing)),
            Accident::Eof => {}
        }
        true
    }
}

/// Puts bytes that are not UTF-8 where the mark stands.
fn not_utf8(bytes: Vec<u8>) -> Vec<u8> {
    let mark = NOT_UTF8.as_bytes();
    match bytes.windows(mark.len()).position(|window| window == mark) {
        Some(at) => [&bytes[..at], b"\xff\xc3\x28", &bytes[at + mark.len()..]].concat(),
        None => bytes,
    }
}
