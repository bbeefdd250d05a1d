//! Names and meanings of this crate's metrics. Labels are providers, models of the first 64 of a provider, and
//! fixed words; never tenants.

use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{CircuitState, Quota};

const REQUESTS: &str = "openclaw_provider_requests_total";
const IN_FLIGHT: &str = "openclaw_provider_in_flight";
const WAITING: &str = "openclaw_provider_waiting";
const WAIT_SECONDS: &str = "openclaw_provider_wait_seconds";
const QUOTA: &str = "openclaw_provider_quota_remaining";
const ADAPTIVE: &str = "openclaw_provider_adaptive_limit";
const CIRCUIT: &str = "openclaw_provider_circuit";
const FIRST_TOKEN: &str = "openclaw_provider_first_token_seconds";
const FALLBACKS: &str = "openclaw_model_fallbacks_total";

/// Says what each metric means.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests to providers, by how they ended.");
    describe_gauge!(IN_FLIGHT, "Requests that a provider is answering.");
    describe_gauge!(WAITING, "Requests that wait for a provider's limits.");
    describe_histogram!(WAIT_SECONDS, "Time that requests waited for a provider's limits.");
    describe_gauge!(QUOTA, "What is left of a provider's limits.");
    describe_gauge!(ADAPTIVE, "Requests of a model at once that its provider keeps up with.");
    describe_gauge!(CIRCUIT, "Circuit of a provider: 0 closed, 1 half open, 2 open.");
    describe_histogram!(FIRST_TOKEN, "Time from a request to the first token of its answer.");
    describe_counter!(FALLBACKS, "Requests that moved on to another model, by why.");
}

pub(crate) fn ended(provider: &str, model: String, outcome: &'static str) {
    let provider = provider.to_owned();
    counter!(REQUESTS, "provider" => provider, "model" => model, "outcome" => outcome).increment(1);
}

pub(crate) fn load(provider: &str, in_flight: u64, waiting: u64) {
    gauge!(IN_FLIGHT, "provider" => provider.to_owned()).set(float(in_flight));
    gauge!(WAITING, "provider" => provider.to_owned()).set(float(waiting));
}

pub(crate) fn waited(provider: &str, time: Duration) {
    histogram!(WAIT_SECONDS, "provider" => provider.to_owned()).record(time);
}

pub(crate) fn quota(provider: &str, quota: &Quota) {
    let kinds = [
        ("requests", quota.requests),
        ("tokens", quota.tokens),
        ("concurrent", quota.concurrent),
        ("per-second", quota.per_second),
    ];
    for (kind, room) in kinds {
        if let Some(room) = room {
            gauge!(QUOTA, "provider" => provider.to_owned(), "kind" => kind)
                .set(float(room.remaining));
        }
    }
}

pub(crate) fn adaptive(provider: &str, model: String, limit: u64) {
    gauge!(ADAPTIVE, "provider" => provider.to_owned(), "model" => model).set(float(limit));
}

pub(crate) fn circuit(provider: &str, state: CircuitState) {
    gauge!(CIRCUIT, "provider" => provider.to_owned()).set(f64::from(state.number()));
}

pub(crate) fn first_token(provider: &str, time: Duration) {
    histogram!(FIRST_TOKEN, "provider" => provider.to_owned()).record(time);
}

pub(crate) fn fell_back(from: &str, to: &str, reason: &'static str) {
    counter!(FALLBACKS, "from" => from.to_owned(), "to" => to.to_owned(), "reason" => reason)
        .increment(1);
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
