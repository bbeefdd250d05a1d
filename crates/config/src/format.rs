//! Text and numbers with a form of their own: addresses, networks, sizes, models.
//!
//! Each has one reader, used both by its type and by the check of the file.

use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

mod money;
mod network;
mod quantity;

pub(crate) use money::of_number;
pub use money::{Decimal, MoneyLimit, TimeZone, TokenLimit};
pub use network::{Bind, Network};
pub use quantity::{ByteSize, Cpus};

/// The name of a model: `provider/model`, or a short name from `agents.defaults.models`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct ModelRef(String);

/// A browser's origin: scheme, host and port, nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Origin(String);

/// Checks text against the form that a schema names; forms that are not ours are notes for people.
///
/// # Errors
/// What the text should be instead. It never repeats the text, which may be a secret.
pub(crate) fn check(form: &str, text: &str) -> Result<(), String> {
    match form {
        "ip" => text.parse::<IpAddr>().map(drop).map_err(|_| "wants an IP address".to_owned()),
        "network" => text.parse::<Network>().map(drop),
        "bind" => text.parse::<Bind>().map(drop),
        "byte-size" => text.parse::<ByteSize>().map(drop),
        "cpus" => text.parse::<Cpus>().map(drop),
        "currency" => money::currency(text),
        "time-zone" => text.parse::<TimeZone>().map(drop),
        "model" => text.parse::<ModelRef>().map(drop),
        "http-url" => url(text, &["http://", "https://"]),
        "web-socket-url" => url(text, &["ws://", "wss://"]),
        "postgres-url" => url(text, &["postgres://", "postgresql://"]),
        "origin" => text.parse::<Origin>().map(drop),
        "url-path" => url_path(text),
        _ => Ok(()),
    }
}

// === impl ModelRef ===

impl ModelRef {
    /// A reference; [`Self::split`] tells whether it names a provider.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The provider and its name for the model, which may contain `/`; `None` for a short name.
    #[must_use]
    pub fn split(&self) -> Option<(&str, &str)> {
        self.0.split_once('/').filter(|(provider, model)| !provider.is_empty() && !model.is_empty())
    }
}

impl FromStr for ModelRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if text.is_empty() || text.chars().any(odd) || text.starts_with('/') || text.ends_with('/')
        {
            return Err("wants a model, written provider/model".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)
    }
}

impl JsonSchema for ModelRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ModelRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "model", "minLength": 1})
    }
}

// === impl Origin ===

impl Origin {
    /// The origin as a browser sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.split_once("://").map(|(_, rest)| rest);
        match (url(text, &["http://", "https://"]), rest) {
            // Browsers send it in lower case; so a comparison of bytes is enough.
            (Ok(()), Some(rest)) if !rest.contains(['/', '?', '#', '@', '*']) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err("wants an origin like https://claw.example.org, without a path".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)
    }
}

impl JsonSchema for Origin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "origin"})
    }
}

/// Reads a type from the text that stands for it.
fn text<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn url(text: &str, schemes: &[&str]) -> Result<(), String> {
    let host = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    let usable = |rest: &str| {
        !rest.is_empty()
            && !rest.starts_with(['/', '?', '#', ':'])
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if host.is_some_and(usable) {
        return Ok(());
    }
    Err(format!("wants an address that begins with {}", schemes.join(" or ")))
}

fn url_path(text: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '%' | '\\');
    let climbs = text.split('/').any(|part| part == "..");
    if text.len() < 2
        || !text.starts_with('/')
        || text.starts_with("//")
        || climbs
        || text.contains(odd)
    {
        return Err("wants a path like /hooks".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (form, good, bad) in [
            ("http-url", "http://localhost:8082", "localhost:8082"),
            ("http-url", "https://a.b/v1", "https:///v1"),
            ("postgres-url", "postgresql://u:p@h/db", "mysql://h/db"),
            ("web-socket-url", "wss://h", "https://h"),
            ("origin", "https://a.b:8443", "https://a.b/"),
            ("origin", "http://localhost:5173", "*"),
            ("url-path", "/hooks", "/"),
            ("url-path", "/a/b", "/a/../b"),
            ("ip", "::1", "localhost"),
            ("model", "claude-cli/opus", "a b"),
            ("model", "cloudru-fm/zai-org/GLM-4.7", "cloudru-fm/"),
        ] {
            assert_eq!(check(form, good), Ok(()), "{form} {good}");
            assert!(check(form, bad).is_err(), "{form} {bad}");
        }
    }

    #[test]
    fn a_model_may_have_slashes() {
        let model: ModelRef = "cloudru-fm/zai-org/GLM-4.7".parse().unwrap();
        assert_eq!(model.split(), Some(("cloudru-fm", "zai-org/GLM-4.7")));
        assert_eq!(ModelRef::new("opus").split(), None);
    }
}
