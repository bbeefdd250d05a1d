//! Makes a value that is valid by a JSON schema, the same one every time.
//!
//! Owns the choice of the value; refuses to judge the schema. `pattern` and `format` other than the common
//! ones are not followed.

use serde_json::{Map, Value, json};

/// How deep a value may nest; a schema that refers to itself ends here.
const DEEPEST: usize = 12;

/// A value for the schema: what is required and nothing else, or the first property if nothing is.
pub fn sample(schema: &Value) -> Value {
    Sampler { root: schema }.value(schema, "value", 0)
}

/// Walks one schema.
struct Sampler<'a> {
    root: &'a Value,
}

// === impl Sampler ===

impl Sampler<'_> {
    /// A value for a part of the schema; `name` is the property it is for, which texts repeat.
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(fixed) = fixed(schema) {
            return fixed;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Value::Null, |target| self.value(target, name, depth + 1));
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(first) = schema.get(choice).and_then(|choices| choices.get(0)) {
                return self.value(first, name, depth + 1);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.merged(parts, name, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => integer(schema),
            "number" => number(schema),
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => text(schema, name),
        }
    }

    /// All the parts' properties in one object; the first part's value when it is not an object.
    fn merged(&self, parts: &[Value], name: &str, depth: usize) -> Value {
        let mut whole = Map::new();
        for part in parts {
            match self.value(part, name, depth + 1) {
                Value::Object(properties) => whole.extend(properties),
                other => return other,
            }
        }
        Value::Object(whole)
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = match schema.get("required").and_then(Value::as_array) {
            Some(names) if !names.is_empty() => names.iter().filter_map(Value::as_str).collect(),
            _ => properties.keys().take(1).map(String::as_str).collect(),
        };
        let any = json!({});
        let value = |name: &&str| {
            let schema = properties.get(*name).unwrap_or(&any);
            ((*name).to_owned(), self.value(schema, name, depth + 1))
        };
        Value::Object(required.iter().map(value).collect())
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 16);
        let any = json!({});
        let items = schema.get("items").unwrap_or(&any);
        Value::Array((0..least).map(|_| self.value(items, name, depth + 1)).collect())
    }
}

/// The value that the schema itself names.
fn fixed(schema: &Value) -> Option<Value> {
    let first = |key: &str| schema.get(key).and_then(|values| values.get(0));
    schema
        .get("const")
        .or_else(|| first("enum"))
        .or_else(|| schema.get("default"))
        .or_else(|| first("examples"))
        .cloned()
}

/// The first type that the schema allows, guessed from its keywords when it names none.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn integer(schema: &Value) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + 1));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - 1));
    let step = bound("multipleOf").filter(|step| *step > 0).unwrap_or(1);
    let wanted = least.unwrap_or_else(|| most.map_or(7, |most| most.min(7)));
    let remainder = wanted.rem_euclid(step);
    json!(if remainder == 0 { wanted } else { wanted + step - remainder })
}

fn number(schema: &Value) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + 0.5));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - 0.5));
    json!(least.unwrap_or_else(|| most.map_or(1.5, |most| most.min(1.5))))
}

fn text(schema: &Value, name: &str) -> Value {
    let known = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => Some("2026-01-02T03:04:05Z"),
        Some("date") => Some("2026-01-02"),
        Some("time") => Some("03:04:05Z"),
        Some("email") => Some("someone@example.com"),
        Some("uri" | "url") => Some("https://example.com/"),
        Some("uuid") => Some("00000000-0000-4000-8000-000000000000"),
        _ => None,
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let least = usize::try_from(bound("minLength").unwrap_or(0)).unwrap_or(0).min(4_096);
    let most = usize::try_from(bound("maxLength").unwrap_or(4_096)).unwrap_or(4_096);
    let mut text: String = known.unwrap_or(name).chars().take(most).collect();
    while text.chars().count() < least {
        text.push('x');
    }
    Value::String(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_required() {
        let schema = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "mode": {"enum": ["read", "write"]},
                "lines": {"type": "integer", "exclusiveMinimum": 9, "multipleOf": 5},
                "ratio": {"type": "number", "maximum": 1},
                "tags": {"type": "array", "items": {"type": ["string", "null"], "minLength": 6}, "minItems": 2},
                "when": {"$ref": "#/$defs/moment"},
                "who": {"anyOf": [{"type": "object", "properties": {"id": {"const": 5}}}, {"type": "null"}]},
                "left": {"type": "string"},
            },
            "required": ["path", "mode", "lines", "ratio", "tags", "when", "who"],
            "$defs": {"moment": {"type": "string", "format": "date-time"}},
        });
        let expected = json!({
            "path": "path", "mode": "read", "lines": 10, "ratio": 1.0, "tags": ["tagsxx", "tagsxx"],
            "when": "2026-01-02T03:04:05Z", "who": {"id": 5},
        });
        assert_eq!(sample(&schema), expected);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({
            "type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}},
        });
        assert!(sample(&schema).to_string().len() < 200);
    }

    #[test]
    fn a_tool_without_properties_gets_an_empty_object() {
        assert_eq!(sample(&json!({"type": "object"})), json!({}));
    }
}
