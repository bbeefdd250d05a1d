//! Providers, what they allow, and their models.

use super::Rules;
use crate::Config;
use crate::key_path::KeyPath;
use crate::settings::models::{Capability, Limits, Model};

/// Providers whose address is known without being written.
const KNOWN_PROVIDERS: &[&str] = &["anthropic", "openai"];

pub(super) fn check(rules: &mut Rules<'_>, config: &mut Config) {
    for (id, provider) in &mut config.models.providers {
        let path = KeyPath::of(&["models", "providers", id]);
        // Only a variable that is not set can have left the name out; such a model cannot be asked for.
        provider.models.retain(|model| !model.id.is_empty());
        let empty = provider.models.is_empty() && provider.api.is_none();
        if provider.base_url.is_none() && !KNOWN_PROVIDERS.contains(&id.as_str()) && !empty {
            rules.refuse(&path.key("baseUrl").to_string(), "is missing; this provider needs one");
        }
        limits(rules, &path.key("limits"), provider.limits);
        for (index, one) in provider.models.iter().enumerate() {
            let path = path.key("models").index(index);
            if provider.models.iter().take(index).any(|earlier| earlier.id == one.id) {
                rules.refuse(&path.key("id").to_string(), "is there a second time; remove one");
            }
            model(rules, &path, one);
        }
    }
}

/// Limits of which one makes another meaningless are a mistake in one of the two.
fn limits(rules: &mut Rules<'_>, path: &KeyPath, limits: Limits) {
    let Limits { requests_per_minute, requests_per_second, tokens_per_minute, .. } = limits;
    if let (Some(minute), Some(second)) = (requests_per_minute, requests_per_second) {
        let path = path.key("requestsPerSecond").to_string();
        if second > minute {
            rules.refuse(&path, format!("{second} is more than requestsPerMinute allows in a whole minute ({minute}); lower it, or raise the other"));
        } else if minute > second.saturating_mul(60) {
            rules.refuse(&path, format!("{second} in a second can never become the {minute} that requestsPerMinute allows; raise it, or lower the other to {}", second * 60));
        }
    }
    if let (Some(requests), Some(tokens)) = (requests_per_minute, tokens_per_minute)
        && tokens < requests
    {
        let path = path.key("tokensPerMinute").to_string();
        rules.refuse(&path, format!("{tokens} tokens are less than one for each of the {requests} requests of requestsPerMinute; raise it"));
    }
}

fn model(rules: &mut Rules<'_>, path: &KeyPath, model: &Model) {
    if let (Some(window), Some(answer)) = (model.context_window, model.max_tokens)
        && answer > window
    {
        let path = path.key("maxTokens").to_string();
        rules.warn(
            &path,
            format!("{answer} is more than the contextWindow of {window} that it has to fit into"),
        );
    }
    if let Some(capabilities) = &model.capabilities
        && !capabilities.contains(&Capability::Chat)
    {
        let path = path.key("capabilities").to_string();
        rules.refuse(&path, "does not name \"chat\"; a model that cannot converse answers nobody");
    }
}
