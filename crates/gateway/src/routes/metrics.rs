//! `/metrics`: the figures of the process in the text format of Prometheus.
//!
//! Open to this very machine, closed to everybody else without the operator's credential.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::Error;
use crate::client::Client;
use crate::credential::presented;
use crate::gateway::Context;

/// `text/plain; version=0.0.4`
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(
    State(context): State<Context>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let credential = presented(&headers)?;
    if credential.is_some() || !client.is_local() {
        context.keeper.admit(&client, credential).await?.access.need_operator()?;
    }
    Ok(([(CONTENT_TYPE, FORMAT)], context.gateway.metrics.render()).into_response())
}
