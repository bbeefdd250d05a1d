//! `hooks`: work that is started from outside, over HTTP or by an event.

use std::collections::BTreeMap;

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Work that is started from outside.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    /// Whether the HTTP interface is served.
    pub enabled: bool,
    /// The token that a caller shows. It must not be the gateway's.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub token: Option<Secret>,
    /// The path below which it is served.
    #[schemars(extend("format" = "url-path"))]
    pub path: String,
    /// The largest body, in bytes.
    #[schemars(range(min = 1, max = 26_214_400))]
    pub max_body_bytes: u64,
    /// Agents that a caller may start; all when left out.
    pub allowed_agent_ids: Option<Vec<String>>,
    /// The session that is meant when a caller names none.
    pub default_session_key: Option<String>,
    /// Whether a caller may name the session.
    pub allow_request_session_key: bool,
    /// How a session that a caller names must begin; anything when empty.
    pub allowed_session_key_prefixes: Vec<String>,
    /// What calls from elsewhere become.
    pub mappings: Vec<Mapping>,
    /// The folder of programs that change a call before it is used.
    #[schemars(length(min = 1))]
    pub transforms_dir: Option<String>,
    /// Work that events inside OpenClaw start.
    pub internal: Internal,
}

/// What a call from elsewhere becomes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Mapping {
    /// A name for it.
    pub id: Option<String>,
    /// Which calls are meant.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What is done.
    pub action: Action,
    /// When the agent is woken, for `wake`.
    pub wake_mode: WakeMode,
    /// A name for people.
    pub name: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// The session.
    pub session_key: Option<String>,
    /// The message, with `{{field}}` for a field of the call, for `agent`.
    pub message_template: Option<String>,
    /// The text, with `{{field}}` for a field of the call, for `wake`.
    pub text_template: Option<String>,
    /// Whether the answer is sent to somebody.
    pub deliver: Option<bool>,
    /// On which channel.
    pub channel: Option<String>,
    /// To whom.
    pub to: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// How much it thinks.
    pub thinking: Option<String>,
    /// After how long it is stopped, in seconds.
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<u64>,
    /// A program that changes the call first.
    pub transform: Option<Transform>,
}

/// Which calls are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Match {
    /// Those to this path below `hooks.path`.
    pub path: Option<String>,
    /// Those whose field `source` is this.
    pub source: Option<String>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It starts a turn of its own.
    #[default]
    Agent,
    /// It wakes the agent with a line of text.
    Wake,
}

/// When an agent is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WakeMode {
    /// At once.
    #[default]
    Now,
    /// The next time it looks around by itself.
    NextHeartbeat,
}

/// A program that changes a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Transform {
    /// The file, below `transformsDir`.
    #[schemars(length(min = 1))]
    pub module: Option<String>,
    /// What in it is called.
    pub export: Option<String>,
}

/// Work that events inside OpenClaw start.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Internal {
    /// Whether any of it is done.
    pub enabled: bool,
    /// Programs, by event.
    pub handlers: Vec<EventHook>,
    /// Installed hooks, by name.
    pub entries: BTreeMap<String, Entry>,
    /// Where hooks are looked for.
    pub load: Load,
}

/// A program that an event starts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["event", "module"]))]
pub struct EventHook {
    /// The event, for example `message:received`.
    #[schemars(length(min = 1))]
    pub event: String,
    /// The program.
    #[schemars(length(min = 1))]
    pub module: String,
    /// What in it is called.
    pub export: Option<String>,
}

/// An installed hook.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// Whether it is used; what its own defaults say when left out.
    pub enabled: Option<bool>,
    /// Its environment variables.
    #[schemars(with = "BTreeMap<String, String>", extend("writeOnly" = true))]
    pub env: BTreeMap<String, Secret>,
}

/// Where hooks are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Load {
    /// More folders.
    pub extra_dirs: Vec<String>,
}

// === impl Hooks ===

impl Default for Hooks {
    fn default() -> Self {
        Self {
            enabled: false,
            token: None,
            path: "/hooks".to_owned(),
            max_body_bytes: 256 * 1024,
            allowed_agent_ids: None,
            default_session_key: None,
            allow_request_session_key: false,
            allowed_session_key_prefixes: Vec::new(),
            mappings: Vec::new(),
            transforms_dir: None,
            internal: Internal::default(),
        }
    }
}
