//! What is read from a file.

use super::Source;

const FILE: &str = r##"//! First line.

/// Not a "text".
pub struct Turn;

impl Coded for Turn {
    fn code(&self) -> &'static str {
        "turn-lost"
    }
}

trait Step {
    fn first(&self);
    fn next(&self) {}
}

#[cfg(test)]
mod tests {
    #[tokio::test(start_paused = true)]
    async fn waits() {
        macro_call!(b"bytes", r#"raw "text""#);
    }
}
"##;

#[test]
fn functions_types_and_tests_are_found() {
    let source = Source::parse("crates/engine/src/turn.rs", FILE).unwrap();
    assert_eq!(source.crate_name, "engine");
    assert_eq!(source.types, [("Turn".to_owned(), 4), ("Step".to_owned(), 12)]);
    let seen: Vec<_> = source
        .functions
        .iter()
        .map(|f| (f.name.as_str(), f.lines.clone(), f.of_coded, f.on_paused_clock))
        .collect();
    assert_eq!(
        seen,
        [
            ("code", 7..=9, true, false),
            ("next", 14..=14, false, false),
            ("waits", 20..=22, false, true)
        ]
    );
    assert_eq!(source.production_functions().count(), 2);
    assert_eq!((source.length, source.production_length()), (23, 16));
}

#[test]
fn texts_are_values_and_docs_are_not_texts() {
    let source = Source::parse("crates/engine/src/turn.rs", FILE).unwrap();
    let texts: Vec<_> = source.texts().collect();
    assert_eq!(texts, [("turn-lost", 8), ("bytes", 21), ("raw \"text\"", 21)]);
}

#[test]
fn code_is_found_by_whole_words_across_lines() {
    let source = Source::parse("a.rs", "fn f() { tokio::\n spawn(x); tokio::spawned(); }").unwrap();
    assert_eq!(source.lines_of("tokio::spawn"), [1]);
    assert_eq!(source.lines_of("tokio::spawn(x"), [1]);
    assert_eq!(source.lines_of("spawn_all"), [] as [usize; 0]);
}
