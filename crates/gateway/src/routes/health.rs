//! `/health` and `/ready`: for whatever watches the process.
//!
//! Owns two honest answers without a credential; refuses to say more than codes to strangers.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::gateway::Context;

/// 200 while messages are taken and committed.
pub(super) async fn live(State(context): State<Context>) -> Response {
    match context.vitals.store(&context.gateway.store).await {
        Ok(()) => Json(json!({ "ok": true, "status": "live" })).into_response(),
        Err(code) => {
            let body = json!({ "ok": false, "status": "not committing", "code": code });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// 200 while new work should be sent here; otherwise the codes of what stands against it.
pub(super) async fn ready(State(context): State<Context>) -> Response {
    let mut failing = Vec::new();
    failing.extend(context.vitals.store(&context.gateway.store).await.err());
    if context.tasks.stopping().is_cancelled() {
        failing.push("instance-stopping");
    }
    let status = if failing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": failing.is_empty(), "failing": failing }))).into_response()
}
