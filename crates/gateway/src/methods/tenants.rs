//! `tenants.*`: what only the operator may do with tenants.

use domain::tenant::Tier;
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
    let (tenant, token) = call.context.gateway.store.create_tenant(&slug, params.tier).await?;
    payload(&json!({ "tenant": tenant, "token": token.expose() }))
}
