//! Text as both engines can hold it.

/// `PostgreSQL` cannot hold the character U+0000 in a text, and a message or an answer that holds one must
/// not fail because of it: it is shown as what it is, a character that cannot be shown.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}
