//! Agents and the models they name.

use domain::TenantSlug;

use super::Rules;
use crate::Config;
use crate::format::ModelRef;
use crate::key_path::KeyPath;
use crate::settings::agents::{Defaults, ModelChoice};
use crate::settings::channels::ChannelModel;

pub(super) fn check(rules: &mut Rules<'_>, config: &mut Config) {
    // Only a variable that is not set can have left the name out; there is no such agent.
    config.agents.list.retain(|agent| !agent.id.is_empty());
    let defaults = &config.agents.defaults;
    choice(
        rules,
        defaults,
        &KeyPath::of(&["agents", "defaults", "model"]),
        defaults.model.as_ref(),
    );
    list(rules, config);
    for (channel, models) in &config.model_by_channel.0 {
        // Both places say the same by now; complain where it is written.
        let root = KeyPath::of(&["modelByChannel", channel]);
        let path = match rules.tree.at(&root) {
            Some(_) => root,
            None => KeyPath::of(&["channels", "modelByChannel", channel]),
        };
        match models {
            ChannelModel::All(model) => known(rules, defaults, &path, model),
            ChannelModel::ByConversation(models) => {
                for (conversation, model) in models {
                    known(rules, defaults, &path.key(conversation), model);
                }
            }
        }
    }
}

fn list(rules: &mut Rules<'_>, config: &Config) {
    let agents = &config.agents;
    for (index, agent) in agents.list.iter().enumerate() {
        let path = KeyPath::of(&["agents", "list"]).index(index);
        let earlier = || agents.list.iter().take(index);
        if let Err(error) = agent.id.parse::<TenantSlug>() {
            rules.refuse(&path.key("id").to_string(), error.to_string());
        }
        if earlier().any(|other| other.id == agent.id) {
            rules.refuse(&path.key("id").to_string(), "is there a second time; remove one");
        }
        if agent.default && earlier().any(|other| other.default) {
            rules.refuse(&path.key("default").to_string(), "is set for an earlier agent already");
        }
        choice(rules, &agents.defaults, &path.key("model"), agent.model.as_ref());
    }
}

fn choice(
    rules: &mut Rules<'_>,
    defaults: &Defaults,
    path: &KeyPath,
    choice: Option<&ModelChoice>,
) {
    match choice {
        None => {}
        Some(ModelChoice::One(model)) => known(rules, defaults, path, model),
        Some(ModelChoice::Chain(chain)) => {
            if let Some(model) = &chain.primary {
                known(rules, defaults, &path.key("primary"), model);
            }
            for (index, model) in chain.fallbacks.iter().enumerate() {
                let path = path.key("fallbacks").index(index);
                known(rules, defaults, &path, model);
                let name = defaults.resolve(model);
                let mut earlier = chain.primary.iter().chain(chain.fallbacks.iter().take(index));
                if earlier.any(|other| defaults.resolve(other) == name) {
                    rules.warn(
                        &path.to_string(),
                        "is in this chain already; a model cannot step in for itself",
                    );
                }
            }
        }
    }
}

/// A model is `provider/model` or a short name that leads to one.
fn known(rules: &mut Rules<'_>, defaults: &Defaults, path: &KeyPath, model: &ModelRef) {
    if defaults.resolve(model).split().is_none() {
        rules.refuse(
            &path.to_string(),
            "names no provider; write provider/model, for example anthropic/claude-haiku-4-5",
        );
    }
}
