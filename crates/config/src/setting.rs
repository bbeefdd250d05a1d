//! One setting as a person asks for it: what is written, what holds, and where that comes from.
//!
//! Secrets are never shown; a reference to a variable is not a secret.

use serde_json::{Map, Value};

use crate::Loaded;
use crate::error::Place;
use crate::key_path::KeyPath;
use crate::schema;
use crate::substitute::is_reference;
use crate::tree::{Kind, Node};

/// What is known about a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its value as it is written, before variables are replaced; `None` when it is not.
    pub written: Option<Value>,
    /// The value that holds, with defaults; `None` when there is none.
    pub effective: Option<Value>,
    /// Where the value that holds comes from.
    pub source: Place,
    /// What the setting means.
    pub meaning: Option<String>,
}

/// What stands for a secret.
const MASK: &str = "***";

// === impl Loaded ===

impl Loaded {
    /// What is known about a setting; `None` when there is no such setting.
    #[must_use]
    pub fn get(&self, path: &KeyPath) -> Option<Setting> {
        let schema = schema::at(path)?;
        let node = self.tree.at(path);
        let effective = effective(schema, node);
        Some(Setting {
            written: node.and_then(|node| written(node, path)),
            effective: effective.map(|value| masked(value, path)),
            source: match node {
                Some(node) if !matches!(node.kind, Kind::Absent) => node.origin.place(),
                _ => Place::Default,
            },
            meaning: schema.get("description").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// The value that holds: what is written, and defaults for the rest. Secrets are in it as they are.
pub(crate) fn effective(schema: &Value, node: Option<&Node>) -> Option<Value> {
    let node = node.filter(|node| !matches!(node.kind, Kind::Absent));
    let form = schema::forms(schema).into_iter().find(|form| form.get("properties").is_some());
    let properties = form.and_then(|form| form.get("properties")).and_then(Value::as_object);
    let Some(properties) = properties else {
        return match node {
            Some(node) => node.to_value(),
            None => schema.get("default").cloned(),
        };
    };
    match node {
        Some(Node { kind: Kind::Object(_), .. }) => {}
        Some(other) => return other.to_value(),
        None if schema.get(schema::OPTIONAL).is_some() => return None,
        None if schema.get("anyOf").is_some() => return schema.get("default").cloned(),
        None => {}
    }
    let members = properties.iter().filter_map(|(key, schema)| {
        Some((key.clone(), effective(schema, node.and_then(|node| node.get(key)))?))
    });
    Some(Value::Object(members.collect()))
}

fn written(node: &Node, path: &KeyPath) -> Option<Value> {
    Some(match &node.kind {
        Kind::Object(members) => Value::Object(
            members
                .iter()
                .filter_map(|member| {
                    Some((member.key.clone(), written(&member.node, &path.key(&member.key))?))
                })
                .collect::<Map<_, _>>(),
        ),
        Kind::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| written(item, &path.index(index)))
            .collect(),
        _ => match &node.written {
            Some(text) if is_reference(text) => Value::String(text.clone()),
            Some(text) => masked(Value::String(text.clone()), path),
            None => masked(node.to_value()?, path),
        },
    })
}

fn masked(value: Value, path: &KeyPath) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| {
                    let value = masked(value, &path.key(&key));
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| masked(item, &path.index(index)))
            .collect(),
        _ if schema::is_secret(path) => Value::String(MASK.to_owned()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Env, Loaded, Paths, Place};

    fn loaded(text: &str, env: &[(&str, &str)]) -> Loaded {
        let paths = Paths { config: "/nowhere/openclaw.json".into(), state: "/nowhere".into() };
        let env: Env = env.iter().copied().collect();
        crate::load::load_text(&paths, &env, text.to_owned()).unwrap()
    }

    fn line(line: usize, column: usize) -> Place {
        Place::File { name: "openclaw.json".to_owned(), line, column }
    }

    #[test]
    fn tells_where_a_value_comes_from() {
        let text = "{\n  gateway: { bind: 'lan', auth: { token: '${T}' } },\n}";
        let loaded = loaded(text, &[("OPENCLAW_GATEWAY_PORT", "19000"), ("T", "hunter2")]);
        let get = |path: &str| loaded.get(&path.parse().unwrap()).unwrap();
        assert_eq!(get("gateway.bind").source, line(2, 20));
        assert_eq!(get("gateway.port").effective, Some(json!(19_000)));
        let variable = Place::Variable("OPENCLAW_GATEWAY_PORT".to_owned());
        assert_eq!(get("gateway.port").source, variable);
        let level = get("logging.level");
        assert_eq!((level.written, level.effective), (None, Some(json!("info"))));
        assert_eq!(level.source, Place::Default);
        assert_eq!(level.meaning.as_deref(), Some("How much goes to the file."));
        assert_eq!(get("channels.telegram").effective, None);
        assert!(loaded.get(&"gateway.prot".parse().unwrap()).is_none());
    }

    #[test]
    fn secrets_are_masked_and_references_are_not() {
        let text = "{ gateway: { auth: { token: '${T}' } }, hooks: { token: 'plain-secret' },
            models: { providers: { p: { baseUrl: 'http://h', apiKey: 'x-${T}', headers: { A: 'b' } } } } }";
        let loaded = loaded(text, &[("T", "hunter2")]);
        let all = loaded.get(&"".parse().unwrap()).unwrap();
        let shown = format!("{all:?}");
        for secret in ["hunter2", "plain-secret", "x-$", "\"b\""] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        let token = loaded.get(&"gateway.auth.token".parse().unwrap()).unwrap();
        assert_eq!((token.written, token.effective), (Some(json!("${T}")), Some(json!("***"))));
    }

    #[test]
    fn the_defaults_of_the_schema_are_those_of_the_types() {
        // Every default that the schema shows, written into a file, must change nothing.
        let nothing = loaded("{}", &[]);
        let all = nothing.get(&"".parse().unwrap()).unwrap().effective.unwrap();
        assert_eq!(loaded(&all.to_string(), &[]).config, nothing.config);
        assert_eq!(all["gateway"]["port"], json!(18_789));
        assert_eq!(all["messages"]["queue"]["cap"], json!(20));
        assert_eq!(all["agents"]["defaults"]["sandbox"]["docker"]["network"], json!("none"));
    }
}
