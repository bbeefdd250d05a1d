//! Reading JSON that strangers wrote.
//!
//! Owns the depth bound and the wording of refusals; refuses to let a parser recurse into what is too deep.

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads a value from JSON that is nested at most `depth` deep.
///
/// # Errors
/// [`Error::TooDeep`], or [`Error::Malformed`] with the parser's own words, which name the field and the
/// place but never repeat what stood there beyond a few characters.
pub fn read<T: DeserializeOwned>(text: &[u8], depth: usize) -> Result<T, Error> {
    if !within_depth(text, depth) {
        return Err(Error::TooDeep { limit: depth });
    }
    serde_json::from_slice(text).map_err(|error| Error::malformed(&error))
}

/// Whether no bracket of the text is nested deeper than `limit`. One pass, no memory.
#[must_use]
pub fn within_depth(text: &[u8], limit: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for &byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_counts_brackets_but_not_those_in_strings() {
        assert!(read::<Value>(nested(64).as_bytes(), 64).is_ok());
        assert!(matches!(
            read::<Value>(nested(65).as_bytes(), 64),
            Err(Error::TooDeep { limit: 64 })
        ));
        assert!(within_depth(br#"{"a":"[[[[\"[[["}"#, 1));
        assert!(!within_depth(&vec![b'['; 1_000_000], 64));
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for bad in [
            &b""[..],
            b"{",
            b"\xef\xbb\xbf{}",
            b"{\"a\":NaN}",
            b"{\"a\":1e999}",
            b"\"\\ud800\"",
            b"\xff",
        ] {
            assert!(matches!(read::<Value>(bad, 64), Err(Error::Malformed { .. })), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<Value>(&bytes, 64);
        }
    }
}
