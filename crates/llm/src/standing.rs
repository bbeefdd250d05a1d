//! How the providers are doing, to be shown. Plain values; nothing here is secret.

use serde::Serialize;

use crate::{CircuitState, Quota};

/// How one provider is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderStanding {
    /// Its id in the configuration.
    pub id: String,
    /// Its address; none for a program.
    pub endpoint: Option<String>,
    /// Whether it is asked.
    pub circuit: CircuitState,
    /// For how many more milliseconds it is not.
    pub circuit_open_ms: u64,
    /// What is left of its limits, and how many requests are on the way and wait.
    pub quota: Quota,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// Its models: those that are listed, and those that were asked.
    pub models: Vec<ModelStanding>,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// Its stable code.
    pub code: &'static str,
    /// What happened, on one line.
    pub text: String,
    /// How many milliseconds ago.
    pub ago_ms: u64,
}

/// How one model is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelStanding {
    /// Its id at the provider.
    pub id: String,
    /// Requests that are being answered now.
    pub in_flight: u64,
    /// How many may be, as far as the provider keeps up.
    pub adaptive_limit: u64,
    /// Requests since the start.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Tokens since the start, as the provider counted them.
    pub tokens: u64,
    /// Time to the first token, in milliseconds, averaged over the last answers.
    pub first_token_ms: Option<u64>,
}
