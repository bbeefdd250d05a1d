//! The JSON schema of the whole file, made from the types in [`crate::settings`].

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use crate::Config;
use crate::key_path::{KeyPath, Step};

/// Marks an object that does not exist unless it is written, such as the section of a messenger.
pub(crate) const OPTIONAL: &str = "x-optional";

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(Tidy);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
});

/// The schema of `openclaw.json` (JSON Schema 2020-12). What it says is what is checked; `writeOnly`
/// marks secrets.
#[must_use]
pub fn schema() -> Value {
    SCHEMA.clone()
}

pub(crate) fn shared() -> &'static Value {
    &SCHEMA
}

/// The schema of one setting, following the form that fits each step; `None` for a path that cannot be.
pub(crate) fn at(path: &KeyPath) -> Option<&'static Value> {
    path.steps().iter().try_fold(shared(), |schema, step| below(schema, step))
}

/// Whether a setting, or one above it, is a secret.
pub(crate) fn is_secret(path: &KeyPath) -> bool {
    let mut schema = Some(shared());
    let mut steps = path.steps().iter();
    loop {
        match (schema, steps.next()) {
            (Some(here), _) if here.get("writeOnly") == Some(&Value::Bool(true)) => return true,
            (Some(here), Some(step)) => schema = below(here, step),
            _ => return false,
        }
    }
}

/// The forms that a value may have: those of `anyOf`, or the schema itself.
pub(crate) fn forms(schema: &Value) -> Vec<&Value> {
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(forms) => forms.iter().collect(),
        None => vec![schema],
    }
}

fn below<'a>(schema: &'a Value, step: &Step) -> Option<&'a Value> {
    forms(schema).into_iter().find_map(|form| match step {
        Step::Index(_) => form.get("items"),
        Step::Key(key) => {
            let property = form.get("properties").and_then(|properties| properties.get(key));
            let other = || form.get("additionalProperties").filter(|other| other.is_object());
            let item = || form.get("items").filter(|_| key.parse::<usize>().is_ok());
            property.or_else(other).or_else(item)
        }
    })
}

/// Makes the schema say what is meant: no key beyond those named, no `null` for "not written".
#[derive(Debug, Clone)]
struct Tidy;

// === impl Tidy ===

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        // An empty default of text stands for "must be written".
        if matches!(object.get("default"), Some(Value::Null))
            || object.get("default") == Some(&"".into())
        {
            object.remove("default");
        }
        let mut optional = false;
        if let Some(Value::Array(types)) = object.get_mut("type") {
            optional |= types.iter().any(|name| name == "null");
            types.retain(|name| name != "null");
            if let [single] = types.as_slice() {
                let single = single.clone();
                object.insert("type".to_owned(), single);
            }
        }
        if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
            let all = forms.len();
            forms.retain(|form| form.get("type").and_then(Value::as_str) != Some("null"));
            optional |= forms.len() < all;
            if let [Value::Object(single)] = forms.as_slice() {
                let single = single.clone();
                object.remove("anyOf");
                for (key, value) in single {
                    object.entry(key).or_insert(value);
                }
            }
        }
        // What the types can hold; without a bound of its own, a number would pass and not fit.
        let widest = match object.get("format").and_then(Value::as_str) {
            Some("uint32") => Some(Value::from(u32::MAX)),
            Some("int64") => Some(Value::from(i64::MAX)),
            _ => None,
        };
        if let Some(widest) = widest {
            object.entry("maximum").or_insert(widest);
        }
        if optional && object.contains_key("properties") {
            object.insert(OPTIONAL.to_owned(), Value::Bool(true));
        }
        if object.contains_key("properties") && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`crate::check`] enforces, and what are notes for people and editors.
    const KNOWN: &[&str] = &[
        "$schema",
        "title",
        "description",
        "default",
        "type",
        "properties",
        "additionalProperties",
        "required",
        "items",
        "anyOf",
        "oneOf",
        "const",
        "enum",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minLength",
        "writeOnly",
        OPTIONAL,
    ];

    fn visit(schema: &Value, path: &str) {
        let Some(object) = schema.as_object() else { return };
        for (key, value) in object {
            assert!(KNOWN.contains(&key.as_str()), "{path}: nothing enforces {key}");
            match key.as_str() {
                "properties" => {
                    for (name, property) in value.as_object().unwrap() {
                        let path = format!("{path}.{name}");
                        assert!(property.get("description").is_some(), "{path} has no meaning");
                        visit(property, &path);
                    }
                }
                "items" | "additionalProperties" => visit(value, path),
                "anyOf" | "oneOf" => {
                    value.as_array().unwrap().iter().for_each(|form| visit(form, path));
                }
                _ => {}
            }
        }
        assert_ne!(object.get("type"), Some(&"null".into()), "{path}");
    }

    #[test]
    fn everything_it_says_is_enforced_and_explained() {
        visit(shared(), "");
    }

    #[test]
    fn knows_which_settings_are_secrets() {
        for secret in [
            "gateway.auth.token",
            "models.providers.x.apiKey",
            "models.providers.x.headers.Authorization",
            "agents.defaults.cliBackends.claude-cli.env.ANTHROPIC_API_KEY",
            "channels.telegram.accounts.b.botToken",
            "store.url",
        ] {
            assert!(is_secret(&secret.parse().unwrap()), "{secret}");
        }
        assert!(!is_secret(&"gateway.port".parse().unwrap()));
        assert!(at(&"gateway.prot".parse().unwrap()).is_none());
        assert!(at(&"agents.list[0].id".parse().unwrap()).is_some());
    }
}
