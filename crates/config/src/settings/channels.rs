//! `channels`: the messengers and other ways in, and who may write there.

use std::collections::BTreeMap;

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::telegram::Telegram;
use super::whatsapp::WhatsApp;
use crate::format::ModelRef;

/// The messengers and other ways in. One whose section is absent is not started.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Channels {
    /// What holds for every channel that says nothing else.
    pub defaults: Defaults,
    /// Which model answers on which channel.
    pub model_by_channel: ModelByChannel,
    /// Telegram, through a bot.
    pub telegram: Option<Telegram>,
    /// WhatsApp, through a linked phone.
    pub whatsapp: Option<WhatsApp>,
    /// MAX, through a bot.
    pub max: Option<Max>,
    /// The page.
    pub web: Switch,
    /// The HTTP interface in the form of `OpenAI`.
    pub api: Switch,
}

/// By channel, then by conversation (`*` for all others), the model that answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ModelByChannel(pub BTreeMap<String, ChannelModel>);

/// The model of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ChannelModel {
    /// One for all of its conversations.
    All(ModelRef),
    /// One for each of these conversations; `*` stands for all others.
    ByConversation(BTreeMap<String, ModelRef>),
}

/// What holds for every channel that says nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Defaults {
    /// Who may write in groups.
    pub group_policy: GroupPolicy,
}

/// A way in that is built in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Switch {
    /// Whether it is open.
    pub enabled: bool,
}

/// Who may write to the agent directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DmPolicy {
    /// Who is on the list, and who the operator lets in after a code.
    #[default]
    Pairing,
    /// Who is on the list.
    Allowlist,
    /// Everybody; `allowFrom` must then contain `*`.
    Open,
    /// Nobody.
    Disabled,
}

/// Who may write to the agent in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupPolicy {
    /// The groups and persons on the list.
    #[default]
    Allowlist,
    /// Every group.
    Open,
    /// No group.
    Disabled,
}

/// How a long answer is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChunkMode {
    /// Where the limit is reached.
    #[default]
    Length,
    /// At ends of lines.
    Newline,
}

/// Somebody on a list: a number or a name, written as text or as a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Peer {
    /// Text, for example `+15551234567`, `tg:123456789` or `*` for everybody.
    Text(String),
    /// A number, for example `123456789`.
    Number(i64),
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// Whether the agent listens there.
    pub enabled: Option<bool>,
    /// Whether it answers only when it is mentioned.
    pub require_mention: Option<bool>,
    /// Who may write there.
    pub allow_from: Option<Vec<Peer>>,
    /// What is added to its instructions there.
    pub system_prompt: Option<String>,
    /// The skills that it has there.
    pub skills: Option<Vec<String>>,
    /// Topics of the group, by number.
    pub topics: BTreeMap<String, Topic>,
}

/// A topic of a group; what is left out is as in the group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Topic {
    /// Whether the agent listens there.
    pub enabled: Option<bool>,
    /// Whether it answers only when it is mentioned.
    pub require_mention: Option<bool>,
    /// Who may write there.
    pub allow_from: Option<Vec<Peer>>,
    /// What is added to its instructions there.
    pub system_prompt: Option<String>,
    /// The skills that it has there.
    pub skills: Option<Vec<String>>,
}

/// How often something that failed is tried again.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    /// How often in all.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// The first pause, in milliseconds.
    pub min_delay_ms: u64,
    /// The longest pause, in milliseconds.
    pub max_delay_ms: u64,
    /// How far a pause may differ, as a share of it.
    #[schemars(range(min = 0, max = 1))]
    pub jitter: f64,
}

/// MAX, through a bot.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Max {
    /// Whether it is started.
    pub enabled: bool,
    /// The token of the bot.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub bot_token: Option<Secret>,
    /// Who may write to the agent directly.
    pub dm_policy: DmPolicy,
    /// Who is on the list.
    pub allow_from: Vec<Peer>,
    /// Who may write in groups.
    pub group_policy: Option<GroupPolicy>,
    /// Groups, by number; `*` stands for all others.
    pub groups: BTreeMap<String, Group>,
    /// The address to which MAX sends; without it, it is asked for news.
    #[schemars(extend("format" = "http-url"))]
    pub webhook_url: Option<String>,
    /// The secret that MAX shows there.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub webhook_secret: Option<Secret>,
    /// The longest message, in characters.
    #[schemars(range(min = 1, max = 4_096))]
    pub text_chunk_limit: u32,
    /// The largest file, in megabytes.
    #[schemars(range(min = 1))]
    pub media_max_mb: u32,
}

// === impl ModelByChannel ===

impl ModelByChannel {
    /// The model for a conversation on a channel; `None` when nothing is written for it.
    #[must_use]
    pub fn model(&self, channel: &str, conversation: &str) -> Option<&ModelRef> {
        match self.0.get(channel)? {
            ChannelModel::All(model) => Some(model),
            ChannelModel::ByConversation(models) => {
                models.get(conversation).or_else(|| models.get("*"))
            }
        }
    }
}

// === impl Switch ===

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

// === impl Retry ===

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, min_delay_ms: 400, max_delay_ms: 30_000, jitter: 0.1 }
    }
}

// === impl Max ===

impl Default for Max {
    fn default() -> Self {
        Self {
            enabled: true,
            bot_token: None,
            dm_policy: DmPolicy::default(),
            allow_from: Vec::new(),
            group_policy: None,
            groups: BTreeMap::new(),
            webhook_url: None,
            webhook_secret: None,
            text_chunk_limit: 4_000,
            media_max_mb: 50,
        }
    }
}
