//! `audit.*`: who changed what, for the operator alone.

use domain::Timestamp;
use serde::Deserialize;
use serde_json::json;
use store::AuditFilter;

use super::{Call, Payload, payload};
use crate::Error;

const MOST_LISTED: u32 = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default)]
    after: Option<i64>,
    #[serde(default)]
    limit: Option<u32>,
}

/// `audit.list {agentId?, since?, after?, limit?}` -> `{rows: [...]}`, the oldest first; the latest ones unless
/// `after` names a row. A tenant that was deleted still has its rows.
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let ListParams { agent_id, since, after, limit } = call.request.params()?;
    let tenant = agent_id.map(|text| text.parse()).transpose().map_err(|_| Error::NoTenant)?;
    let limit = limit.unwrap_or(0).min(MOST_LISTED);
    let rows = call.store().audit(AuditFilter { tenant, since, after, limit }).await?;
    payload(&json!({ "rows": rows }))
}
