//! `channels.telegram`: bots on Telegram.

use std::collections::BTreeMap;

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::channels::{ChunkMode, DmPolicy, Group, GroupPolicy, Peer, Retry};

/// Telegram: one bot, or several under `accounts`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Telegram {
    /// The bot, or what holds for all bots.
    #[serde(flatten)]
    pub bot: Bot,
    /// More bots, by name.
    pub accounts: BTreeMap<String, Bot>,
    /// The bot that is meant when none is named.
    pub default_account: Option<String>,
}

/// A bot.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Bot {
    /// Whether it is started.
    pub enabled: bool,
    /// A name for people.
    pub name: Option<String>,
    /// Its token.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub bot_token: Option<Secret>,
    /// A file that holds its token.
    #[schemars(length(min = 1))]
    pub token_file: Option<String>,
    /// Who may write to it directly.
    pub dm_policy: DmPolicy,
    /// Who is on the list.
    pub allow_from: Vec<Peer>,
    /// Who may write to it in groups.
    pub group_policy: Option<GroupPolicy>,
    /// Who is on the list for groups.
    pub group_allow_from: Vec<Peer>,
    /// Groups, by number; `*` stands for all others.
    pub groups: BTreeMap<String, Group>,
    /// How many earlier messages of a group it sees.
    pub history_limit: Option<u32>,
    /// The longest message, in characters.
    #[schemars(range(min = 1, max = 4_096))]
    pub text_chunk_limit: u32,
    /// How a long answer is split.
    pub chunk_mode: ChunkMode,
    /// Whether an answer is shown while it is being written.
    pub streaming: Streaming,
    /// The largest file, in megabytes.
    #[schemars(range(min = 1))]
    pub media_max_mb: u32,
    /// Which message an answer refers to.
    pub reply_to_mode: ReplyTo,
    /// Whether links are shown with a preview.
    pub link_preview: bool,
    /// The address to which Telegram sends; without it, it is asked for news.
    #[schemars(extend("format" = "http-url"))]
    pub webhook_url: Option<String>,
    /// The secret that Telegram shows there. Required with `webhookUrl`.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub webhook_secret: Option<Secret>,
    /// The path of that address on this machine.
    #[schemars(extend("format" = "url-path"))]
    pub webhook_path: Option<String>,
    /// A proxy to reach Telegram through.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub proxy: Option<Secret>,
    /// How often a message that failed is sent again.
    pub retry: Retry,
}

/// Whether an answer is shown while it is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Streaming {
    /// No.
    Off,
    /// A message that grows.
    #[default]
    Partial,
    /// Paragraph by paragraph.
    Block,
}

/// Which message an answer refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplyTo {
    /// None.
    #[default]
    Off,
    /// The first of those it answers.
    First,
    /// Every part of the answer refers to it.
    All,
}

// === impl Bot ===

impl Default for Bot {
    fn default() -> Self {
        Self {
            enabled: true,
            name: None,
            bot_token: None,
            token_file: None,
            dm_policy: DmPolicy::default(),
            allow_from: Vec::new(),
            group_policy: None,
            group_allow_from: Vec::new(),
            groups: BTreeMap::new(),
            history_limit: None,
            text_chunk_limit: 4_000,
            chunk_mode: ChunkMode::default(),
            streaming: Streaming::default(),
            media_max_mb: 5,
            reply_to_mode: ReplyTo::default(),
            link_preview: true,
            webhook_url: None,
            webhook_secret: None,
            webhook_path: None,
            proxy: None,
            retry: Retry::default(),
        }
    }
}
