//! Which settings differ between two readings, and which of those can be taken up while running.

use serde_json::Value;

use crate::key_path::KeyPath;

/// Settings that are taken up while running, each with all below it. What is not here needs a restart.
const HOT: &[&[&str]] = &[
    &["agents"],
    &["models"],
    &["messages"],
    &["hooks"],
    &["modelByChannel"],
    &["channels", "modelByChannel"],
    &["logging", "level"],
    &["logging", "consoleLevel"],
    &["gateway", "auth", "token"],
    &["gateway", "trustedProxies"],
    &["gateway", "controlUi", "allowedOrigins"],
    &["gateway", "reload"],
];

/// Settings that mean nothing.
const IDLE: &[&[&str]] = &[&["$schema"], &["meta"], &["wizard"]];

/// Whether a changed setting is taken up while running.
pub(crate) fn is_hot(path: &KeyPath) -> bool {
    HOT.iter().any(|keys| path.is_within(&KeyPath::of(keys)))
}

/// The settings that differ, in order; a list that differs counts as one.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<KeyPath> {
    let mut paths = Vec::new();
    collect(before, after, &KeyPath::root(), &mut paths);
    paths.retain(|path| !IDLE.iter().any(|keys| path.is_within(&KeyPath::of(keys))));
    paths
}

fn collect(before: &Value, after: &Value, path: &KeyPath, paths: &mut Vec<KeyPath>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                collect(value, after.get(key).unwrap_or(&Value::Null), &path.key(key), paths);
            }
            for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                collect(&Value::Null, value, &path.key(key), paths);
            }
        }
        _ if before == after => {}
        _ => paths.push(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_what_differs() {
        let before = json!({"gateway": {"port": 1, "trustedProxies": ["a"]}, "meta": {"x": 1}});
        let after =
            json!({"gateway": {"port": 1, "trustedProxies": ["a", "b"]}, "store": {"url": "p"}});
        let paths: Vec<String> =
            differences(&before, &after).iter().map(KeyPath::to_string).collect();
        assert_eq!(paths, ["gateway.trustedProxies", "store"]);
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn what_is_not_known_to_be_hot_needs_a_restart() {
        let hot = |path: &str| is_hot(&path.parse().unwrap());
        for path in [
            "agents.defaults.model",
            "models.providers.x.apiKey",
            "gateway.auth.token",
            "logging.level",
        ] {
            assert!(hot(path), "{path}");
        }
        for path in [
            "gateway.port",
            "gateway.bind",
            "gateway.auth.mode",
            "store.url",
            "logging.file",
            "channels.telegram",
            "new",
        ] {
            assert!(!hot(path), "{path}");
        }
    }
}
