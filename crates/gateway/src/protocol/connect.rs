//! The handshake: what a client says of itself in `connect`.
//!
//! Owns the closed sets of client ids and modes; refuses another protocol version and other roles. Nothing
//! declared here grants anything: scopes come from the credential and a declaration can only shrink them.

use domain::Secret;
use serde::Deserialize;

use super::device::Device;
use super::{Scope, VERSION};
use crate::Error;
use crate::credential::one_of;

/// The parameters of `connect`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connect {
    /// Oldest version that the client speaks.
    pub min_protocol: u32,
    /// Newest version that the client speaks.
    pub max_protocol: u32,
    /// Which program it is.
    pub client: Program,
    /// What it wants to be; only `operator` is served.
    #[serde(default)]
    pub role: Option<String>,
    /// The scopes it wants; absent means all that its credential has, empty means none.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Its credential.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Its device identity, signed.
    #[serde(default)]
    pub device: Option<Device>,
}

/// Which program a client is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// One of [`CLIENTS`].
    pub id: String,
    /// Its version.
    pub version: String,
    /// The operating system or browser.
    pub platform: String,
    /// One of [`MODES`].
    pub mode: String,
    /// The kind of device.
    #[serde(default)]
    pub device_family: Option<String>,
    /// What to call it in lists.
    #[serde(default)]
    pub display_name: Option<String>,
}

/// A credential under any of the names that clients use for it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    device_token: Option<Secret>,
    #[serde(default)]
    bootstrap_token: Option<Secret>,
}

/// Programs that protocol v4 knows.
pub const CLIENTS: &[&str] = &[
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-browser-copilot",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-linux",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    "openclaw-worker",
    "test",
    "fingerprint",
    "openclaw-probe",
];

/// Modes that protocol v4 knows.
pub const MODES: &[&str] = &["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"];

/// Programs that live in a browser and keep a token of their own between visits.
const PAGES: &[&str] = &["webchat-ui", "openclaw-control-ui"];

/// Programs of our own, which go by our codes.
const OURS: &[&str] = &["webchat-ui", "cli"];

const LONGEST_WORD: usize = 200;

// === impl Connect ===

impl Connect {
    /// Checks what the types cannot: version, role, names.
    ///
    /// # Errors
    /// [`Error::Field`] that names the field.
    pub fn check(&self) -> Result<(), Error> {
        if !self.speaks_our_version() {
            let problem = format!("this gateway speaks version {VERSION}");
            return Err(Error::Field { field: "minProtocol", problem });
        }
        if self.role.as_deref().is_some_and(|role| role != "operator") {
            return refuse("role", "must be operator");
        }
        if !CLIENTS.contains(&self.client.id.as_str()) {
            return refuse("client.id", "is not a program of protocol v4");
        }
        if !MODES.contains(&self.client.mode.as_str()) {
            return refuse("client.mode", "is not a mode of protocol v4");
        }
        let words = [Some(&self.client.version), Some(&self.client.platform)];
        let optional = [self.client.device_family.as_ref(), self.client.display_name.as_ref()];
        if words.into_iter().chain(optional).flatten().any(|word| word.len() > LONGEST_WORD) {
            return refuse("client", "has a word of more than 200 bytes");
        }
        Ok(())
    }

    /// Whether the client's range of versions includes ours.
    #[must_use]
    pub fn speaks_our_version(&self) -> bool {
        (self.min_protocol..=self.max_protocol).contains(&VERSION)
    }

    /// The credential.
    ///
    /// # Errors
    /// [`Error::TwoCredentials`] when its names carry different values.
    pub fn credential(&self) -> Result<Option<Secret>, Error> {
        let Some(auth) = &self.auth else { return Ok(None) };
        let given = [&auth.token, &auth.password, &auth.device_token, &auth.bootstrap_token];
        one_of(given.into_iter().flatten().cloned())
    }

