//! What is asked of a model, in our own words, whatever format it will be sent in.

use serde_json::Value;

/// One question to a model: everything that it shall know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The model's id at its provider, as a route's hop names it.
    pub model: String,
    /// Instructions. What changes least comes first, so that providers can cache the beginning.
    pub system: Vec<String>,
    /// The conversation so far, oldest first.
    pub turns: Vec<Turn>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Most tokens of the answer. `None`: as much as the provider allows.
    pub max_tokens: Option<u64>,
    /// Sampling temperature. `None`: the model's own.
    pub temperature: Option<f64>,
}

/// One contribution to the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The person said something.
    User(String),
    /// The model said something, called tools, or both.
    Assistant {
        /// The words; may be empty.
        text: String,
        /// The calls.
        calls: Vec<ToolCall>,
    },
    /// What the calls of the turn before gave.
    Results(Vec<ToolResult>),
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does and when to call it.
    pub description: String,
    /// The JSON schema of its arguments.
    pub schema: Value,
}

/// A complete call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, never empty, unlike any other in the same answer.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// A JSON object, written as text.
    pub arguments: String,
}

/// What one call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of the call.
    pub call: String,
    /// What the model is told.
    pub text: String,
    /// Whether the call failed.
    pub failed: bool,
}

/// Tokens that an answer is expected to have at most.
const USUAL_ANSWER: u64 = 1_000;

// === impl Turn ===

impl Turn {
    /// The model said something and called nothing.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { text: text.into(), calls: Vec::new() }
    }
}

// === impl Request ===

impl Request {
    /// Tokens of everything that the model reads, as the platform counts: a quarter of the characters,
    /// rounded up.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        self.size(|text| text.chars().count()).div_ceil(4)
    }

    /// Tokens of the request and its answer, for limits that are corrected afterwards. A quarter of the
    /// bytes: letters beyond ASCII make more tokens than English does.
    #[must_use]
    pub fn expected_tokens(&self) -> u64 {
        let answer = self.max_tokens.unwrap_or(USUAL_ANSWER).min(USUAL_ANSWER);
        self.size(str::len).div_ceil(4).saturating_add(answer)
    }

    fn size(&self, of: impl Fn(&str) -> usize) -> u64 {
        let mut size = 0_u64;
        let mut add = |text: &str| size += u64::try_from(of(text)).unwrap_or(u64::MAX);
        self.system.iter().for_each(|text| add(text));
        for turn in &self.turns {
            match turn {
                Turn::User(text) => add(text),
                Turn::Assistant { text, calls } => {
                    add(text);
                    calls.iter().for_each(|call| add(&call.arguments));
                }
                Turn::Results(results) => results.iter().for_each(|result| add(&result.text)),
            }
        }
        for tool in &self.tools {
            add(&tool.description);
            add(&tool.schema.to_string());
        }
        size
    }

    /// How many calls the conversation holds already; new ids count on from there.
    pub(crate) fn calls(&self) -> usize {
        self.turns
            .iter()
            .map(|turn| match turn {
                Turn::Assistant { calls, .. } => calls.len(),
                Turn::User(_) | Turn::Results(_) => 0,
            })
            .sum()
    }
}
