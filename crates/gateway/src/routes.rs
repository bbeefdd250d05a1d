//! What is served over HTTP, path by path.
//!
//! Owns the table and the answers to paths and methods that are not in it. Every route stands behind the
//! guard; what a route asks of a credential is said where it is written.

mod completions;
mod health;
mod metrics;
mod page;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};

use crate::Error;
use crate::client::Client;
use crate::gateway::Context;
use crate::guard::guard;
use crate::socket::upgrade::{is_asked, upgrade};

/// All routes.
pub(crate) fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/ws", get(socket))
        .route("/health", get(health::live))
        .route("/healthz", get(health::live))
        .route("/ready", get(health::ready))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/chat/completions", post(completions::create))
        .route("/v1/models", get(completions::models))
        .fallback(page::file)
        .method_not_allowed_fallback(async || Error::WrongMethod)
        .layer(middleware::from_fn_with_state(context.clone(), guard::<Context>))
        .with_state(context)
}

/// Clients of the original open their socket here; browsers open the page.
async fn root(
    State(context): State<Context>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    if is_asked(request.headers()) {
        return upgrade(context, client, request);
    }
    page::index(&context, request.headers())
}

async fn socket(
    State(context): State<Context>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    upgrade(context, client, request)
}
