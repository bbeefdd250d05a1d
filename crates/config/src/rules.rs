//! What must hold between settings, beyond what each may be by itself.
//!
//! A setting that a missing variable left out is not complained about twice.

use std::net::IpAddr;

use crate::Config;
use crate::error::Problem;
use crate::format::Bind;
use crate::key_path::KeyPath;
use crate::settings::channels::{ChannelModel, ModelByChannel};
use crate::settings::gateway::{AuthMode, Mode};
use crate::tree::{Kind, Node};

mod agents;
mod budgets;
mod channels;
mod concurrency;
mod models;
mod sandbox;

/// What was found.
#[derive(Default)]
pub(crate) struct Findings {
    /// What stands in the way.
    pub problems: Vec<Problem>,
    /// What is doubtful.
    pub warnings: Vec<Problem>,
}

/// The tree behind the settings, and what was found so far.
struct Rules<'a> {
    tree: &'a Node,
    found: Findings,
}

/// Checks the settings against one another, and brings those that can be written in two places together.
pub(crate) fn apply(config: &mut Config, tree: &Node) -> Findings {
    let mut rules = Rules { tree, found: Findings::default() };
    drop_blank(config);
    gateway(&mut rules, config);
    hooks(&mut rules, config);
    models::check(&mut rules, config);
    model_by_channel(&mut rules, config);
    agents::check(&mut rules, config);
    concurrency::check(&mut rules, config);
    budgets::check(&mut rules, config);
    sandbox::check(&mut rules, config);
    channels::check(&mut rules, &config.channels);
    rules.found
}

// === impl Rules ===

impl Rules<'_> {
    /// Notes what stands in the way, unless it is only that a variable is missing.
    fn refuse(&mut self, path: &str, message: impl Into<String>) {
        if let Some(problem) = self.problem(path, message.into()) {
            self.found.problems.push(problem);
        }
    }

    fn warn(&mut self, path: &str, message: impl Into<String>) {
        if let Some(problem) = self.problem(path, message.into()) {
            self.found.warnings.push(problem);
        }
    }

    /// At the setting, or at the nearest one above it that is written.
    fn problem(&self, path: &str, message: String) -> Option<Problem> {
        let path: KeyPath = path.parse().ok()?;
        let mut node = self.tree;
        for step in path.steps() {
            let below = match step {
                crate::Step::Key(key) => KeyPath::root().key(key),
                crate::Step::Index(index) => KeyPath::root().index(*index),
            };
            match node.at(&below) {
                Some(next) if matches!(next.kind, Kind::Absent) => return None,
                Some(next) => node = next,
                None => break,
            }
        }
        Some(Problem { place: node.origin.place(), path, message })
    }
}

/// A secret of nothing but white space is none: it must not let anybody in.
fn drop_blank(config: &mut Config) {
    let auth = &mut config.gateway.auth;
    for secret in
        [&mut auth.token, &mut auth.password, &mut config.hooks.token, &mut config.store.url]
    {
        if secret.as_ref().is_some_and(domain::Secret::is_blank) {
            *secret = None;
        }
    }
}

fn gateway(rules: &mut Rules<'_>, config: &Config) {
    let gateway = &config.gateway;
    if gateway.bind == Bind::Custom && gateway.custom_bind_host.is_none() {
        rules
            .refuse("gateway.customBindHost", "is missing; bind: \"custom\" needs an address here");
    }
    let local = matches!(gateway.address(), IpAddr::V4(a) if a.is_loopback())
        || matches!(gateway.address(), IpAddr::V6(a) if a.is_loopback());
    if gateway.auth.mode == AuthMode::None && !local {
        rules.refuse(
            "gateway.auth.mode",
            "\"none\" is refused while gateway.bind reaches beyond this machine; use \"token\"",
        );
    }
    if gateway.auth.mode == AuthMode::Password && gateway.auth.password.is_none() {
        rules.refuse("gateway.auth.password", "is missing; mode \"password\" needs one");
    }
    if gateway.mode == Mode::Remote && gateway.remote.url.is_none() {
        rules.refuse("gateway.remote.url", "is missing; mode \"remote\" needs it");
    }
}

fn hooks(rules: &mut Rules<'_>, config: &Config) {
    let hooks = &config.hooks;
    if hooks.enabled && hooks.token.is_none() {
        rules.refuse("hooks.token", "is missing; hooks are not served without one");
    }
    if hooks.token.is_some() && hooks.token == config.gateway.auth.token {
        rules.warn("hooks.token", "is the same as gateway.auth.token; give hooks one of their own");
    }
}

/// `modelByChannel` may be written at the root and under `channels`; both then say the same everywhere.
fn model_by_channel(rules: &mut Rules<'_>, config: &mut Config) {
    let mut both = config.channels.model_by_channel.0.clone();
    for (channel, model) in &config.model_by_channel.0 {
        let path = KeyPath::of(&["modelByChannel", channel]);
        let merged = match (both.remove(channel), model.clone()) {
            (None, model) => model,
            (Some(known), model) if known == model => model,
            (
                Some(ChannelModel::ByConversation(known)),
                ChannelModel::ByConversation(mut model),
            ) => {
                for (conversation, other) in known {
                    if *model.entry(conversation.clone()).or_insert_with(|| other.clone()) != other
                    {
                        disagree(rules, &path.key(&conversation));
                    }
                }
                ChannelModel::ByConversation(model)
            }
            (Some(_), model) => {
                disagree(rules, &path);
                model
            }
        };
        both.insert(channel.clone(), merged);
    }
    config.channels.model_by_channel = ModelByChannel(both.clone());
    config.model_by_channel = ModelByChannel(both);
}

fn disagree(rules: &mut Rules<'_>, path: &KeyPath) {
    let message = format!("says something else than channels.{path}; keep one of the two");
    rules.refuse(&path.to_string(), message);
}
