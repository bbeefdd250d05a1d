//! Who is at the other end of a connection, also behind proxies.
//!
//! Owns the one reading of `X-Forwarded-For`; refuses to believe it from anybody but a listed proxy.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use config::Network;
use http::HeaderMap;

/// The two ends of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Theirs.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

/// The client of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The connection that the request came over.
    pub ends: Ends,
    /// The client's own address, as far as it can be known.
    pub address: IpAddr,
    /// Whether somebody claims to have passed the request on.
    pub forwarded: bool,
}

/// An address for counting: IPv4 also when it is written as IPv6, and IPv6 by its /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey(IpAddr);

/// Headers by which a proxy shows itself.
const TRACES: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

// === impl Client ===

impl Client {
    /// Reads `X-Forwarded-For` from the right, as far as the hops are listed proxies.
    #[must_use]
    pub fn of(ends: Ends, headers: &HeaderMap, proxies: &[Network]) -> Self {
        let listed = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
        let mut address = ends.peer.ip().to_canonical();
        let lines: Vec<_> = headers.get_all("x-forwarded-for").into_iter().collect();
        let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for hop in hops {
            if !listed(address) {
                break;
            }
            let Some(claimed) = hop_address(hop) else { break };
            address = claimed;
        }
        let forwarded = TRACES.iter().any(|name| headers.contains_key(*name));
        Self { ends, address, forwarded }
    }

    /// Whether the client is on this very machine and nobody stands between.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.forwarded
            && self.address.is_loopback()
            && self.ends.peer.ip().to_canonical().is_loopback()
    }
}

// === impl AddressKey ===

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)))
            }
            other => other,
        })
    }
}

impl AddressKey {
    /// Whether it is this machine.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

/// One element of the header: an address, or an address with a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    hop.parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|with_port| with_port.ip()))
        .or_else(|_| hop.trim_matches(['[', ']']).parse::<IpAddr>())
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)], proxies: &[&str]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let proxies: Vec<Network> =
            proxies.iter().map(|network| network.parse().unwrap()).collect();
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        Client::of(Ends { peer, local: "127.0.0.1:18789".parse().unwrap() }, &map, &proxies)
    }

    fn address(peer: &str, forwarded: &str, proxies: &[&str]) -> String {
        client(peer, &[("x-forwarded-for", forwarded)], proxies).address.to_string()
    }

    #[test]
    fn only_listed_proxies_are_believed() {
        assert_eq!(address("9.9.9.9", "1.2.3.4", &[]), "9.9.9.9");
        assert_eq!(address("9.9.9.9", "1.2.3.4", &["127.0.0.1/32"]), "9.9.9.9");
        assert_eq!(address("127.0.0.1", "1.2.3.4", &["127.0.0.1/32"]), "1.2.3.4");
        assert_eq!(address("::ffff:127.0.0.1", "1.2.3.4", &["127.0.0.1/32"]), "1.2.3.4");
    }

    #[test]
    fn the_walk_is_from_the_right_and_stops_at_the_first_stranger() {
        let proxies = ["127.0.0.1/32", "10.0.0.0/8"];
        assert_eq!(address("127.0.0.1", "127.0.0.1, 6.6.6.6, 10.1.1.1", &proxies), "6.6.6.6");
        assert_eq!(address("127.0.0.1", "127.0.0.1, 6.6.6.6", &proxies), "6.6.6.6");
        assert_eq!(address("127.0.0.1", "127.0.0.1, nonsense, 10.1.1.1", &proxies), "10.1.1.1");
        assert_eq!(address("127.0.0.1", "[2001:db8::1]:80", &proxies), "2001:db8::1");
        assert_eq!(address("127.0.0.1", "::ffff:1.2.3.4", &proxies), "1.2.3.4");
    }

    #[test]
    fn a_forwarded_request_is_never_local() {
        assert!(client("127.0.0.1", &[], &[]).is_local());
        assert!(client("::1", &[], &[]).is_local());
        assert!(!client("192.168.0.2", &[], &[]).is_local());
        for trace in TRACES {
            for proxies in [&[][..], &["127.0.0.1/32"]] {
                assert!(
                    !client("127.0.0.1", &[(trace, "127.0.0.1")], proxies).is_local(),
                    "{trace}"
                );
            }
        }
    }

    #[test]
    fn one_client_has_one_key() {
        let key = |text: &str| AddressKey::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(key("1.2.3.4"), key("::ffff:1.2.3.4"));
        assert_eq!(key("2001:db8:0:1::1"), key("2001:db8:0:1:ffff::2"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
        assert!(key("::1").is_loopback() && key("127.0.0.5").is_loopback());
    }
}
