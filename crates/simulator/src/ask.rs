//! A request after its wire has checked it: what is needed to answer, and nothing of the wire's own.
//!
//! Owns the token count; refuses to know either interface.

use serde_json::Value;

/// Tokens that one image or file counts as, whatever its size.
const IMAGE_TOKENS: u64 = 256;

/// What a client asks of a model.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The model, as the client named it.
    pub model: String,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the stream must tell usage (OpenAI).
    pub include_usage: bool,
    /// Whether every chunk must tell usage (vLLM).
    pub usage_in_each: bool,
    /// Whether the model may think.
    pub may_think: bool,
    /// How many choices are wanted.
    pub choices: u32,
    /// The last words of the user.
    pub words: String,
    /// Results of tools that came after the last assistant turn.
    pub results: Vec<String>,
    /// How many assistant turns the request holds.
    pub turns: usize,
    /// Whether any tool result is in the history.
    pub has_results: bool,
    /// The declared tools.
    pub tools: Vec<Tool>,
    /// Which tool is to be called.
    pub choice: Choice,
    /// Whether several tools may be called at once.
    pub parallel: bool,
    /// Longest answer in tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// A schema that the answer must follow.
    pub format: Option<Value>,
    /// Size of the prompt.
    pub size: Size,
    /// The key of the conversation, when the request tells one.
    pub conversation: Option<String>,
}

/// A declared tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The schema of its arguments.
    pub schema: Value,
}

/// Which tool is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// As the model likes.
    #[default]
    Auto,
    /// None.
    Never,
    /// At least one.
    Any,
    /// This one.
    Named(String),
}

/// The size of a text with its images: a token is four characters, rounded up over the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Characters of text.
    characters: u64,
    /// Images and files.
    images: u64,
}

// === impl Ask ===

impl Ask {
    /// Whether the request forces a tool call.
    pub fn forces_tool(&self) -> bool {
        matches!(self.choice, Choice::Any | Choice::Named(_))
    }
}

// === impl Size ===

impl Size {
    /// Counts a text.
    pub fn text(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
    }

    /// Counts one image or file.
    pub fn image(&mut self) {
        self.images += 1;
    }

    /// Counts a JSON value as its compact text.
    pub fn json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            other => self.text(&other.to_string()),
        }
    }

    /// The size in tokens.
    pub fn tokens(self) -> u64 {
        self.characters.div_ceil(4) + self.images * IMAGE_TOKENS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_four_characters_rounded_up_over_the_whole() {
        let mut size = Size::default();
        assert_eq!(size.tokens(), 0);
        size.text("héé");
        size.text("lo");
        assert_eq!(size.tokens(), 2);
        size.image();
        assert_eq!(size.tokens(), 258);
    }
}
