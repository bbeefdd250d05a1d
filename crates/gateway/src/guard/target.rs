//! The request target: what may stand in a path and in a query.
//!
//! Owns the rules; refuses paths that two readers could read in two ways, and secrets in addresses.

use crate::Error;

/// Words in the name of a query parameter that mean a secret.
const SECRET_WORDS: [&str; 7] =
    ["token", "password", "passwd", "secret", "apikey", "authorization", "credential"];

/// Names of a query parameter that mean a secret when they stand alone.
const SECRET_NAMES: [&str; 4] = ["key", "auth", "jwt", "bearer"];

/// Refuses a path that hides something behind an encoding, climbs, or is no UTF-8.
///
/// # Errors
/// [`Error::HiddenPath`].
pub fn check_path(path: &str) -> Result<(), Error> {
    let decoded = decode(path).ok_or(Error::HiddenPath)?;
    let hidden = path.contains('%')
        && decoded.chars().filter(|c| matches!(c, '/' | '.')).count()
            != path.chars().filter(|c| matches!(c, '/' | '.')).count();
    let climbs = decoded.split('/').any(|part| matches!(part, "." | ".."));
    let unclear = decoded.contains("//")
        || decoded.contains(|c: char| c == '\\' || c == '%' || c.is_control());
    if hidden || climbs || unclear { Err(Error::HiddenPath) } else { Ok(()) }
}

/// Refuses a query with a parameter that is named like a secret.
///
/// # Errors
/// [`Error::CredentialInTarget`].
pub fn check_query(query: Option<&str>) -> Result<(), Error> {
    let names = query.unwrap_or_default().split(['&', ';']);
    let secret =
        names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name)).any(|name| {
            let plain: String = decode(name)
                .unwrap_or_default()
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect();
            SECRET_NAMES.contains(&plain.as_str())
                || SECRET_WORDS.iter().any(|word| plain.contains(word))
        });
    if secret { Err(Error::CredentialInTarget) } else { Ok(()) }
}

/// Percent-decoding, once. `None` when a sequence is broken or the result is no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_pass_and_hidden_ones_do_not() {
        for good in ["/", "/v1/models", "/assets/index-a1.js", "/s/agent%3Amain%20x", "/%D1%8F"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "/../etc/passwd",
            "/a/./b",
            "/a/..",
            "/%2e%2e/x",
            "/%2E%2E%2fx",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/%252e%252e/",
            "/%c0%ae%c0%ae/",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%zz",
            "/a%+1",
            "//evil.test/",
        ] {
            assert!(matches!(check_path(bad), Err(Error::HiddenPath)), "{bad}");
        }
    }

    #[test]
    fn secrets_in_queries_are_found_under_any_spelling() {
        for good in ["limit=5", "cursor=abc", "x=token", "monkey=1", ""] {
            assert!(check_query(Some(good)).is_ok(), "{good}");
        }
        assert!(check_query(None).is_ok());
        for bad in [
            "token=x",
            "a=1&Token=x",
            "access_token=x",
            "api-key=x",
            "api_key",
            "%74oken=x",
            "a=1;password=x",
            "key=x",
            "gatewayToken=x",
        ] {
            assert!(matches!(check_query(Some(bad)), Err(Error::CredentialInTarget)), "{bad}");
        }
    }
}
