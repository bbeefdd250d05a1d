//! What was said and what was acknowledged, as the one who spoke remembers it.
//!
//! Owns the other side of the story: it is never read from the product.

use std::fmt::Write;

/// One conversation, and everything said in it.
#[derive(Debug)]
pub struct Ledger {
    /// Its session key, or the end of it when the gateway makes up the rest.
    pub session: String,
    /// What was said, in the order in which it was said.
    pub messages: Vec<Message>,
    /// How often something was said again because no acknowledgement had come.
    pub resent: usize,
    /// What the gateway refused although it should not have.
    pub refusals: Vec<String>,
}

/// One message.
#[derive(Debug)]
pub struct Message {
    /// Its name; the same however often it is sent.
    pub key: String,
    /// The words; no two messages have the same.
    pub text: String,
    /// Whether the gateway said that it has it.
    pub acknowledged: bool,
    /// The answer, where it comes with the acknowledgement.
    pub answer: Option<String>,
}

const WORDS: &[&str] =
    &["ship", "fog", "lamp", "tide", "bell", "harbour", "north", "ё", "雾", "🚢"];
const MOST_WORDS: usize = 12;

// === impl Ledger ===

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn new(session: String) -> Self {
        Self { session, messages: Vec::new(), resent: 0, refusals: Vec::new() }
    }

    /// Makes up one more message, a few words long.
    pub fn invent(&mut self, chance: &mut fastrand::Rng) {
        let number = self.messages.len();
        let name = self.session.rsplit(':').next().unwrap_or_default();
        let mut text = format!("<{name}.{number}>");
        for _ in 0..chance.usize(1..=MOST_WORDS) {
            let word = WORDS.get(chance.usize(..WORDS.len())).copied().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = write!(text, " {word}");
        }
        let key = format!("{name}.{number}.{:016x}", chance.u64(..));
        self.messages.push(Message { key, text, acknowledged: false, answer: None });
    }

    /// Everything before this was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.messages.iter().take_while(|message| message.acknowledged).count()
    }
}
