//! By what names the gateway may be reached.
//!
//! Owns the exact lists of hosts and origins; refuses every name that is not on them, whatever it resolves
//! to, which is what defeats DNS rebinding.

use config::Network;
use http::uri::Authority;

use crate::client::Ends;

/// The names and proxies that the configuration allows, besides our own addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Perimeter {
    /// Public origins (`gateway.controlUi.allowedOrigins`).
    pub origins: Vec<Origin>,
    /// Proxies whose `X-Forwarded-For` is believed (`gateway.trustedProxies`).
    pub proxies: Vec<Network>,
}

/// A scheme, a host and a port, as RFC 6454 writes an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

// === impl Perimeter ===

impl Perimeter {
    /// Whether a `Host` names us: localhost or the address and port that the connection arrived at, or
    /// the host of a listed origin.
    #[must_use]
    pub fn has_host(&self, authority: &str, ends: &Ends) -> bool {
        let Some((host, port)) = split(authority) else { return false };
        is_ours(&host, port.unwrap_or(80), ends)
            || self
                .origins
                .iter()
                .any(|origin| origin.host == host && port.is_none_or(|port| port == origin.port))
    }

    /// Whether an `Origin` is one of our own or a listed one. `null` is neither.
    #[must_use]
    pub fn has_origin(&self, text: &str, ends: &Ends) -> bool {
        let Some(origin) = Origin::parse(text) else { return false };
        (origin.scheme == Scheme::Http && is_ours(&origin.host, origin.port, ends))
            || self.origins.contains(&origin)
    }
}

// === impl Origin ===

impl Origin {
    /// Reads `scheme://host[:port]`; nothing else is an origin, and `*` least of all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let (scheme, default_port) = match scheme {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            _ => return None,
        };
        let (host, port) = split(authority)?;
        Some(Self { scheme, host, port: port.unwrap_or(default_port) })
    }
}

fn is_ours(host: &str, port: u16, ends: &Ends) -> bool {
    let local = ends.local.ip().to_canonical();
    let own = match local {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => format!("[{v6}]"),
    };
    port == ends.local.port()
        && (["localhost", "127.0.0.1", "[::1]"].contains(&host) || host == own)
}

/// Host in lower case and port; `None` for what is no plain `host[:port]`.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    if authority.contains(['@', '/', '*']) {
        return None;
    }
    let parsed: Authority = authority.parse().ok()?;
    let port = match authority.strip_prefix(parsed.host())? {
        "" => None,
        rest => {
            let digits = rest.strip_prefix(':')?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            Some(plain.then(|| digits.parse().ok()).flatten()?)
        }
    };
    Some((parsed.host().to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(local: &str) -> Ends {
        Ends { peer: "127.0.0.1:40000".parse().unwrap(), local: local.parse().unwrap() }
    }

    fn perimeter() -> Perimeter {
        let origins = ["https://chat.example.com", "https://b.example:8443"];
        let origins = origins.iter().map(|text| Origin::parse(text).unwrap()).collect();
        Perimeter { origins, proxies: Vec::new() }
    }

    #[test]
    fn hosts_are_exact() {
        let ends = ends("192.168.0.7:18789");
        for good in [
            "localhost:18789",
            "LOCALHOST:18789",
            "127.0.0.1:18789",
            "[::1]:18789",
            "192.168.0.7:18789",
            "chat.example.com",
            "chat.example.com:443",
            "b.example:8443",
            "b.example",
        ] {
            assert!(perimeter().has_host(good, &ends), "{good}");
        }
        for bad in [
            "evil.test:18789",
            "evil.test",
            "localhost",
            "localhost:1",
            "localhost.:18789",
            "192.168.0.8:18789",
            "chat.example.com:444",
            "chat.example.com.",
            "evil-chat.example.com",
            "x@localhost:18789",
            "localhost:18789@evil.test",
            "localhost:",
            "localhost:+18789",
            "",
            "*",
        ] {
            assert!(!perimeter().has_host(bad, &ends), "{bad}");
        }
        assert!(perimeter().has_host("[2001:db8::5]:80", &self::ends("[2001:db8::5]:80")));
        assert!(perimeter().has_host("[2001:db8::5]", &self::ends("[2001:db8::5]:80")));
    }

    #[test]
    fn origins_are_exact() {
        let ends = ends("127.0.0.1:18789");
        for good in ["http://localhost:18789", "http://127.0.0.1:18789", "https://chat.example.com"]
        {
            assert!(perimeter().has_origin(good, &ends), "{good}");
        }
        for bad in [
            "null",
            "",
            "https://localhost:18789",
            "http://localhost:3000",
            "http://localhost",
            "http://chat.example.com",
            "https://chat.example.com:444",
            "https://chat.example.com.evil.test",
            "https://evil-chat.example.com",
            "https://chat.example.com/",
            "https://chat.example.com@evil.test",
            "file://",
            "*",
            "chrome-extension://abc",
        ] {
            assert!(!perimeter().has_origin(bad, &ends), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            let ends = ends("127.0.0.1:18789");
            prop_assume!(!text.to_lowercase().contains("18789") && !text.contains("example"));
            prop_assert!(!perimeter().has_host(&text, &ends));
            prop_assert!(!perimeter().has_origin(&text, &ends));
        }
    }
}
