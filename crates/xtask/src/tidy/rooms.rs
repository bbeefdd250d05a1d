//! Which texts may be written in which crate: SQL, the JSON of model providers, Meta's address.
//!
//! Owns the signs by which such a text is known; refuses to guess at comments, which are not read.

use crate::source::Source;
use crate::tree::Tree;
use crate::violation::Violation;

struct Room {
    belongs: fn(&str) -> bool,
    noun: &'static str,
    owners: &'static [&'static str],
    in_tests_too: bool,
    why: &'static str,
    remedy: &'static str,
}

const ROOMS: &[Room] = &[
    Room {
        belongs: is_sql,
        noun: "SQL",
        owners: &["store", "testkit", "trials", "xtask"],
        in_tests_too: true,
        why: "SQL is written in `store` alone, where every statement is prepared on both engines by a test",
        remedy: "move the statement to crates/store and call it",
    },
    Room {
        belongs: is_provider_json,
        noun: "a provider's JSON",
        owners: &["llm", "simulator", "testkit", "trials", "xtask"],
        in_tests_too: false,
        why: "the wire formats of model providers are typed in `llm` alone, so that a change there is one change",
        remedy: "use the wire types of crates/llm",
    },
    Room {
        belongs: is_graph_address,
        noun: "Meta's Graph address",
        owners: &["graph", "ads", "simulator", "xtask"],
        in_tests_too: false,
        why: "versions, signatures and limits of Meta's Graph are known to `graph` and `ads` alone",
        remedy: "call crates/graph",
    },
];

const SQL_VERBS: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "PRAGMA", "VACUUM"];

/// Words of the two wire formats that mean nothing anywhere else.
const PROVIDER_WORDS: &[&str] = &[
    "anthropic-version",
    "chat.completion",
    "chat.completion.chunk",
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "finish_reason",
    "input_json_delta",
    "tool_calls",
    "tool_use",
];

/// Every string literal outside its room.
pub fn check(tree: &Tree) -> Vec<Violation> {
    tree.sources
        .iter()
        .flat_map(|source| ROOMS.iter().flat_map(|room| strays(source, room)))
        .collect()
}

fn strays(source: &Source, room: &Room) -> Vec<Violation> {
    if room.owners.contains(&source.crate_name.as_str()) {
        return Vec::new();
    }
    let stray = |(text, line): &(&str, usize)| {
        (room.belongs)(text) && (room.in_tests_too || !source.is_test(*line))
    };
    source
        .texts()
        .filter(stray)
        .map(|(_, line)| Violation {
            file: source.path.clone(),
            line,
            what: format!("{} outside {}", room.noun, room.owners[0]),
            why: room.why,
            remedy: room.remedy,
        })
        .collect()
}

/// A verb and then a word; `DELETE /v1/files` is a request line, not SQL.
fn is_sql(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let verb = words.next().is_some_and(|word| SQL_VERBS.contains(&word));
    verb && words.next().is_some_and(|word| !word.starts_with('/'))
}

fn is_provider_json(text: &str) -> bool {
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.split(|c| !of_word(c)).any(|word| PROVIDER_WORDS.contains(&word))
}

fn is_graph_address(text: &str) -> bool {
    text.contains("graph.facebook.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tree_of, whats};

    fn found(path: &str, literal: &str) -> Vec<String> {
        let text = format!("//! X.\nconst TEXT: &str = {literal};\n");
        whats(&check(&tree_of(&[(path, &text)])))
    }

    #[test]
    fn sql_is_known_by_its_verb() {
        for sql in [
            r#""SELECT 1""#,
            r##"r#"
                INSERT INTO tenant (id) VALUES ($1)"#"##,
            r#""UPDATE budget SET used = used + $1""#,
            r#""PRAGMA journal_mode = WAL""#,
        ] {
            assert_eq!(
                found("crates/engine/src/a.rs", sql),
                ["crates/engine/src/a.rs:2 SQL outside store"]
            );
            assert_eq!(found("crates/store/src/a.rs", sql), Vec::<String>::new());
        }
        for prose in [
            r#""select one""#,
            r#""DELETE""#,
            r#""DELETE /v1/files HTTP/1.1""#,
            r#""SELECTED ROW""#,
        ] {
            assert_eq!(found("crates/engine/src/a.rs", prose), Vec::<String>::new(), "{prose}");
        }
    }

    #[test]
    fn provider_json_is_known_by_its_words() {
        for json in [
            r##"r#"{"finish_reason":"stop"}"#"##,
            r#""chat.completion.chunk""#,
            r#""anthropic-version""#,
        ] {
            assert_eq!(found("crates/agent/src/a.rs", json).len(), 1, "{json}");
            assert_eq!(found("crates/agent/tests/it/a.rs", json).len(), 0, "{json}");
            assert_eq!(found("crates/simulator/src/a.rs", json).len(), 0, "{json}");
        }
        assert_eq!(found("crates/agent/src/a.rs", r#""tool_calls_total""#), Vec::<String>::new());
    }

    #[test]
    fn only_graph_and_ads_know_metas_address() {
        let address = r#""https://graph.facebook.com/v25.0""#;
        assert_eq!(found("crates/channels/src/whatsapp.rs", address).len(), 1);
        assert_eq!(found("crates/graph/src/client.rs", address).len(), 0);
    }

    #[test]
    fn comments_are_not_read() {
        let text = "//! X.\n/// SELECT 1 from graph.facebook.com, finish_reason.\n// SELECT 1\nfn f() {}\n";
        assert_eq!(check(&tree_of(&[("crates/engine/src/a.rs", text)])), []);
    }
}
