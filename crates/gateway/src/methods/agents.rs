//! `agents.*`: the tenants, in the protocol's word.

use domain::TenantSlug;
use domain::tenant::{TenantStatus, Tier};
use serde::Serialize;
use store::Tenant;

use super::{Call, Payload, payload};
use crate::Error;
use crate::access::Reach;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    default_id: Option<TenantSlug>,
    main_key: &'static str,
    scope: &'static str,
    agents: Vec<Agent>,
}

#[derive(Serialize)]
struct Agent {
    id: TenantSlug,
    name: TenantSlug,
    tier: Tier,
    status: TenantStatus,
}

/// `agents.list {}` -> `{defaultId, agents: [{id, name, tier, status}]}`
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let tenants = match &call.access.reach {
        Reach::All => call.context.gateway.store.tenants().await?,
        Reach::Tenant(own) => vec![own.clone()],
    };
    let default_id = match call.context.first_tenant(&call.access).await {
        Ok(first) => Some(first),
        Err(Error::NoTenant) => None,
        Err(error) => return Err(error),
    };
    let agents = tenants.into_iter().map(Agent::from).collect();
    payload(&Listed { default_id, main_key: "main", scope: "per-sender", agents })
}

// === impl Agent ===

impl From<Tenant> for Agent {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.slug.clone(),
            name: tenant.slug,
            tier: tenant.tier,
            status: tenant.status,
        }
    }
}
