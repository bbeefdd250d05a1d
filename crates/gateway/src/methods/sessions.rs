//! `sessions.*`: the conversations.

use std::time::Duration;

use domain::id::WEB;
use domain::session::SessionState;
use domain::{Event, EventBody, SessionKey, TenantSlug, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Session, SessionFilter};

use super::{Call, Payload, payload};
use crate::Error;
use crate::protocol::Scope;

/// Longest piece of the last message that a list shows, in bytes.
const GLIMPSE: usize = 120;

/// Sessions of one list whose last message is looked up: each look may open a tenant's database.
const MOST_GLIMPSES: usize = 50;

const MOST_LISTED: u32 = 500;

/// The longest time by which one request may extend a session.
const LONGEST_EXTENSION: Duration = Duration::from_secs(366 * 24 * 60 * 60);

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
    /// Asked for by other programs than our own page, which know titles and last words by other names.
    #[serde(default)]
    include_derived_titles: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtendParams {
    session_key: String,
    /// Milliseconds.
    ms: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CleanParams {
    #[serde(default)]
    agent_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateParams {
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    agent_id: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_preview: Option<String>,
    waiting: u64,
    parked: u64,
}

/// What a client that opens a session looks at first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    key: SessionKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
}

/// What holds for a session that says nothing else.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Defaults {
    model_provider: Option<String>,
    model: String,
    /// Not known of any model.
    context_tokens: Option<u64>,
}

/// `sessions.subscribe {}` -> `{subscribed: true}`; the socket listens from then on.
pub(super) async fn subscribe(_: Call) -> Result<Payload, Error> {
    payload(&json!({ "subscribed": true }))
}

/// `sessions.list {agentId?, limit?, before?, includeLastMessage?, includeDerivedTitles?}` ->
/// `{defaults, sessions: [...]}`, the one where somebody spoke last first.
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
        let mut row = Listed { last_text, ..Listed::from(session) };
        if params.include_derived_titles {
            row.derived_title = row.title.clone();
            row.last_message_preview = row.last_text.clone();
        }
        listed.push(row);
    }
    let ts = call.context.gateway.clock.now();
    payload(&json!({ "ts": ts, "defaults": Defaults::of(&call), "sessions": listed }))
}

/// `sessions.describe {sessionKey}` -> `{session}`, null before anybody has spoken in it.
pub(super) async fn describe(call: Call) -> Result<Payload, Error> {
    let params: KeyParams = call.request.params()?;
    let (_, session) = call.existing(&params.session_key).await?;
    payload(&json!({ "session": session.map(Listed::from) }))
}

/// `sessions.create {key?, agentId?}` -> `{ok, key}`: a conversation of the web to begin with the next
/// message. The key is whole, or the conversation's name alone.
pub(super) async fn create(call: Call) -> Result<Payload, Error> {
    let params: CreateParams = call.request.params()?;
    let tenant = match &params.agent_id {
        Some(text) => call.tenant(text).await?,
        None => call.context.first_tenant(&call.access).await?,
    };
    let gateway = &call.context.gateway;
    let name = params.key.unwrap_or_else(|| gateway.ids.uuid(gateway.clock.now()).to_string());
    let key = match name.starts_with("agent:") {
        true => name,
        false => format!("agent:{tenant}:{WEB}:{name}"),
    };
    let (key, _) = call.existing(&key).await?;
    payload(&json!({ "ok": true, "key": key }))
}

/// `sessions.reset {sessionKey}` -> `{reset: true}`: what runs is stopped, and the next message begins a
/// new conversation.
pub(super) async fn reset(call: Call) -> Result<Payload, Error> {
    let params: KeyParams = call.request.params()?;
    let key = call.session(&params.session_key).await?;
    let gateway = &call.context.gateway;
    let session = gateway.store.session(&key).await?.ok_or(Error::NoSession)?;
    if session.state == SessionState::Suspended {
        // Only who may suspend a session may put a new one in its place.
        call.access.need(Scope::Admin)?;
        call.access.need_operator()?;
    }
    gateway.turns.abort(&key, None);
    call.store().reset_session(&key).await?;
    changed(&call, &key);
    payload(&json!({ "ok": true, "reset": true, "key": key }))
}

/// `sessions.extend {sessionKey, ms}` -> `{key, expiresAt}`: it lives so much longer.
pub(super) async fn extend(call: Call) -> Result<Payload, Error> {
    let params: ExtendParams = call.request.params()?;
    let span = Duration::from_millis(params.ms);
    if span.is_zero() || span > LONGEST_EXTENSION {
        let problem = "is not between 1 and 31622400000 (366 days)".to_owned();
        return Err(Error::Field { field: "ms", problem });
    }
    let key = call.session(&params.session_key).await?;
    let expires_at = call.store().extend_session(&key, span).await?;
    changed(&call, &key);
    payload(&json!({ "key": key, "expiresAt": expires_at }))
}

/// `sessions.suspend {sessionKey}` -> `{key, state}`: it is stopped for good.
pub(super) async fn suspend(call: Call) -> Result<Payload, Error> {
    let params: KeyParams = call.request.params()?;
    let key = call.session(&params.session_key).await?;
    call.store().suspend_session(&key).await?;
    changed(&call, &key);
    payload(&json!({ "key": key, "state": SessionState::Suspended }))
}

/// `sessions.clean {agentId?}` -> `{expired, deleted}`: sessions that are over are gone.
pub(super) async fn clean(call: Call) -> Result<Payload, Error> {
    let params: CleanParams = call.request.params()?;
    let tenant = match &params.agent_id {
        Some(text) => Some(call.tenant(text).await?),
        None => None,
    };
    payload(&call.store().clean_sessions(tenant.as_ref()).await?)
}

fn changed(call: &Call, key: &SessionKey) {
    let (gateway, session) = (&call.context.gateway, key.clone());
    let at = gateway.clock.now();
    gateway.bus.publish(Event { session, at, body: EventBody::Changed });
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
            derived_title: None,
            last_message_preview: None,
            waiting: session.waiting,
            parked: session.parked,
        }
    }
}

// === impl About ===

impl About {
    /// About a session that somebody has spoken in, or that can begin.
    pub(super) fn of(key: &SessionKey, session: Option<&Session>) -> Self {
        Self { key: key.clone(), updated_at: session.map(|session| session.last_at) }
    }
}

// === impl Defaults ===

impl Defaults {
    /// What holds now.
    pub(super) fn of(call: &Call) -> Self {
        let primary = call.context.settings().model.primary.clone();
        let (model_provider, model) = match primary.split_once('/') {
            Some((provider, model)) => (Some(provider.to_owned()), model.to_owned()),
            None => (None, primary),
        };
        Self { model_provider, model, context_tokens: None }
    }
}
