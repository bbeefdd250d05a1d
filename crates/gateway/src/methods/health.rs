//! `health` and `status`: how the gateway is.

use serde::Serialize;

use super::{Call, Payload, payload};
use crate::Error;
use crate::vitals::Health;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(flatten)]
    health: Health,
    runtime_version: &'static str,
    agents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<usize>,
    scopes: Vec<crate::protocol::Scope>,
}

/// `health {}` -> [`Health`]
pub(super) async fn health(call: Call) -> Result<Payload, Error> {
    payload(&Health::look(&call.context, call.access.only_tenant()).await)
}

/// `status {}` -> [`Health`], and how many agents and devices there are.
pub(super) async fn status(call: Call) -> Result<Payload, Error> {
    let store = &call.context.gateway.store;
    let (agents, devices) = match call.access.only_tenant() {
        Some(_) => (1, None),
        None => (store.tenants().await?.len(), Some(store.devices().await?.len())),
    };
    let health = Health::look(&call.context, call.access.only_tenant()).await;
    payload(&Status {
        runtime_version: call.context.gateway.version,
        agents,
        devices,
        scopes: call.access.scope.included(),
        health,
    })
}
