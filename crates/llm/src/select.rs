//! Which model suits a request: what it can do, how much it can hold, what it costs.
//!
//! Pure. Owns the score; refuses to ask anybody.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::{ModelSettings, Request};

/// Something that a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Converse.
    Chat,
    /// Write code.
    Code,
    /// See pictures.
    Vision,
    /// Use tools.
    ToolUse,
    /// Answer word by word.
    Streaming,
    /// Call functions.
    FunctionCalling,
}

/// What a model costs, per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    /// Tokens that it reads.
    pub input: f64,
    /// Tokens that it writes.
    pub output: f64,
}

/// What a request needs of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    /// What it must be able to do.
    pub capabilities: BTreeSet<Capability>,
    /// Tokens that it must read: a quarter of the characters.
    pub tokens: u64,
    /// Most tokens that it may write.
    pub max_output: Option<u64>,
}

/// Tokens of an answer whose length nobody limits.
const ANSWER: u64 = 1_000;
/// What a context that is too small costs a model.
const TOO_SMALL: f64 = 1_000.0;
/// What a unit of cost costs a model.
const COST: f64 = 100.0;
/// What each of its capabilities gains it.
const CAPABLE: f64 = 10.0;
/// Tokens in the unit of a [`Price`].
const MILLION: f64 = 1_000_000.0;

// === impl Capability ===

impl Capability {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Chat,
        Self::Code,
        Self::Vision,
        Self::ToolUse,
        Self::Streaming,
        Self::FunctionCalling,
    ];

    /// What a model is taken to be able to do when nobody says: all but see.
    #[must_use]
    pub fn usual() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|capability| *capability != Self::Vision).collect()
    }

    /// The word used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Code => "code",
            Self::Vision => "vision",
            Self::ToolUse => "tool_use",
            Self::Streaming => "streaming",
            Self::FunctionCalling => "function_calling",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Requirements ===

impl Requirements {
    /// What this request needs: to converse and to stream, and where it has tools, to use them.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let mut capabilities = BTreeSet::from([Capability::Chat, Capability::Streaming]);
        if !request.tools.is_empty() {
            capabilities.extend([Capability::ToolUse, Capability::FunctionCalling]);
        }
        Self { capabilities, tokens: request.prompt_tokens(), max_output: request.max_tokens }
    }

    /// What the model lacks, in words; `None` when it suits.
    #[must_use]
    pub fn lacking(&self, model: &ModelSettings) -> Option<String> {
        let missing: Vec<&str> = self
            .capabilities
            .difference(&model.capabilities)
            .map(|capability| capability.as_str())
            .collect();
        if !missing.is_empty() {
            return Some(format!("cannot do {}", missing.join(", ")));
        }
        let window = model.context_window.filter(|window| *window < self.tokens)?;
        Some(format!("holds {window} tokens, and about {} are needed", self.tokens))
    }

    /// How well the model suits; more is better. The platform's formula: `-100 * tokens/1000 * (price of
    /// reading + price of writing, per 1000)`, `-1000` when the context is smaller than the tokens and the
    /// answer, `+10` for each capability.
    #[must_use]
    pub fn score(&self, model: &ModelSettings) -> f64 {
        let price = model.price.unwrap_or_default();
        let cost = float(self.tokens) * (price.input + price.output) / MILLION;
        let whole = self.tokens.saturating_add(self.max_output.unwrap_or(ANSWER));
        let too_small = model.context_window.is_some_and(|window| window < whole);
        let capable = float(u64::try_from(model.capabilities.len()).unwrap_or(u64::MAX));
        capable * CAPABLE - cost * COST - if too_small { TOO_SMALL } else { 0.0 }
    }
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tool, Turn};

    fn model(
        capabilities: &[Capability],
        window: Option<u64>,
        price: Option<Price>,
    ) -> ModelSettings {
        ModelSettings {
            capabilities: capabilities.iter().copied().collect(),
            context_window: window,
            price,
            ..ModelSettings::named("m")
        }
    }

    fn needs(tokens: u64, max_output: Option<u64>) -> Requirements {
        Requirements { capabilities: BTreeSet::from([Capability::Chat]), tokens, max_output }
    }

    #[test]
    fn the_score_is_the_documents() {
        let chat = [Capability::Chat];
        // 2,000 tokens at 0.003 + 0.015 per thousand: -100 * 2 * 0.018 = -3.6, and one capability.
        let price = Some(Price { input: 3.0, output: 15.0 });
        let score = needs(2_000, None).score(&model(&chat, Some(8_192), price));
        assert!((score - (10.0 - 3.6)).abs() < 1e-9, "{score}");
        // 7,500 + 1,000 do not fit into 8,192.
        let score = needs(7_500, None).score(&model(&chat, Some(8_192), None));
        assert!((score - (10.0 - 1_000.0)).abs() < 1e-9, "{score}");
        assert!(needs(7_500, Some(500)).score(&model(&chat, Some(8_192), None)) > 0.0);
        assert!(needs(7_500, None).score(&model(&Capability::ALL, None, None)) > 59.0);
    }

    #[test]
    fn tools_need_a_model_that_uses_them() {
        let tool = Tool {
            name: "weather".to_owned(),
            description: String::new(),
            schema: serde_json::json!({}),
        };
        let turns = vec![Turn::User("один два три четыре".to_owned())];
        let request = Request { turns, tools: vec![tool], ..Request::default() };
        let needs = Requirements::of(&request);
        assert_eq!(needs.tokens, 6, "19 + 4 characters, a quarter each, upwards: {needs:?}");
        let lacking = needs.lacking(&model(&[Capability::Chat, Capability::Streaming], None, None));
        assert_eq!(lacking.as_deref(), Some("cannot do tool_use, function_calling"));
        assert_eq!(needs.lacking(&ModelSettings::named("m")), None, "unless something is said");
    }

    #[test]
    fn what_cannot_fit_is_said_beforehand() {
        let small = model(&Capability::ALL, Some(4_096), None);
        let lacking = needs(5_000, None).lacking(&small);
        assert_eq!(lacking.as_deref(), Some("holds 4096 tokens, and about 5000 are needed"));
    }
}
