//! `gateway`: the port, who may connect and what is served there.

use std::net::{IpAddr, Ipv4Addr};

use domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format::{Bind, Network, Origin};

/// Who may connect, from where, and how.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// The TCP port. `OPENCLAW_GATEWAY_PORT` overrides it.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// Where to listen: `loopback`, `lan` (every address), `auto` (the same as `loopback`), `custom`
    /// (the address in `customBindHost`), or an IP address.
    pub bind: Bind,
    /// The address for `bind: "custom"`.
    pub custom_bind_host: Option<IpAddr>,
    /// Whether this machine runs the gateway or only talks to one.
    pub mode: Mode,
    /// How a client proves who it is.
    pub auth: Auth,
    /// Proxies (addresses or networks) whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether `X-Real-IP` of a trusted proxy counts when it sends no `X-Forwarded-For`.
    pub allow_real_ip_fallback: bool,
    /// The page.
    pub control_ui: ControlUi,
    /// HTTP interfaces for other programs.
    pub http: Http,
    /// What happens when this file changes.
    pub reload: Reload,
    /// The gateway that commands talk to when `mode` is `remote`.
    pub remote: Remote,
}

/// Whether this machine runs the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It runs here.
    #[default]
    Local,
    /// It runs elsewhere; commands go to `gateway.remote.url`.
    Remote,
}

/// How a client proves who it is.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Auth {
    /// What a client must show.
    pub mode: AuthMode,
    /// The operator's token. `OPENCLAW_GATEWAY_TOKEN` (or `CLAWDBOT_GATEWAY_TOKEN`) overrides it.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub token: Option<Secret>,
    /// The operator's password, for `mode: "password"`.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub password: Option<Secret>,
    /// How many wrong attempts are borne.
    pub rate_limit: RateLimit,
}

/// What a client must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// The token.
    #[default]
    Token,
    /// The password.
    Password,
    /// Nothing. Refused unless the gateway listens on loopback alone.
    None,
}

/// How many wrong attempts one address has before it must wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimit {
    /// Wrong attempts within the window.
    #[schemars(range(min = 1))]
    pub max_attempts: u32,
    /// The window, in milliseconds.
    #[schemars(range(min = 1))]
    pub window_ms: u64,
    /// How long the address then waits, in milliseconds.
    pub lockout_ms: u64,
    /// Whether loopback addresses are exempt; not wise when programs of others run here.
    pub exempt_loopback: bool,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlUi {
    /// Whether the page is served.
    pub enabled: bool,
    /// Origins beyond the gateway's own from which a browser may connect, for example
    /// `https://claw.example.org`.
    pub allowed_origins: Vec<Origin>,
}

/// HTTP interfaces for other programs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// Which there are.
    pub endpoints: Endpoints,
}

/// Which HTTP interfaces there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoints {
    /// `POST /v1/chat/completions` and `GET /v1/models`, in the form of OpenAI.
    pub chat_completions: Endpoint,
}

/// An HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Whether it is served. It asks for the same token as everything else.
    pub enabled: bool,
}

/// What happens when the file changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Reload {
    /// Whether a change is taken up while running.
    pub mode: ReloadMode,
}

/// Whether a change is taken up while running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReloadMode {
    /// What can be taken up is; for the rest the log asks for a restart.
    #[default]
    Hybrid,
    /// The same as `hybrid`.
    Hot,
    /// Nothing is taken up before a restart.
    Off,
}

/// The gateway that commands talk to.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Remote {
    /// Its address, for example `wss://claw.example.org`.
    #[schemars(extend("format" = "web-socket-url"))]
    pub url: Option<String>,
    /// The token to show there.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub token: Option<Secret>,
}

// === impl Gateway ===

impl Default for Gateway {
    fn default() -> Self {
        Self {
            port: 18_789,
            bind: Bind::default(),
            custom_bind_host: None,
            mode: Mode::default(),
            auth: Auth::default(),
            trusted_proxies: Vec::new(),
            allow_real_ip_fallback: false,
            control_ui: ControlUi::default(),
            http: Http::default(),
            reload: Reload::default(),
            remote: Remote::default(),
        }
    }
}

impl Gateway {
    /// The address to listen on; loopback when `bind` says nothing that can be used.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        match self.bind {
            Bind::Loopback => loopback,
            Bind::Lan => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Bind::Address(address) => address,
            Bind::Custom => self.custom_bind_host.unwrap_or(loopback),
        }
    }

    /// Whether an address belongs to a proxy that is believed.
    #[must_use]
    pub fn trusts(&self, proxy: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(proxy))
    }
}

// === impl RateLimit ===

impl Default for RateLimit {
    fn default() -> Self {
        Self { max_attempts: 10, window_ms: 60_000, lockout_ms: 300_000, exempt_loopback: false }
    }
}

// === impl ControlUi ===

impl Default for ControlUi {
    fn default() -> Self {
        Self { enabled: true, allowed_origins: Vec::new() }
    }
}

// === impl Endpoint ===

impl Default for Endpoint {
    fn default() -> Self {
        Self { enabled: true }
    }
}
