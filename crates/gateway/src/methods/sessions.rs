//! `sessions.*`: the conversations.

use domain::session::SessionState;
use domain::{Event, EventBody, SessionKey, TenantSlug, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Session, SessionFilter};

use super::{Call, Payload, payload};
use crate::Error;

/// Longest piece of the last message that a list shows, in bytes.
const GLIMPSE: usize = 120;

/// Sessions of one list whose last message is looked up: each look may open a tenant's database.
const MOST_GLIMPSES: usize = 50;

const MOST_LISTED: u32 = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    before: Option<Timestamp>,
    #[serde(default)]
    include_last_message: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyParams {
    #[serde(alias = "key")]
    session_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    key: SessionKey,
    agent_id: TenantSlug,
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    state: SessionState,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_text: Option<String>,
    waiting: u64,
    parked: u64,
}

/// `sessions.subscribe {}` -> `{subscribed: true}`; the socket listens from then on.
pub(super) async fn subscribe(_: Call) -> Result<Payload, Error> {
    payload(&json!({ "subscribed": true }))
}

/// `sessions.list {agentId?, limit?, before?, includeLastMessage?}` -> `{sessions: [...]}`, the one where
/// somebody spoke last first.
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let params: ListParams = call.request.params()?;
    let tenant = match &params.agent_id {
        Some(text) => Some(call.tenant(text).await?),
        None => call.access.only_tenant().cloned(),
    };
    let limit = params.limit.unwrap_or(0).min(MOST_LISTED);
    let filter = SessionFilter { tenant, before: params.before, limit };
    let sessions = call.context.gateway.store.sessions(filter).await?;
    let mut listed = Vec::with_capacity(sessions.len());
    for (place, session) in sessions.into_iter().enumerate() {
        let last_text = if params.include_last_message && place < MOST_GLIMPSES {
            glimpse(&call, &session.key).await?
        } else {
            None
        };
        listed.push(Listed { last_text, ..Listed::from(session) });
    }
    payload(&json!({ "ts": call.context.gateway.clock.now(), "sessions": listed }))
}

/// `sessions.describe {sessionKey}` -> `{session}`
pub(super) async fn describe(call: Call) -> Result<Payload, Error> {
    let params: KeyParams = call.request.params()?;
    let key = call.session(&params.session_key).await?;
    let session = call.context.gateway.store.session(&key).await?.ok_or(Error::NoSession)?;
    payload(&json!({ "session": Listed::from(session) }))
}

/// `sessions.reset {sessionKey}` -> `{reset: true}`: what runs is stopped, and the next message begins a
/// new conversation.
pub(super) async fn reset(call: Call) -> Result<Payload, Error> {
    let params: KeyParams = call.request.params()?;
    let key = call.session(&params.session_key).await?;
    let gateway = &call.context.gateway;
    if gateway.store.session(&key).await?.is_none() {
        return Err(Error::NoSession);
    }
    gateway.turns.abort(&key, None);
    gateway.store.reset_session(&key).await?;
    let at = gateway.clock.now();
    gateway.bus.publish(Event { session: key.clone(), at, body: EventBody::Changed });
    payload(&json!({ "ok": true, "reset": true, "key": key }))
}

async fn glimpse(call: &Call, key: &SessionKey) -> Result<Option<String>, Error> {
    let lines = call.context.gateway.store.history(key, None, 1).await?;
    Ok(lines.last().map(|line| domain::text::one_line(&line.text, GLIMPSE)))
}

// === impl Listed ===

impl From<Session> for Listed {
    fn from(session: Session) -> Self {
        Self {
            agent_id: session.key.tenant.clone(),
            channel: session.key.account.clone(),
            key: session.key,
            title: session.title,
            state: session.state,
            updated_at: session.last_at,
            last_text: None,
            waiting: session.waiting,
            parked: session.parked,
        }
    }
}
