//! `agents`: the model, workspace and limits of agents, all of them and each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::backends::CliBackend;
use super::sandbox::Sandbox;
use crate::format::ModelRef;

/// How agents think and act.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Agents {
    /// What holds for every agent.
    pub defaults: Defaults,
    /// What holds for single agents. An agent is a tenant.
    pub list: Vec<Agent>,
}

/// What holds for every agent.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Defaults {
    /// The model that answers, `provider/model`, or one with others that step in.
    pub model: Option<ModelChoice>,
    /// Short names for models, by `provider/model`.
    pub models: BTreeMap<String, ModelEntry>,
    /// The folder of AGENTS.md, SOUL.md and the other files that an agent reads. Without it, a folder
    /// for each tenant below the state folder.
    #[schemars(length(min = 1))]
    pub workspace: Option<String>,
    /// How many turns run at a time, over all sessions. The same as `concurrency.maxWorkers`, which counts
    /// when both are written.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_concurrent: Option<u32>,
    /// After how long a turn is stopped, in seconds. The same as `concurrency.workerTimeoutMs`, which counts
    /// when both are written.
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<u64>,
    /// Where commands run.
    pub sandbox: Sandbox,
    /// Programs that think, by the name that stands before `/` in a model.
    pub cli_backends: BTreeMap<String, CliBackend>,
}

/// A short name for a model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelEntry {
    /// The short name.
    #[schemars(length(min = 1))]
    pub alias: Option<String>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["id"]))]
pub struct Agent {
    /// The name of the tenant.
    #[schemars(length(min = 1))]
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// Whether it is the one that is meant when none is named.
    pub default: bool,
    /// Its folder.
    #[schemars(length(min = 1))]
    pub workspace: Option<String>,
    /// Its model.
    pub model: Option<ModelChoice>,
    /// Where its commands run, instead of the default as a whole.
    pub sandbox: Option<Sandbox>,
}

/// A model, or one with others that step in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ModelChoice {
    /// The model, `provider/model`.
    One(ModelRef),
    /// The model and those that step in.
    Chain(ModelChain),
}

/// A model and those that step in when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelChain {
    /// The model, `provider/model`.
    pub primary: Option<ModelRef>,
    /// Those that step in, in order.
    pub fallbacks: Vec<ModelRef>,
    /// How often the last model of the chain is asked again. Without it, 2: three calls.
    #[schemars(range(max = 10))]
    pub max_retries: Option<u32>,
    /// How long to wait before the first of these, in milliseconds; it doubles each time. Without it, 1000.
    #[schemars(range(max = 60_000))]
    pub retry_delay_ms: Option<u64>,
}

// === impl Agents ===

impl Agents {
    /// What is written for one agent.
    #[must_use]
    pub fn agent(&self, id: &str) -> Option<&Agent> {
        self.list.iter().find(|agent| agent.id == id)
    }
}

// === impl Defaults ===

impl Defaults {
    /// The `provider/model` behind a short name; what is not a short name is what it says.
    #[must_use]
    pub fn resolve(&self, model: &ModelRef) -> ModelRef {
        self.models
            .iter()
            .find(|(_, entry)| entry.alias.as_deref() == Some(model.as_str()))
            .map_or_else(|| model.clone(), |(name, _)| ModelRef::new(name))
    }
}

// === impl ModelChoice ===

impl ModelChoice {
    /// How often a model is asked again, where that is written.
    #[must_use]
    pub fn max_retries(&self) -> Option<u32> {
        match self {
            Self::One(_) => None,
            Self::Chain(chain) => chain.max_retries,
        }
    }

    /// How long to wait before that, in milliseconds, where that is written.
    #[must_use]
    pub fn retry_delay_ms(&self) -> Option<u64> {
        match self {
            Self::One(_) => None,
            Self::Chain(chain) => chain.retry_delay_ms,
        }
    }

    /// The first model.
    #[must_use]
    pub fn primary(&self) -> Option<&ModelRef> {
        match self {
            Self::One(model) => Some(model),
            Self::Chain(chain) => chain.primary.as_ref(),
        }
    }

    /// Those that step in, in order.
    #[must_use]
    pub fn fallbacks(&self) -> &[ModelRef] {
        match self {
            Self::One(_) => &[],
            Self::Chain(chain) => &chain.fallbacks,
        }
    }
}
