//! The page that lists every setting: `docs/config.md`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::check::words;
use crate::schema;

const INTRODUCTION: &str = "\
# Settings

<!-- Made by `openclaw config schema --markdown > docs/config.md`. Do not edit by hand. -->

`openclaw.json` is JSON5: comments, single quotes, keys without quotes and commas behind the last entry
are fine. Every setting may be left out. An unknown key is an error. Loading never changes the file.

It is looked for at `$OPENCLAW_CONFIG_PATH`, then as `openclaw.json` in `$OPENCLAW_STATE_DIR`, in
`$OPENCLAW_HOME/.openclaw`, in `~/.openclaw`, and, if that folder does not exist, in `~/.clawdbot`. There
`moltbot.json` stands in for an absent `openclaw.json`.

- `${NAME}` in text is replaced by the environment variable of that name (upper-case letters, digits and
  `_`). If it is not set, the setting counts as not written, with a warning. `$${NAME}` stands for the
  text `${NAME}`.
- `$include: \"more.json5\"`, or a list of names, puts in other files from the same folder or below it.
  Objects are merged, lists are joined, and what is written beside `$include` comes last. Ten files may
  include one another in a row, 64 in all.
- A file may have 1 MiB and 64 levels. A key may stand only once in an object.
- `OPENCLAW_GATEWAY_PORT`, `OPENCLAW_GATEWAY_TOKEN` (or `CLAWDBOT_GATEWAY_TOKEN`) and
  `OPENCLAW_DATABASE_URL` override what is written.

In the names below, `<name>` stands for a name of your choice, and `[]` for each element of a list.
";

/// The page that lists every setting with its type, default and meaning, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let sections = schema::shared().get("properties").and_then(Value::as_object);
    for (name, section) in sections.into_iter().flatten() {
        let mut rows = Vec::new();
        collect(section, name, &mut rows);
        shorten(&mut rows);
        let _ = write!(page, "\n## {name}\n\n{}\n", meaning(section));
        if rows.len() == 1 && rows.first().is_some_and(|row| row.name == *name) {
            continue;
        }
        page.push_str("\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
        for row in rows {
            let Row { name, kind, default, meaning } = row;
            let _ = writeln!(page, "| `{name}` | {kind} | {default} | {meaning} |");
        }
    }
    page
}

struct Row {
    name: String,
    kind: String,
    default: String,
    meaning: String,
}

fn collect(schema: &Value, name: &str, rows: &mut Vec<Row>) {
    let before = rows.len();
    let mut plain = Vec::new();
    for form in schema::forms(schema) {
        if let Some(properties) = form.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                collect(property, &format!("{name}.{key}"), rows);
            }
        } else if let Some(other) =
            form.get("additionalProperties").filter(|other| other.is_object())
        {
            collect_nested(other, schema, &format!("{name}.<name>"), rows);
        } else if let Some(items) = form.get("items").filter(|items| has_parts(items)) {
            collect_nested(items, schema, &format!("{name}[]"), rows);
        } else {
            plain.push(type_of(form));
        }
    }
    if !plain.is_empty() {
        let default = schema.get("default").map_or(String::new(), |value| format!("`{value}`"));
        let kind = plain.join(" or ");
        let row = Row { name: name.to_owned(), kind, default, meaning: cell(&meaning(schema)) };
        rows.insert(before, row);
    }
}

/// What holds for one agent is what holds for all: said once.
fn shorten(rows: &mut Vec<Row>) {
    const ALL: &str = "agents.defaults.sandbox";
    const ONE: &str = "agents.list[].sandbox";
    let Some(place) = rows.iter().position(|row| row.name.starts_with(ONE)) else { return };
    rows.retain(|row| !row.name.starts_with(ONE));
    let row = Row {
        name: ONE.to_owned(),
        kind: "object".to_owned(),
        default: String::new(),
        meaning: format!(
            "Where its commands run: the same keys as `{ALL}`, instead of it as a whole."
        ),
    };
    rows.insert(place, row);
}

/// What stands below a free name or in a list. Plain values take the meaning of what holds them.
fn collect_nested(inner: &Value, outer: &Value, name: &str, rows: &mut Vec<Row>) {
    let before = rows.len();
    collect(inner, name, rows);
    for row in rows.iter_mut().skip(before).filter(|row| row.name == name) {
        if outer.get("writeOnly").is_some() {
            row.kind = "secret text".to_owned();
        }
        if row.meaning.is_empty() || !outer.get("description").is_none_or(Value::is_null) {
            row.meaning = cell(&meaning(outer));
        }
    }
}

fn has_parts(schema: &Value) -> bool {
    schema::forms(schema).iter().any(|form| form.get("properties").is_some())
}

fn type_of(form: &Value) -> String {
    if let Some(words) = words(form) {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    let secret = form.get("writeOnly").is_some();
    match form.get("type").and_then(Value::as_str) {
        Some("array") => match form.get("items") {
            Some(items) => {
                let kinds: Vec<_> = schema::forms(items).into_iter().map(type_of).collect();
                format!("list of {}", kinds.join(" or "))
            }
            None => "list".to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("whole number{}", range(form)),
        Some("number") => format!("number{}", range(form)),
        Some("object") => "object".to_owned(),
        _ if secret => "secret text".to_owned(),
        _ => "text".to_owned(),
    }
}

fn range(form: &Value) -> String {
    let least = form.get("minimum").filter(|least| least.as_f64() != Some(0.0));
    // A bound that is only the width of the type tells nobody anything.
    let most = form.get("maximum").filter(|most| most.as_f64() < Some(f64::from(u32::MAX)));
    match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

fn meaning(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_the_one_that_is_made() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == reference(),
            "docs/config.md is out of date; run: openclaw config schema --markdown > docs/config.md"
        );
    }

    #[test]
    fn every_setting_has_a_line() {
        let page = reference();
        for line in [
            "| `gateway.port` | whole number, 1 to 65535 | `18789` | The TCP port. `OPENCLAW_GATEWAY_PORT` overrides it. |",
            "| `gateway.trustedProxies` | list of text | `[]` | Proxies (addresses or networks) whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. |",
            "| `logging.consoleStyle` | `pretty`, `compact`, `json` | `\"pretty\"` | The form of lines on the terminal. |",
            "| `models.providers.<name>.models[].id` | text |",
            "| `channels.telegram.accounts.<name>.botToken` | secret text |",
            "| `agents.defaults.cliBackends.<name>.env.<name>` | secret text |",
        ] {
            assert!(page.contains(line), "{line}");
        }
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        for row in rows {
            assert!(!row.ends_with("|  |"), "no meaning: {row}");
        }
    }
}
