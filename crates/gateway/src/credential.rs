//! Where a request carries its credential, and how credentials are compared.
//!
//! Owns the one extractor; refuses a request that carries two different ones.

use aws_lc_rs::digest::{SHA256, digest};
use domain::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::Error;

/// Headers that carry a bare credential, besides `Authorization: Bearer`.
const BARE: [&str; 2] = ["x-api-key", "x-openclaw-token"];

/// The longest credential that is looked at, in bytes.
const LONGEST: usize = 1024;

/// The credential of an HTTP request; `None` when it carries none.
///
/// # Errors
/// [`Error::TwoCredentials`] when it carries different ones, [`Error::BadCredential`] when it carries
/// something that cannot be one: another scheme than Bearer, bytes that are no text, too many of them.
pub fn presented(headers: &HeaderMap) -> Result<Option<Secret>, Error> {
    let mut found = Vec::new();
    for value in headers.get_all(AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Error::BadCredential)?;
        let (scheme, token) = text.trim().split_once(' ').ok_or(Error::BadCredential)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Error::BadCredential);
        }
        found.push(Secret::new(token.trim()));
    }
    for value in BARE.iter().flat_map(|name| headers.get_all(*name)) {
        found.push(Secret::new(value.to_str().map_err(|_| Error::BadCredential)?.trim()));
    }
    one_of(found)
}

/// The one credential among several that should all be the same; blank ones count as absent.
///
/// # Errors
/// [`Error::TwoCredentials`] when they differ, [`Error::BadCredential`] when one is too long.
pub fn one_of(found: impl IntoIterator<Item = Secret>) -> Result<Option<Secret>, Error> {
    let mut found = found.into_iter().filter(|secret| !secret.is_blank());
    let Some(first) = found.next() else { return Ok(None) };
    if first.expose().len() > LONGEST {
        return Err(Error::BadCredential);
    }
    if found.any(|other| !same(&first, &other)) {
        return Err(Error::TwoCredentials);
    }
    Ok(Some(first))
}

/// Whether two credentials are equal, in a time that says nothing about where they differ.
#[must_use]
pub fn same(one: &Secret, other: &Secret) -> bool {
    let digest = |secret: &Secret| digest(&SHA256, secret.expose().as_bytes());
    digest(one).as_ref().ct_eq(digest(other).as_ref()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value): (http::HeaderName, http::HeaderValue)| {
                map.append(name, value);
                map
            },
        )
    }

    #[test]
    fn any_of_the_headers_carries_it() {
        for line in [
            ("authorization", "Bearer t"),
            ("authorization", "bearer  t "),
            ("x-api-key", "t"),
            ("x-openclaw-token", "t"),
        ] {
            assert_eq!(presented(&headers(&[line])).unwrap(), Some(Secret::new("t")), "{line:?}");
        }
        assert_eq!(presented(&headers(&[])).unwrap(), None);
        assert_eq!(presented(&headers(&[("authorization", "Bearer  ")])).ok(), None);
    }

    #[test]
    fn two_different_ones_are_refused_and_two_equal_ones_are_one() {
        for second in [("x-api-key", "u"), ("x-openclaw-token", "u"), ("authorization", "Bearer u")]
        {
            let two = headers(&[("authorization", "Bearer t"), second]);
            assert!(matches!(presented(&two), Err(Error::TwoCredentials)), "{second:?}");
        }
        let equal = headers(&[("authorization", "Bearer t"), ("x-api-key", "t")]);
        assert_eq!(presented(&equal).unwrap(), Some(Secret::new("t")));
    }

    #[test]
    fn what_cannot_be_one_is_refused() {
        let long = format!("Bearer {}", "x".repeat(1_025));
        for value in ["Basic dXNlcjpwYXNz", "t", &long] {
            let refused = presented(&headers(&[("authorization", value)]));
            assert!(matches!(refused, Err(Error::BadCredential)));
        }
    }

    #[test]
    fn comparison_is_of_the_whole() {
        assert!(same(&Secret::new("abc"), &Secret::new("abc")));
        for other in ["", "ab", "abcd", "abd", "ABC"] {
            assert!(!same(&Secret::new("abc"), &Secret::new(other)));
        }
    }
}
