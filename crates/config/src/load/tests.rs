//! The check and the types agree on which files are right, whatever a file says.

use serde_json::{Value, json};

use super::*;
use crate::{edit, schema};

/// A path for every setting of the schema, with `x` for free names and the first element of lists.
fn settings(schema: &Value, path: &KeyPath, found: &mut Vec<KeyPath>) {
    if !path.is_root() {
        found.push(path.clone());
    }
    for form in schema::forms(schema) {
        for (key, property) in
            form.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            settings(property, &path.key(key), found);
        }
        if let Some(other) = form.get("additionalProperties").filter(|other| other.is_object()) {
            settings(other, &path.key("x"), found);
        }
        if let Some(items) = form.get("items") {
            settings(items, &path.index(0), found);
        }
    }
}

#[test]
fn what_passes_the_check_always_fits_the_types() {
    let paths = Paths { config: "/nowhere/openclaw.json".into(), state: "/nowhere".into() };
    let mut all = Vec::new();
    settings(schema::shared(), &KeyPath::root(), &mut all);
    assert!(all.len() > 250, "{}", all.len());
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(0.5),
        json!(1e30),
        json!(70_000),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("x"),
        json!("1"),
        json!("main"),
        json!("127.0.0.1"),
        json!("https://a.b"),
        json!("2g"),
        json!("a/b"),
        json!([]),
        json!(["x"]),
        json!([1]),
        json!({}),
        json!({"x": "a/b"}),
    ];
    let mut accepted = 0;
    for path in &all {
        for value in &values {
            let text = edit::set("{}", path, value).unwrap();
            match load_text(&paths, &Env::default(), text) {
                Ok(_) => accepted += 1,
                Err(error) => {
                    assert!(!error.to_string().contains("please report"), "{path} = {value}");
                }
            }
        }
    }
    assert!(accepted > all.len(), "{accepted}");
}
