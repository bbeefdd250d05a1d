//! Masks what looks like a key. The second net: secrets are typed and cannot be formatted at all, but a
//! provider may echo one in an error, and a person may paste one anywhere.

use std::borrow::Cow;

const MASK: &str = "***";

/// How known keys begin, and how many more characters make it one.
const PREFIXES: [(&str, usize); 17] = [
    ("sk-", 8),
    ("ocl_", 1),
    ("ocd_", 1),
    ("oct_", 1),
    ("ghp_", 8),
    ("gho_", 8),
    ("ghs_", 8),
    ("github_pat_", 8),
    ("glpat-", 8),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("hf_", 16),
    ("gsk_", 16),
    ("AIza", 20),
    ("AKIA", 12),
    // A token of Meta's Graph, and the head of a JSON web token.
    ("EAA", 20),
    ("eyJ", 20),
];

/// Names whose value is never shown, in `name=value`, `name: value` and `"name":"value"`.
const NAMES: [&str; 16] = [
    "access_token",
    "accesstoken",
    "api-key",
    "api_key",
    "apikey",
    "appsecret_proof",
    "auth",
    "authorization",
    "client_secret",
    "cookie",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "token",
    "x-api-key",
];

/// Schemes of an `Authorization` header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

/// A part to keep and, right after it, a part to mask; both in bytes.
struct Found {
    keep: usize,
    mask: usize,
}

/// The text with everything that looks like a key replaced by `***`. `cut` says that the text goes on
/// beyond its end, so that a key at the end may be shorter than such keys are.
#[must_use]
pub fn redact(text: &str, cut: bool) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut after_letter = false;
    while let Some(character) = text[at..].chars().next() {
        // A key begins a word; the `://` of an address ends one.
        let rest = &text[at..];
        let found = if after_letter { url(rest) } else { find(rest, cut) };
        if let Some(Found { keep, mask }) = found {
            clean.push_str(&text[copied..at + keep]);
            clean.push_str(MASK);
            at += keep + mask;
            copied = at;
            after_letter = true;
        } else {
            after_letter = character.is_ascii_alphanumeric();
            at += character.len_utf8();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

fn find(rest: &str, cut: bool) -> Option<Found> {
    named(rest).or_else(|| scheme(rest)).or_else(|| prefixed(rest, cut)).or_else(|| bot(rest, cut))
}

fn prefixed(rest: &str, cut: bool) -> Option<Found> {
    PREFIXES.iter().find_map(|(prefix, least)| {
        let body = rest.strip_prefix(prefix)?;
        let mask = body_length(body);
        let known = mask >= *least || (cut && mask == body.len());
        known.then_some(Found { keep: prefix.len(), mask })
    })
}

fn scheme(rest: &str) -> Option<Found> {
    SCHEMES.iter().find_map(|scheme| {
        let body = strip_prefix_ignoring_case(rest, scheme)?;
        let mask = body_length(body);
        // "bearer of news" is no credential.
        (mask >= 12).then_some(Found { keep: scheme.len(), mask })
    })
}

fn named(rest: &str) -> Option<Found> {
    NAMES.iter().find_map(|name| {
        let after = strip_prefix_ignoring_case(rest, name)?;
        let after = after.strip_prefix("\\\"").or_else(|| after.strip_prefix('"')).unwrap_or(after);
        let spaces = after.trim_start_matches(' ');
        let value = spaces.strip_prefix(['=', ':'])?.trim_start_matches([' ', '"', '\\']);
        let value =
            SCHEMES.iter().find_map(|s| strip_prefix_ignoring_case(value, s)).unwrap_or(value);
        let mask = value.find(ends_value).unwrap_or(value.len());
        (mask > 0).then_some(Found { keep: rest.len() - value.len(), mask })
    })
}

/// A token of Telegram's: the bot's number, a colon, 35 characters.
fn bot(rest: &str, cut: bool) -> Option<Found> {
    let number = rest.strip_prefix("bot").unwrap_or(rest);
    let digits = number.find(|c: char| !c.is_ascii_digit())?;
    let body = number[digits..].strip_prefix(':').filter(|_| (6..=12).contains(&digits))?;
    let mask = body.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    let mask = mask.unwrap_or(body.len());
    let known = mask >= 30 || (cut && mask == body.len() && mask >= 8);
    known.then_some(Found { keep: rest.len() - body.len(), mask })
}

/// The password in `scheme://user:password@host`.
fn url(rest: &str) -> Option<Found> {
    let authority = rest.strip_prefix("://")?;
    let end = authority.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
    let (user, _) = authority[..end.unwrap_or(authority.len())].rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    (!password.is_empty())
        .then_some(Found { keep: "://".len() + name.len() + 1, mask: password.len() })
}

fn body_length(body: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c);
    body.find(|c| !part(c)).unwrap_or(body.len())
}

fn ends_value(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '"' | '\'' | '\\' | '&' | ',' | ';' | ')' | ']' | '}' | '>')
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn what_looks_like_a_key_is_masked() {
        for (text, clean) in [
            ("key sk-ant-api03-abcdef_GHI-1 refused", "key sk-*** refused"),
            ("Incorrect API key provided: sk-proj-12345678.", "Incorrect API key provided: sk-***"),
            (
                "open http://127.0.0.1:1/#token=ocl_abc now",
                "open http://127.0.0.1:1/#token=*** now",
            ),
            ("(oct_x)", "(oct_***)"),
            ("authorization: Bearer abcdefghijkl", "authorization: Bearer ***"),
            ("sent bearer abcdefghijkl.mno/p==", "sent bearer ***"),
            (r#"{"password":"p","user":"u"}"#, r#"{"password":"***","user":"u"}"#),
            (r#"{\"api_key\":\"p q\"}"#, r#"{\"api_key\":\"*** q\"}"#),
            ("?access_token=EAAB&x=1", "?access_token=***&x=1"),
            ("postgres://openclaw:pa:ss@db/x", "postgres://openclaw:***@db/x"),
            ("ключ=sk-абв sk-12345678", "ключ=sk-абв sk-***"),
        ] {
            assert_eq!(redact(text, false), clean);
        }
    }

    #[test]
    fn a_bot_token_is_masked_also_in_an_address() {
        let token = "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234";
        assert_eq!(redact(token, false), "123456789:***");
        assert_eq!(redact(&format!("/bot{token}/getMe"), false), "/bot123456789:***/getMe");
    }

    #[test]
    fn plain_words_stay() {
        for text in [
            "disk-usage-report is a task-list",
            "the bearer of good news",
            "1 token of 5, at 12:30:15",
            "https://example.org/a:b@c",
            "sk-short",
            "",
        ] {
            assert_eq!(redact(text, false), text);
        }
    }

    #[test]
    fn a_key_that_the_cut_shortened_is_still_one() {
        assert_eq!(redact("see sk-ant", true), "see sk-***");
    }
}