    /// What is left of the credential's scope after the client's own declaration.
    #[must_use]
    pub fn shrink(&self, granted: Scope) -> Option<Scope> {
        match &self.scopes {
            None => Some(granted),
            Some(declared) => Scope::largest(declared).map(|wanted| wanted.min(granted)),
        }
    }

    /// Why the client is turned away, in the word for which other programs stop trying. They know none of
    /// our codes, and one that tries for ever with an old token locks out everybody at its address.
    #[must_use]
    pub fn last_word(&self, error: &Error) -> Option<&'static str> {
        if OURS.contains(&self.client.id.as_str()) {
            return None;
        }
        match error {
            Error::NoCredential => Some("AUTH_TOKEN_MISSING"),
            Error::BadCredential => Some("AUTH_TOKEN_MISMATCH"),
            _ => None,
        }
    }

    /// Whether the client is a page in a browser, which gets a token of its own.
    #[must_use]
    pub fn is_page(&self) -> bool {
        PAGES.contains(&self.client.id.as_str())
    }
}

fn refuse(field: &'static str, problem: &str) -> Result<(), Error> {
    Err(Error::Field { field, problem: problem.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn connect(changes: Value) -> Connect {
        let mut whole = json!({
            "minProtocol": 4, "maxProtocol": 4,
            "client": { "id": "test", "version": "1", "platform": "linux", "mode": "test" },
        });
        for (name, value) in changes.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn closed_sets_are_closed() {
        assert!(connect(json!({})).check().is_ok());
        assert!(connect(json!({ "minProtocol": 3, "maxProtocol": 5 })).check().is_ok());
        for bad in [
            json!({ "minProtocol": 5, "maxProtocol": 6 }),
            json!({ "maxProtocol": 3, "minProtocol": 1 }),
            json!({ "role": "node" }),
            json!({ "client": { "id": "x", "version": "1", "platform": "l", "mode": "test" } }),
            json!({ "client": { "id": "cli", "version": "1", "platform": "l", "mode": "root" } }),
        ] {
            assert!(connect(bad.clone()).check().is_err(), "{bad}");
        }
    }

    #[test]
    fn other_programs_are_told_to_stop_in_their_own_words() {
        let word = |id: &str, error: Error| {
            let client = json!({ "id": id, "version": "1", "platform": "l", "mode": "ui" });
            connect(json!({ "client": client })).last_word(&error)
        };
        assert_eq!(word("openclaw-tui", Error::NoCredential), Some("AUTH_TOKEN_MISSING"));
        assert_eq!(word("openclaw-tui", Error::BadCredential), Some("AUTH_TOKEN_MISMATCH"));
        let locked = Error::LockedOut { retry_after: std::time::Duration::from_secs(1) };
        assert_eq!(word("openclaw-tui", locked), None, "that passes");
        for own in OURS {
            assert_eq!(word(own, Error::BadCredential), None);
        }
    }

    #[test]
    fn declared_scopes_only_shrink() {
        let shrink = |scopes: Value, granted| connect(json!({ "scopes": scopes })).shrink(granted);
        assert_eq!(shrink(json!(["operator.admin"]), Scope::Write), Some(Scope::Write));
        assert_eq!(shrink(json!(["operator.read"]), Scope::Admin), Some(Scope::Read));
        assert_eq!(shrink(json!([]), Scope::Admin), None);
        assert_eq!(connect(json!({})).shrink(Scope::Write), Some(Scope::Write));
    }

    #[test]
    fn one_credential_under_any_name() {
        let credential = |auth: Value| connect(json!({ "auth": auth })).credential();
        assert_eq!(credential(json!({})).unwrap(), None);
        assert_eq!(credential(json!({ "token": "  " })).unwrap(), None);
        assert_eq!(credential(json!({ "password": "a" })).unwrap(), Some(Secret::new("a")));
        let same = json!({ "token": "a", "deviceToken": "a" });
        assert_eq!(credential(same).unwrap(), Some(Secret::new("a")));
        let different = json!({ "token": "a", "deviceToken": "b" });
        assert!(matches!(credential(different), Err(Error::TwoCredentials)));
    }
}
