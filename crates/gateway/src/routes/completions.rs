//! `/v1/chat/completions` and `/v1/models`: an agent, asked as one asks a model.
//!
//! Owns the HTTP side; what a request means is said in `channels::api`. The answer to a caller who leaves is
//! stopped at once.

mod stream;
mod waiting;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bus::Topic;
use channels::api::{Ask, Asked};
use domain::event::Usage;
use domain::{MessageId, Refusal, RunId, Verdict};
use http::HeaderMap;
use llm::openai::{self, Completion, FinishReason};
use serde_json::json;
use tokio::time::timeout;

use crate::access::{Access, Admission};
use crate::client::Client;
use crate::credential::presented;
use crate::gateway::Context;
use crate::problem::{Problem, note};
use crate::protocol::Scope;
use crate::{Error, body};
use waiting::Waiting;

/// Names the conversation.
const SESSION: &str = "x-openclaw-session-key";

/// Names the request, so that asking twice is asking once.
const IDEMPOTENCY: &str = "idempotency-key";

/// `POST /v1/chat/completions`
pub(super) async fn create(
    State(context): State<Context>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    answer(&context, &client, request).await.unwrap_or_else(|error| refuse(&error))
}

/// `GET /v1/models`: the agents that the caller may ask.
pub(super) async fn models(
    State(context): State<Context>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Response {
    list(&context, &client, &headers).await.unwrap_or_else(|error| refuse(&error))
}

async fn list(context: &Context, client: &Client, headers: &HeaderMap) -> Result<Response, Error> {
    let access = admit(context, client, headers, Scope::Read).await?.access;
    let tenants = context.gateway.store.tenants().await?;
    let visible = tenants.iter().filter(|tenant| access.sees(&tenant.slug));
    let names = ["openclaw".to_owned(), "openclaw/default".to_owned()];
    let created = context.started.0 / 1_000;
    let models: Vec<_> = names
        .into_iter()
        .chain(visible.map(|tenant| format!("openclaw/{}", tenant.slug)))
        .map(
            |id| json!({ "id": id, "object": "model", "created": created, "owned_by": "openclaw" }),
        )
        .collect();
    Ok(Json(json!({ "object": "list", "data": models })).into_response())
}

async fn answer(context: &Context, client: &Client, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let admission = admit(context, client, &parts.headers, Scope::Write).await?;
    let asked = read(context, &admission.access, &parts.headers, body).await?;
    let Asked { inbound, stream, include_usage, model } = asked;
    if !admission.access.sees(&inbound.session.tenant) {
        return Err(no_agent(model));
    }
    let lease = context.leases.hold(&admission);
    // Listening begins before the message is handed in, so that nothing of the answer is missed.
    let events = context.gateway.bus.subscribe(Topic::Session(inbound.session.clone()));
    let (session, run) = (inbound.session.clone(), inbound.run.clone());
    let (message, is_new) = match context.gateway.intake.offer(inbound).await {
        Verdict::Admitted { message, duplicate, .. } => (message, !duplicate),
        Verdict::Refused(Refusal::NoTenant(_)) => return Err(no_agent(model)),
        Verdict::Refused(refusal) => return Err(refusal.into()),
    };
    let completion = completion(context, message, model);
    let waiting = Waiting::new(context.clone(), lease, events, session, run, message, is_new);
    if stream {
        return Ok(stream::respond(completion, waiting, include_usage));
    }
    let limit = context.gateway.limits.completion_timeout;
    let answered =
        timeout(limit, waiting.whole()).await.map_err(|_| Error::TimedOut { limit })??;
    let usage = usage(answered.usage);
    Ok(Json(completion.whole(answered.text, FinishReason::Stop, usage)).into_response())
}

async fn read(
    context: &Context,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
) -> Result<Asked, Error> {
    let limits = &context.gateway.limits;
    let request: openai::Request = body::read(headers, body, limits.chat_body, limits).await?;
    let run = match header(headers, IDEMPOTENCY)? {
        Some(run) => run,
        None => context.gateway.ids.uuid(context.gateway.clock.now()).to_string(),
    };
    let asked = channels::api::inbound(Ask {
        request,
        default: context.first_tenant(access).await?,
        caller: access.peer(),
        session: header(headers, SESSION)?,
        run: RunId(run),
    })?;
    Ok(asked)
}

async fn admit(
    context: &Context,
    client: &Client,
    headers: &HeaderMap,
    scope: Scope,
) -> Result<Admission, Error> {
    if !context.settings().chat_completions {
        return Err(Error::UnknownPath);
    }
    let admission = context.keeper.admit(client, presented(headers)?).await?;
    admission.access.need(scope)?;
    Ok(admission)
}

fn header(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Error> {
    let bad = |problem: &str| Error::Field { field: name, problem: problem.to_owned() };
    let mut values = headers.get_all(name).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("may stand only once"));
    }
    let text = value.to_str().map_err(|_| bad("must be plain text"))?;
    Ok(Some(text.to_owned()))
}

/// One that exists but not for the caller answers like one that does not exist.
fn no_agent(model: String) -> Error {
    channels::api::Error::Model(domain::text::one_line(&model, 64)).into()
}

fn completion(context: &Context, message: MessageId, model: String) -> Completion {
    let created = context.gateway.clock.now().0 / 1_000;
    Completion { id: format!("chatcmpl-{message}"), created, model }
}

fn usage(usage: Usage) -> openai::Usage {
    let prompt_tokens = usage.input + usage.cached;
    openai::Usage {
        prompt_tokens,
        completion_tokens: usage.output,
        total_tokens: prompt_tokens + usage.output,
        prompt_tokens_details: Some(openai::PromptTokensDetails { cached_tokens: usage.cached }),
        completion_tokens_details: None,
    }
}

fn refuse(error: &Error) -> Response {
    note(error);
    Problem::from(error).openai()
}
