//! `health` and `status`: how the gateway is.

use std::collections::BTreeMap;

use domain::{SessionKey, TenantSlug, Timestamp};
use serde::Serialize;

use store::SessionFilter;

use super::sessions::Defaults;
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
    sessions: Sessions,
    /// Lines about channels; none are drawn up here.
    channel_summary: [(); 0],
}

/// The sessions in the shape that other clients read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sessions {
    /// How many there are, as far as [`MOST_COUNTED`].
    count: usize,
    defaults: Defaults,
    recent: Vec<Recent>,
    /// Files of the store that the client may name to its user; there are none to name.
    paths: [&'static str; 0],
    by_agent: Vec<OfAgent>,
}

/// The sessions of one agent, the latest among them by name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfAgent {
    agent_id: TenantSlug,
    count: usize,
    recent: [Recent; 1],
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Recent {
    key: SessionKey,
    agent_id: TenantSlug,
    updated_at: Timestamp,
    /// Milliseconds since somebody spoke there.
    age: u128,
}

/// Sessions that are counted at most.
const MOST_COUNTED: u32 = 500;

/// Sessions that are named.
const MOST_RECENT: usize = 5;

/// `health {}` -> [`Health`]
pub(super) async fn health(call: Call) -> Result<Payload, Error> {
    payload(&Health::look(&call.context, call.access.only_tenant()).await)
}

/// `status {}` -> [`Health`], how many agents and devices there are, and the latest sessions.
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
        sessions: Sessions::look(&call).await?,
        channel_summary: [],
        health,
    })
}

// === impl Sessions ===

impl Sessions {
    async fn look(call: &Call) -> Result<Self, Error> {
        let gateway = &call.context.gateway;
        let tenant = call.access.only_tenant().cloned();
        let filter = SessionFilter { tenant, before: None, limit: MOST_COUNTED };
        let sessions = gateway.store.sessions(filter).await?;
        let now = gateway.clock.now();
        let listed = sessions.into_iter().map(|session| Recent {
            agent_id: session.key.tenant.clone(),
            age: now.since(session.last_at).as_millis(),
            updated_at: session.last_at,
            key: session.key,
        });
        let mut recent: Vec<Recent> = listed.collect();
        let (count, by_agent) = (recent.len(), by_agent(&recent));
        recent.truncate(MOST_RECENT);
        Ok(Self { count, defaults: Defaults::of(call), recent, paths: [], by_agent })
    }
}

/// Takes the sessions latest first.
fn by_agent(sessions: &[Recent]) -> Vec<OfAgent> {
    let mut agents: BTreeMap<&TenantSlug, OfAgent> = BTreeMap::new();
    for session in sessions {
        let agent_id = session.agent_id.clone();
        let first = || OfAgent { agent_id, count: 0, recent: [session.clone()] };
        agents.entry(&session.agent_id).or_insert_with(first).count += 1;
    }
    agents.into_values().collect()
}
