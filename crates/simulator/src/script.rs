//! Prepared conversations, for rehearsals and for tests that need exact words.

use serde_json::{Value, json};

/// A conversation whose answers are known beforehand. The turn is chosen by how many assistant turns the
/// request holds, so a repeated request gets the same answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The name, as in `script=NAME`.
    pub name: String,
    /// The answers in order. After the last one the script says that it has ended.
    pub turns: Vec<Turn>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Turn {
    /// What is thought before it; empty for nothing.
    pub thinking: String,
    /// What is said; empty for nothing.
    pub text: String,
    /// The tools that are called after it.
    pub calls: Vec<Call>,
    /// Options of the model-name grammar for this turn alone, such as `cut-after=3`; empty for none.
    pub options: String,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

// === impl Script ===

impl Script {
    /// A script of these turns.
    #[must_use]
    pub fn new(name: impl Into<String>, turns: impl IntoIterator<Item = Turn>) -> Self {
        Self { name: name.into(), turns: turns.into_iter().collect() }
    }

    /// The script that every simulator knows.
    pub(crate) fn greeting() -> Self {
        Self::new(
            "greeting",
            [
                Turn::text("Hello! I am a simulated model. What is your name?"),
                Turn::text("Nice to meet you. What can I do for you today?"),
                Turn::text("That sounds good. I have noted it."),
            ],
        )
    }

    /// The turn of this number, from zero.
    pub(crate) fn turn(&self, number: usize) -> Turn {
        self.turns.get(number).cloned().unwrap_or_else(|| Turn::text("The script has ended."))
    }
}

// === impl Turn ===

impl Turn {
    /// An answer in words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The same with thinking before it.
    #[must_use]
    pub fn thinking(mut self, thinking: impl Into<String>) -> Self {
        self.thinking = thinking.into();
        self
    }

    /// The same with one more tool call.
    #[must_use]
    pub fn call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.calls.push(Call { name: name.into(), arguments });
        self
    }

    /// The same with options of the model-name grammar.
    #[must_use]
    pub fn with(mut self, options: impl Into<String>) -> Self {
        self.options = options.into();
        self
    }
}

// === impl Call ===

impl Call {
    /// The call that stands in for a declared tool when the request declares none.
    pub(crate) fn undeclared() -> Self {
        Self { name: "undeclared_tool".to_owned(), arguments: json!({"reason": "simulated"}) }
    }
}
