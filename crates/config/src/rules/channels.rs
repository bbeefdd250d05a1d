//! Who may write on a channel.

use super::Rules;
use crate::key_path::KeyPath;
use crate::settings::Channels;
use crate::settings::channels::{DmPolicy, Peer};
use crate::settings::telegram::Bot;

pub(super) fn check(rules: &mut Rules<'_>, channels: &Channels) {
    let root = KeyPath::of(&["channels"]);
    if let Some(telegram) = &channels.telegram {
        let path = root.key("telegram");
        bot(rules, &path, &telegram.bot);
        for (name, account) in &telegram.accounts {
            bot(rules, &path.key("accounts").key(name), account);
        }
        default_account(
            rules,
            &path,
            telegram.default_account.as_deref(),
            telegram.accounts.keys(),
        );
    }
    if let Some(whatsapp) = &channels.whatsapp {
        let path = root.key("whatsapp");
        open_to_all(rules, &path, whatsapp.phone.dm_policy, &whatsapp.phone.allow_from);
        for (name, phone) in &whatsapp.accounts {
            open_to_all(rules, &path.key("accounts").key(name), phone.dm_policy, &phone.allow_from);
        }
        default_account(
            rules,
            &path,
            whatsapp.default_account.as_deref(),
            whatsapp.accounts.keys(),
        );
    }
    if let Some(max) = &channels.max {
        open_to_all(rules, &root.key("max"), max.dm_policy, &max.allow_from);
    }
}

fn bot(rules: &mut Rules<'_>, path: &KeyPath, bot: &Bot) {
    open_to_all(rules, path, bot.dm_policy, &bot.allow_from);
    if bot.webhook_url.is_some() && bot.webhook_secret.is_none() {
        let path = path.key("webhookSecret").to_string();
        rules.refuse(&path, "is missing; without it anybody could send to webhookUrl");
    }
}

/// Opening a channel to everybody takes two words, so that none of them is a slip.
fn open_to_all(rules: &mut Rules<'_>, path: &KeyPath, policy: DmPolicy, list: &[Peer]) {
    let everybody = Peer::Text("*".to_owned());
    if policy == DmPolicy::Open && !list.contains(&everybody) {
        let path = path.key("allowFrom").to_string();
        rules.refuse(&path, "must contain \"*\" when dmPolicy is \"open\"");
    }
}

fn default_account<'a>(
    rules: &mut Rules<'_>,
    path: &KeyPath,
    name: Option<&str>,
    mut known: impl Iterator<Item = &'a String>,
) {
    if name.is_some_and(|name| name != "default" && !known.any(|account| account == name)) {
        let path = path.key("defaultAccount").to_string();
        rules.refuse(&path, "names no account under accounts");
    }
}
