//! `persons.*`: what only the operator may do with those who write to tenants.

use domain::tenant::Tier;
use domain::{PersonKey, TenantSlug, Timestamp};
use serde::Deserialize;
use serde_json::json;
use store::{Person, PersonFilter};

use super::{Call, Payload, payload};
use crate::Error;

const MOST_LISTED: u32 = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    before: Option<Timestamp>,
    #[serde(default)]
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonParams {
    agent_id: String,
    /// Written `account:peer`.
    person: PersonKey,
}

#[derive(Deserialize)]
struct TierParams {
    #[serde(flatten)]
    whom: PersonParams,
    /// Null is the tenant's own.
    #[serde(deserialize_with = "Option::deserialize")]
    tier: Option<Tier>,
}

/// `persons.list {agentId?, before?, limit?}` -> `{persons: [...]}`, the one who wrote last first.
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let ListParams { agent_id, before, limit } = call.request.params()?;
    let tenant = match agent_id {
        Some(text) => Some(call.tenant(&text).await?),
        None => None,
    };
    let filter = PersonFilter { tenant, before, limit: limit.unwrap_or(0).min(MOST_LISTED) };
    let persons = call.store().persons(filter).await?;
    payload(&json!({ "persons": persons }))
}

/// `persons.tier {agentId, person, tier}` -> `{person}`; a tier of null is the tenant's again.
pub(super) async fn tier(call: Call) -> Result<Payload, Error> {
    let TierParams { whom, tier } = call.request.params()?;
    let tenant = call.tenant(&whom.agent_id).await?;
    call.store().change_person_tier(&tenant, &whom.person, tier).await?;
    shown(&call, &tenant, &whom.person).await
}

/// `persons.suspend {agentId, person}` -> `{person}`: what they write is refused.
pub(super) async fn suspend(call: Call) -> Result<Payload, Error> {
    let PersonParams { agent_id, person } = call.request.params()?;
    let tenant = call.tenant(&agent_id).await?;
    call.store().suspend_person(&tenant, &person).await?;
    shown(&call, &tenant, &person).await
}

/// `persons.reinstate {agentId, person}` -> `{person}`: they are served again.
pub(super) async fn reinstate(call: Call) -> Result<Payload, Error> {
    let PersonParams { agent_id, person } = call.request.params()?;
    let tenant = call.tenant(&agent_id).await?;
    call.store().reinstate_person(&tenant, &person).await?;
    shown(&call, &tenant, &person).await
}

async fn shown(call: &Call, tenant: &TenantSlug, person: &PersonKey) -> Result<Payload, Error> {
    let person: Person = call.store().person(tenant, person).await?;
    payload(&json!({ "person": person }))
}
