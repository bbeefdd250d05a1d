//! `tenants.*`: what only the operator may do with tenants.

use domain::TenantSlug;
use domain::tenant::{TenantStatus, Tier};
use serde::Deserialize;
use serde_json::json;

use super::{Call, Payload, payload};
use crate::Error;

#[derive(Deserialize)]
struct CreateParams {
    slug: String,
    #[serde(default)]
    tier: Tier,
}

#[derive(Deserialize)]
struct TierParams {
    slug: String,
    tier: Tier,
}

#[derive(Deserialize)]
struct SlugParams {
    slug: String,
}

/// `tenants.list {}` -> `{tenants: [...]}`
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let tenants = call.context.gateway.store.tenants().await?;
    payload(&json!({ "tenants": tenants }))
}

/// `tenants.create {slug, tier?}` -> `{tenant, token}`; the token is shown this once.
pub(super) async fn create(call: Call) -> Result<Payload, Error> {
    let params: CreateParams = call.request.params()?;
    let slug = params.slug.parse().map_err(|error: domain::id::BadName| Error::Field {
        field: "slug",
        problem: format!("cannot be used: {error}"),
    })?;
    let (tenant, token) = call.store().create_tenant(&slug, params.tier).await?;
    payload(&json!({ "tenant": tenant, "token": token.expose() }))
}

/// `tenants.tier {slug, tier}` -> `{slug, tier}`: how much it may use from now on.
pub(super) async fn tier(call: Call) -> Result<Payload, Error> {
    let TierParams { slug, tier } = call.request.params()?;
    let slug = call.tenant(&slug).await?;
    call.store().change_tenant_tier(&slug, tier).await?;
    payload(&json!({ "slug": slug, "tier": tier }))
}

/// `tenants.suspend {slug}` -> `{slug, status}`: it is refused everywhere.
pub(super) async fn suspend(call: Call) -> Result<Payload, Error> {
    let slug = named(&call).await?;
    call.store().suspend_tenant(&slug).await?;
    payload(&json!({ "slug": slug, "status": TenantStatus::Suspended }))
}

/// `tenants.reinstate {slug}` -> `{slug, status}`: it is served again.
pub(super) async fn reinstate(call: Call) -> Result<Payload, Error> {
    let slug = named(&call).await?;
    call.store().reinstate_tenant(&slug).await?;
    payload(&json!({ "slug": slug, "status": TenantStatus::Active }))
}

/// `tenants.delete {slug}` -> `{slug, status}`; only a suspended one can be deleted.
pub(super) async fn delete(call: Call) -> Result<Payload, Error> {
    let slug = named(&call).await?;
    call.store().delete_tenant(&slug).await?;
    payload(&json!({ "slug": slug, "status": TenantStatus::Deleted }))
}

async fn named(call: &Call) -> Result<TenantSlug, Error> {
    let params: SlugParams = call.request.params()?;
    call.tenant(&params.slug).await
}
