//! `channels.whatsapp`: phones linked to WhatsApp.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::channels::{ChunkMode, DmPolicy, Group, GroupPolicy, Peer};

/// WhatsApp: one phone, or several under `accounts`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WhatsApp {
    /// The phone, or what holds for all phones.
    #[serde(flatten)]
    pub phone: Phone,
    /// More phones, by name.
    pub accounts: BTreeMap<String, Phone>,
    /// The phone that is meant when none is named.
    pub default_account: Option<String>,
}

/// A linked phone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Phone {
    /// Whether it is started.
    pub enabled: bool,
    /// A name for people.
    pub name: Option<String>,
    /// The folder of its credentials.
    #[schemars(length(min = 1))]
    pub auth_dir: Option<String>,
    /// Who may write to it directly.
    pub dm_policy: DmPolicy,
    /// Who is on the list.
    pub allow_from: Vec<Peer>,
    /// Who may write to it in groups.
    pub group_policy: Option<GroupPolicy>,
    /// Who is on the list for groups.
    pub group_allow_from: Vec<Peer>,
    /// Groups, by address; `*` stands for all others.
    pub groups: BTreeMap<String, Group>,
    /// How many earlier messages of a group it sees.
    pub history_limit: Option<u32>,
    /// The longest message, in characters.
    #[schemars(range(min = 1, max = 65_536))]
    pub text_chunk_limit: u32,
    /// How a long answer is split.
    pub chunk_mode: ChunkMode,
    /// The largest file, in megabytes.
    #[schemars(range(min = 1))]
    pub media_max_mb: u32,
    /// Whether the person sees that a message was read.
    pub send_read_receipts: bool,
    /// Whether the phone's own owner writes to the agent from it.
    pub self_chat_mode: bool,
}

// === impl Phone ===

impl Default for Phone {
    fn default() -> Self {
        Self {
            enabled: true,
            name: None,
            auth_dir: None,
            dm_policy: DmPolicy::default(),
            allow_from: Vec::new(),
            group_policy: None,
            group_allow_from: Vec::new(),
            groups: BTreeMap::new(),
            history_limit: None,
            text_chunk_limit: 4_000,
            chunk_mode: ChunkMode::default(),
            media_max_mb: 50,
            send_read_receipts: true,
            self_chat_mode: false,
        }
    }
}
