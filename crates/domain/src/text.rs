//! Making untrusted text safe to show on one line.

/// Longest untrusted text that may enter one field of a log line, in bytes.
pub const FIELD_LIMIT: usize = 256;

/// One line of at most `limit` bytes: control characters, line and paragraph separators and
/// direction overrides become spaces, and what is too long is cut at a character and marked with `…`.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let budget = if text.len() <= limit { limit } else { limit.saturating_sub('…'.len_utf8()) };
    let mut line = String::with_capacity(text.len().min(limit));
    for character in text.chars() {
        let shown = if is_unsafe_on_a_line(character) { ' ' } else { character };
        if line.len() + shown.len_utf8() > budget {
            line.push('…');
            break;
        }
        line.push(shown);
    }
    line
}

fn is_unsafe_on_a_line(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_one_line_and_under_the_limit() {
        assert_eq!(one_line("a\r\nb\u{1b}[31m\u{2028}c", 64), "a  b [31m c");
        let cut = one_line(&"я".repeat(1_000), FIELD_LIMIT);
        assert!(cut.len() <= FIELD_LIMIT && cut.ends_with('…'));
        assert_eq!(one_line(&"x".repeat(256), 256), "x".repeat(256));
    }
}
