//! Numbers: decimal, hexadecimal, with a sign and with a bare point.

use serde_json::Number;

use super::{Cursor, Fault, continues_name};

/// Up to here every whole number has its own `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a number; `None` for one that is infinite, too large for an `f64`, or not a number at all.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Number>, Fault> {
    let start = cursor.pos;
    let negative = cursor.eat("-");
    if !negative {
        cursor.eat("+");
    }
    let number = if cursor.eat("Infinity") || cursor.eat("NaN") {
        None
    } else if cursor.eat("0x") || cursor.eat("0X") {
        hexadecimal(cursor, negative, start)?
    } else {
        decimal(cursor, negative, start)?
    };
    if cursor.peek().is_some_and(|c| continues_name(c) || c == '.') {
        return Err(malformed(start));
    }
    Ok(number)
}

fn hexadecimal(
    cursor: &mut Cursor<'_>,
    negative: bool,
    start: usize,
) -> Result<Option<Number>, Fault> {
    let digits = cursor.take_while(|c| c.is_ascii_hexdigit());
    if digits.is_empty() {
        return Err(malformed(start));
    }
    Ok(i64::from_str_radix(digits, 16)
        .ok()
        .map(|value| (if negative { -value } else { value }).into()))
}

fn decimal(cursor: &mut Cursor<'_>, negative: bool, start: usize) -> Result<Option<Number>, Fault> {
    let from = cursor.pos;
    let whole = cursor.take_while(|c| c.is_ascii_digit()).len();
    if whole > 1 && cursor.text.get(from..).is_some_and(|rest| rest.starts_with('0')) {
        return Err(Fault::new(start, "a number cannot begin with 0; remove it or add quotes"));
    }
    let fraction =
        if cursor.eat(".") { cursor.take_while(|c| c.is_ascii_digit()).len() } else { 0 };
    if whole + fraction == 0 {
        return Err(malformed(start));
    }
    if cursor.eat("e") || cursor.eat("E") {
        if !cursor.eat("+") {
            cursor.eat("-");
        }
        if cursor.take_while(|c| c.is_ascii_digit()).is_empty() {
            return Err(malformed(start));
        }
    }
    let digits = cursor.text.get(from..cursor.pos).unwrap_or_default();
    let written = if negative { format!("-{digits}") } else { digits.to_owned() };
    Ok(exact(&written).or_else(|| rounded(&written)))
}

fn exact(written: &str) -> Option<Number> {
    written
        .parse::<i64>()
        .map(Number::from)
        .ok()
        .or_else(|| written.parse::<u64>().ok().map(Number::from))
}

/// The nearest `f64`; a whole one becomes a whole number, so that `1e3` is one.
fn rounded(written: &str) -> Option<Number> {
    let value: f64 = written.parse().ok()?;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return exact(&format!("{value:.0}"));
    }
    Number::from_f64(value)
}

fn malformed(start: usize) -> Fault {
    Fault::new(start, "this is not a number; text needs quotes")
}
