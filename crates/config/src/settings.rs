//! Every setting there is, one file per owner, each default beside its field.
//!
//! The types are the truth: the schema, the check, the reference page and the messages come from them.

use schemars::JsonSchema;
use serde::Deserialize;

pub mod agents;
pub mod backends;
pub mod budgets;
pub mod channels;
pub mod concurrency;
pub mod gateway;
pub mod hooks;
pub mod logging;
pub mod messages;
pub mod models;
mod records;
pub mod sandbox;
pub mod store;
pub mod telegram;
pub mod whatsapp;

pub use agents::Agents;
pub use budgets::Budgets;
pub use channels::{Channels, ModelByChannel};
pub use concurrency::Concurrency;
pub use gateway::Gateway;
pub use hooks::Hooks;
pub use logging::Logging;
pub use messages::Messages;
pub use models::Models;
pub use records::{Meta, Wizard};
pub use store::Store;

/// The whole of `openclaw.json`. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// Where an editor finds the schema of this file; ignored.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Who may connect, from where, and how.
    pub gateway: Gateway,
    /// What is logged, where, and in which form.
    pub logging: Logging,
    /// How incoming messages are taken together and answered.
    pub messages: Messages,
    /// How much runs at once, how much may wait, and when a worker is given up.
    pub concurrency: Concurrency,
    /// How agents think and act.
    pub agents: Agents,
    /// Which models there are and how they are reached.
    pub models: Models,
    /// How many tokens and how much money may be used up. `openclaw budget set` goes before what is written here.
    pub budgets: Budgets,
    /// The messengers and other ways in.
    pub channels: Channels,
    /// Which model answers on which channel. The same as `channels.modelByChannel`.
    pub model_by_channel: ModelByChannel,
    /// Work that is started from outside, over HTTP or by an event.
    pub hooks: Hooks,
    /// Where everything is kept.
    pub store: Store,
    /// Written by the program that last changed this file; ignored.
    pub meta: Option<Meta>,
    /// Written by the set-up assistant; ignored.
    pub wizard: Option<Wizard>,
}
