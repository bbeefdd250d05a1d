//! What will be emitted for a request: pieces in order, the reason for the end, usage. The same on both wires.
//!
//! Owns the words of the answer, its limits and its token counts; refuses to know how either wire writes it.

mod malform;
mod voice;

use crate::ask::{Ask, Size};
use crate::recipe::{NameShape, Recipe};
use crate::script::{Call, Script};

/// Longest piece of text without a space, in characters.
const LONGEST_TOKEN: usize = 12;

/// Tokens after which an endless answer ends when nobody gave a limit and it is not streamed.
const LONGEST_UNSTREAMED: u32 = 16_384;

/// What will be emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The parts, each one a token or so.
    pub pieces: Vec<Piece>,
    /// Whether the parts repeat until the client leaves.
    pub endless: bool,
    /// Whether the content is null rather than empty.
    pub null_content: bool,
    /// Why it ends.
    pub finish: Finish,
    /// What it costs.
    pub usage: Usage,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Thinking.
    Thinking(String),
    /// Words of the answer.
    Text(String),
    /// Part of a tool call.
    Tool(ToolPiece),
}

/// Part of a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPiece {
    /// Which call this belongs to, in truth, from zero.
    pub call: usize,
    /// Which call it says it belongs to.
    pub index: usize,
    /// Whether the call begins here.
    pub opens: bool,
    /// The id.
    pub id: Field,
    /// The name.
    pub name: Field,
    /// Text to append to the arguments.
    pub arguments: String,
}

/// A JSON field that may be absent, null, or text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Not there.
    Absent,
    /// There, and null.
    Null,
    /// There.
    Text(String),
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// All was said.
    Stop,
    /// One of the client's stop texts came up.
    StopText(String),
    /// The limit was reached.
    Length,
    /// Tools are called.
    Tools,
    /// No reason is given.
    Unsaid,
    /// This word, on whatever wire.
    Other(String),
}

/// Tokens, each four characters, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The prompt, with what came from the cache.
    pub prompt: u64,
    /// The part of the prompt that came from the cache.
    pub cached: u64,
    /// The answer, with its thinking.
    pub completion: u64,
    /// The thinking.
    pub thinking: u64,
}

/// Counts what pieces cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    all: Size,
    thinking: Size,
}

/// What an answer says, before it is cut into pieces.
#[derive(Debug, Clone, PartialEq, Default)]
struct Speech {
    thinking: String,
    text: String,
    calls: Vec<Call>,
}

/// Plans the answer. `id_prefix` and `number` make the ids of its calls.
pub fn plan(ask: &Ask, recipe: &Recipe, scripts: &[Script], id_prefix: &str, number: u64) -> Plan {
    let mut speech = voice::speech(ask, recipe, scripts);
    if recipe.shape.null_content {
        speech.text.clear();
    }
    if recipe.shape.name == NameShape::Undeclared && !speech.calls.is_empty() {
        speech.calls = vec![Call::undeclared(); speech.calls.len()];
    }
    let stopped = stop_at(&mut speech, &ask.stop);
    let malformed = malform::pieces(speech, &recipe.shape, &format!("{id_prefix}{number:08}"));
    let endless = recipe.shape.endless || (recipe.shape.endless_if_forced && ask.forces_tool());
    let (mut pieces, mut finish) = (malformed.pieces, stopped.unwrap_or(malformed.finish));
    if endless {
        pieces = voice::loop_pieces();
    }
    let limit = match ask.max_tokens {
        None if endless && !ask.stream => Some(LONGEST_UNSTREAMED),
        limit => limit,
    };
    if let Some(limit) = limit {
        if endless {
            repeat_to(&mut pieces, limit);
        }
        if cut_to(&mut pieces, limit) {
            finish = Finish::Length;
        }
    }
    if let Some(wanted) = &recipe.shape.finish {
        finish = Finish::named(wanted);
    }
    let mut usage = Usage { prompt: ask.size.tokens(), ..Usage::default() };
    usage.cached = u64::from(recipe.content.cached).min(usage.prompt);
    let mut meter = Meter::default();
    pieces.iter().for_each(|piece| meter.add(piece));
    meter.read(&mut usage);
    let endless = endless && limit.is_none();
    Plan { pieces, endless, null_content: recipe.shape.null_content, finish, usage }
}

