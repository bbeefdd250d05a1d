//! An address that the operator wrote into the configuration, with the credentials that belong to it.
//!
//! Refuses every scheme but http and https, and user names or passwords inside the address.

use domain::Secret;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;

use crate::Error;

/// One configured address and what is sent with every request to it.
///
/// There is one way to make it, and its name is a promise of the caller: the operator configured this
/// address. Plain http and private addresses are therefore allowed. An address that came from a tenant,
/// a model or a web page must not be given to [`Endpoint::configured`].
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) base: Url,
    pub(crate) headers: HeaderMap,
}

// === impl Endpoint ===

impl Endpoint {
    /// An address from the operator's configuration. A trailing slash and a query mean nothing.
    ///
    /// # Errors
    /// [`Error::Address`] when it is not an absolute http or https URL with a host, or carries a user name
    /// or password.
    pub fn configured(address: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::Address { address: without_secrets(address), reason };
        let mut base = Url::parse(address.trim()).map_err(|_| refuse("it is not a URL"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refuse("only http and https are spoken here"));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it names no host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refuse("a user name or password in it would end up in logs"));
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base, headers: HeaderMap::new() })
    }

    /// The same endpoint, sending `Authorization: Bearer <token>`.
    ///
    /// # Errors
    /// [`Error::Header`] when the token holds what HTTP cannot carry.
    pub fn with_bearer(self, token: &Secret) -> Result<Self, Error> {
        self.with_header(AUTHORIZATION.as_str(), &Secret::new(format!("Bearer {}", token.expose())))
    }

    /// The same endpoint, sending this header. It is treated as a secret whatever its name is.
    ///
    /// # Errors
    /// [`Error::Header`] when the name or the value is not one that HTTP can carry.
    pub fn with_header(mut self, name: &str, value: &Secret) -> Result<Self, Error> {
        let refuse = || Error::Header { name: domain::text::one_line(name, 64) };
        let key = HeaderName::try_from(name).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// The same endpoint with `/` and `segment` behind its path.
    #[must_use]
    pub fn below(mut self, segment: &str) -> Self {
        let path = joined(self.base.path(), segment);
        self.base.set_path(&path);
        self
    }

    /// The path of the address, without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// Scheme, host and port: the only part of an address that is shown to anybody.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// The address with `path` behind its own. Scheme, host and port stay what they are, whatever `path` is.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&joined(self.base.path(), path));
        url
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("origin", &self.origin()).finish_non_exhaustive()
    }
}

fn joined(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// The address up to its query, without what stands before an `@`.
fn without_secrets(address: &str) -> String {
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    let shown = match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => shown.to_owned(),
    };
    domain::text::one_line(&shown, 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_and_https_addresses_are_taken() {
        for good in ["http://127.0.0.1:8000", "https://api.example.com/v1/", "HTTP://[::1]:9/x"] {
            assert!(Endpoint::configured(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example.com",
            "file:///etc/passwd",
            "ftp://host/x",
            "gopher://host",
            "data:,x",
            "unix:/var/run/docker.sock",
            "http://",
            "https://user:pass@host/",
            "https://user@host/",
        ] {
            assert!(matches!(Endpoint::configured(bad), Err(Error::Address { .. })), "{bad}");
        }
    }

    #[test]
    fn a_refusal_shows_no_password_and_no_query() {
        let error = Endpoint::configured("https://anna:hunter2@host/x?key=sk-1").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("https://host/x"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("sk-1"), "{text}");
    }

    #[test]
    fn no_path_can_change_the_origin() {
        let endpoint = Endpoint::configured("https://host.example/v1?x=1#y").unwrap();
        assert_eq!(endpoint.url("models").as_str(), "https://host.example/v1/models");
        for path in
            ["//evil/x", "@evil", "https://evil/", "/../../x", "\\\\evil\\x", "?q", "#f", ":99/x"]
        {
            let url = endpoint.url(path);
            assert_eq!(url.origin().ascii_serialization(), "https://host.example", "{path}");
            assert_eq!((url.query(), url.fragment()), (None, None), "{path}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_credential() {
        let endpoint = Endpoint::configured("https://host/v1").unwrap();
        let endpoint = endpoint.with_bearer(&Secret::new("sk-secret")).unwrap();
        assert!(!format!("{endpoint:?} {:?}", endpoint.headers).contains("sk-secret"));
        let error = endpoint.with_header("x-key", &Secret::new("sk-secret\r\nx: y")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sk-secret"));
    }
}
