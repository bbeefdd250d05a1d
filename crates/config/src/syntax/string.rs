//! Strings and their escapes.

use super::{Cursor, Fault, is_line_end};

/// Reads a string whose opening quote comes next.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let start = cursor.pos;
    let quote = cursor.bump();
    let mut value = String::new();
    loop {
        let at = cursor.pos;
        match cursor.bump() {
            None => return Err(Fault::new(start, "this text has no closing quote")),
            closing if closing == quote => return Ok(value),
            Some('\\') => value.extend(escape(cursor, at)?),
            Some('\n' | '\r') => {
                return Err(Fault::new(start, "this text has no closing quote on its line"));
            }
            Some(other) => value.push(other),
        }
    }
}

/// Reads a `\u` escape in a key without quotes.
pub(super) fn escape_in_name(cursor: &mut Cursor<'_>) -> Result<char, Fault> {
    let at = cursor.pos;
    cursor.bump();
    if !cursor.eat("u") {
        return Err(Fault::new(at, "a key without quotes knows only the escape \\uXXXX"));
    }
    unicode(cursor, at)
}

/// What stands behind a backslash; `None` for a line that goes on.
fn escape(cursor: &mut Cursor<'_>, at: usize) -> Result<Option<char>, Fault> {
    let Some(letter) = cursor.bump() else {
        return Err(Fault::new(at, "nothing stands behind this \\"));
    };
    Ok(Some(match letter {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0' if !cursor.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
        '0'..='9' => return Err(Fault::new(at, "an escape cannot be a digit; write \\xXX")),
        'x' => char::from_u32(hex(cursor, 2, at)?).unwrap_or('\u{fffd}'),
        'u' => unicode(cursor, at)?,
        '\r' => {
            cursor.eat("\n");
            return Ok(None);
        }
        end if is_line_end(end) => return Ok(None),
        other => other,
    }))
}

/// The character of a `\u` escape; two of them for one beyond U+FFFF.
fn unicode(cursor: &mut Cursor<'_>, at: usize) -> Result<char, Fault> {
    let half = || Fault::new(at, "this \\u escape is half of a character");
    let first = hex(cursor, 4, at)?;
    if let Some(character) = char::from_u32(first) {
        return Ok(character);
    }
    if first > 0xdbff || !cursor.eat("\\u") {
        return Err(half());
    }
    let second = hex(cursor, 4, at)?;
    if !(0xdc00..=0xdfff).contains(&second) {
        return Err(half());
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(half)
}

fn hex(cursor: &mut Cursor<'_>, digits: u32, at: usize) -> Result<u32, Fault> {
    let mut value = 0;
    for _ in 0..digits {
        let digit = cursor.bump().and_then(|c| c.to_digit(16)).ok_or_else(|| {
            Fault::new(at, format!("this escape wants {digits} hexadecimal digits"))
        })?;
        value = value * 16 + digit;
    }
    Ok(value)
}
