//! What is configured about a provider, as plain values. Where they come from is not known here.

use std::collections::BTreeSet;

use domain::Secret;
pub use egress::Timeouts;

use crate::{Capability, Limits, Price};

/// One provider of models.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its id: what stands before the first slash in `provider/model`.
    pub id: String,
    /// Its address. A version at the end may be left out: where no segment of the path is a version such
    /// as `v1` or `v1beta`, `/v1` is put behind it. So `https://api.openai.com`, `https://api.openai.com/v1`
    /// and `https://host/api/paas/v4` all work. A trailing `/chat/completions` or `/messages` is cut off.
    pub base_url: String,
    /// The format it speaks.
    pub api: Api,
    /// The key; a blank one counts as none.
    pub key: Option<Secret>,
    /// More headers for every request. They are treated as secrets.
    pub headers: Vec<(String, Secret)>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What it allows for this key.
    pub limits: Limits,
    /// The models it has. Empty: any name is passed on to it.
    pub models: Vec<ModelSettings>,
}

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// OpenAI Chat Completions, which most servers speak.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
}

/// One model of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// Its id, as the provider names it; may contain slashes.
    pub id: String,
    /// Most tokens of an answer.
    pub max_output: Option<u64>,
    /// Tokens of a request and its answer together.
    pub context_window: Option<u64>,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// What it costs.
    pub price: Option<Price>,
}

// === impl ModelSettings ===

impl ModelSettings {
    /// A model of which nothing but the id is known: it can do what is usual.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            max_output: None,
            context_window: None,
            capabilities: Capability::usual(),
            price: None,
        }
    }
}
