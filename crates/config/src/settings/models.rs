//! `models`: providers, how they are reached, and what their models can do and cost.

use std::collections::BTreeMap;

use domain::Secret;
use domain::budget::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which models there are and how they are reached.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Models {
    /// Whether the providers here come beside the built-in ones or instead of them.
    pub mode: Mode,
    /// Providers, by the name that stands before `/` in a model.
    pub providers: BTreeMap<String, Provider>,
}

/// Whether written providers come beside the built-in ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Beside them.
    #[default]
    Merge,
    /// Instead of them.
    Replace,
}

/// Somebody who runs models.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// Where its interface is, for example `https://foundation-models.api.cloud.ru/v1`.
    #[schemars(extend("format" = "http-url"))]
    pub base_url: Option<String>,
    /// The key to show there; best written as `${NAME}`.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub api_key: Option<Secret>,
    /// Which protocol it speaks.
    pub api: Option<Api>,
    /// More headers for every request.
    #[schemars(with = "BTreeMap<String, String>", extend("writeOnly" = true))]
    pub headers: BTreeMap<String, Secret>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What it allows for this key. All tenants share it, fairly.
    pub limits: Limits,
    /// The currency of what its models cost.
    #[schemars(with = "String", extend("format" = "currency"))]
    pub currency: Currency,
    /// Its models.
    pub models: Vec<Model>,
}

/// Which protocol a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Chat Completions of OpenAI.
    OpenaiCompletions,
    /// Messages of Anthropic.
    AnthropicMessages,
}

/// How long a provider may take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Timeouts {
    /// To connect, in milliseconds.
    #[schemars(range(min = 1))]
    pub connect_ms: u64,
    /// Until the first byte of an answer, in milliseconds.
    #[schemars(range(min = 1))]
    pub first_byte_ms: u64,
    /// Between two bytes of an answer, in milliseconds.
    #[schemars(range(min = 1))]
    pub idle_ms: u64,
    /// For a whole answer, in milliseconds.
    #[schemars(range(min = 1))]
    pub total_ms: u64,
}

/// What a provider allows for one key. What is not written is not limited, but for providers whose limits are
/// known: `https://foundation-models.api.cloud.ru` allows 15 requests in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Requests in any 60 seconds.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_minute: Option<u64>,
    /// Tokens of requests and answers in any 60 seconds.
    #[schemars(range(min = 1, max = 10_000_000_000_u64))]
    pub tokens_per_minute: Option<u64>,
    /// Requests that are being answered at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrent_requests: Option<u64>,
    /// Requests in any second.
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_second: Option<u64>,
    /// Requests that may wait for their turn; without it, 256.
    #[schemars(range(min = 1, max = 10_000))]
    pub queue: Option<u64>,
}

/// A model of a provider.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["id"]))]
pub struct Model {
    /// Its name at the provider.
    #[schemars(length(min = 1))]
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// Which protocol it speaks, when that is not the provider's.
    pub api: Option<Api>,
    /// Whether it thinks before it answers.
    pub reasoning: bool,
    /// What it can read; text alone when nothing is written.
    pub input: Vec<Modality>,
    /// What it can do. Without it: everything but `vision`, and that too when it reads `image`.
    pub capabilities: Option<Vec<Capability>>,
    /// How many tokens fit into one request and its answer.
    #[schemars(range(min = 1))]
    pub context_window: Option<u64>,
    /// How many tokens an answer may have.
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// What it costs.
    pub cost: Option<Cost>,
    /// More headers for every request to this model.
    #[schemars(with = "BTreeMap<String, String>", extend("writeOnly" = true))]
    pub headers: BTreeMap<String, Secret>,
}

/// What a model can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Text.
    Text,
    /// Pictures.
    Image,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// What a model costs, in the provider's currency per million tokens. Zero is free, nothing written is not.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["input", "output"]))]
pub struct Cost {
    /// Tokens that it reads.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub input: f64,
    /// Tokens that it writes.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub output: f64,
    /// Tokens that it reads from a cache; the same as `input` when left out.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cache_read: Option<f64>,
    /// Tokens that it puts into a cache; the same as `input` when left out.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cache_write: Option<f64>,
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 10_000, first_byte_ms: 120_000, idle_ms: 120_000, total_ms: 600_000 }
    }
}

// === impl Provider ===

impl Provider {
    /// One of its models.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }
}