/// Ends the text before the first stop text in it.
fn stop_at(speech: &mut Speech, stops: &[String]) -> Option<Finish> {
    let found = |stop: &String| Some((speech.text.find(stop.as_str())?, stop.clone()));
    let (at, stop) = stops.iter().filter_map(found).min_by_key(|(at, _)| *at)?;
    speech.text.truncate(at);
    speech.calls.clear();
    Some(Finish::StopText(stop))
}

/// Repeats the pieces until they are longer than the limit.
fn repeat_to(pieces: &mut Vec<Piece>, limit: u32) {
    let cycle = pieces.clone();
    let length: usize = cycle.iter().map(|piece| piece.text().chars().count()).sum();
    for _ in 0..(limit as usize * 4) / length.max(1) + 1 {
        pieces.extend_from_slice(&cycle);
    }
}

/// Cuts the pieces to a number of tokens; says whether anything was cut.
fn cut_to(pieces: &mut Vec<Piece>, limit: u32) -> bool {
    let mut left = limit as usize * 4;
    for (index, piece) in pieces.iter_mut().enumerate() {
        let length = piece.text().chars().count();
        if length > left {
            piece.truncate(left);
            let keep = if left == 0 { index } else { index + 1 };
            pieces.truncate(keep);
            return true;
        }
        left -= length;
    }
    false
}

/// Cuts a text into tokens: words with the space before them, long ones cut.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut length = 0;
        let end = rest.char_indices().find_map(|(at, character)| {
            let ends = at > 0 && (character.is_whitespace() || length == LONGEST_TOKEN);
            length += 1;
            ends.then_some(at)
        });
        let (token, left) = rest.split_at(end.unwrap_or(rest.len()));
        rest = left;
        (!token.is_empty()).then_some(token)
    })
}

// === impl Meter ===

impl Meter {
    /// Counts a piece.
    pub fn add(&mut self, piece: &Piece) {
        self.all.text(piece.text());
        match piece {
            Piece::Thinking(text) => self.thinking.text(text),
            Piece::Tool(ToolPiece { opens: true, name: Field::Text(name), .. }) => {
                self.all.text(name);
            }
            Piece::Text(_) | Piece::Tool(_) => {}
        }
    }

    /// Writes the counts into a usage.
    pub fn read(&self, usage: &mut Usage) {
        (usage.completion, usage.thinking) = (self.all.tokens(), self.thinking.tokens());
    }
}

// === impl Piece ===

impl Piece {
    /// The text that it adds.
    pub fn text(&self) -> &str {
        match self {
            Self::Thinking(text) | Self::Text(text) => text,
            Self::Tool(piece) => &piece.arguments,
        }
    }

    /// Keeps the first characters only.
    fn truncate(&mut self, characters: usize) {
        let (Self::Thinking(text) | Self::Text(text)) = self else {
            let Self::Tool(piece) = self else { return };
            truncate(&mut piece.arguments, characters);
            return;
        };
        truncate(text, characters);
    }
}

/// Keeps the first characters only.
fn truncate(text: &mut String, characters: usize) {
    if let Some((at, _)) = text.char_indices().nth(characters) {
        text.truncate(at);
    }
}

// === impl Field ===

impl Field {
    /// As serde writes a field that may be absent or null.
    pub fn nullable(&self) -> Option<Option<&str>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Text(text) => Some(Some(text)),
        }
    }
}

// === impl Finish ===

impl Finish {
    fn named(word: &str) -> Self {
        match word {
            "none" => Self::Unsaid,
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" => Self::Tools,
            other => Self::Other(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
