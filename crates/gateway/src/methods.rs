//! The methods of protocol v4 that are served.
//!
//! Owns the table: name, scope, whom it is for. A method that is not in it does not exist, and none of them
//! looks at its parameters before the table was asked.

mod agents;
mod audit;
mod chat;
mod health;
mod logs;
mod persons;
mod providers;
mod sessions;
mod tenants;
mod workers;

use std::sync::Arc;

use domain::SessionKey;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Session, Store};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::Error;
use crate::access::Access;
use crate::frame::{self, Request};
use crate::gateway::Context;
use crate::protocol::Scope;

/// One request on its way to its method.
pub(crate) struct Call {
    pub(crate) context: Context,
    pub(crate) access: Arc<Access>,
    /// Whether one of our own pages asks.
    pub(crate) is_page: bool,
    pub(crate) request: Request,
}

type Payload = Box<RawValue>;
type Answer = BoxFuture<'static, Result<Payload, Error>>;

struct Method {
    name: &'static str,
    scope: Scope,
    /// Whether a tenant's credential may never use it.
    operators_only: bool,
    /// Whether the caller wants to be told what happens from then on.
    listens: bool,
    run: fn(Call) -> Answer,
}

const METHODS: &[Method] = &[
    Method::seeing("agents.list", |call| agents::list(call).boxed()),
    Method::seeing("chat.history", |call| chat::history(call).boxed()),
    Method { listens: true, ..Method::speaking("chat.send", |call| chat::send(call).boxed()) },
    Method::speaking("chat.abort", |call| chat::abort(call).boxed()),
    Method::seeing("health", |call| health::health(call).boxed()),
    Method::seeing("status", |call| health::status(call).boxed()),
    Method { operators_only: true, ..Method::seeing("logs.tail", |call| logs::tail(call).boxed()) },
    Method {
        operators_only: true,
        ..Method::seeing("providers.list", |call| providers::list(call).boxed())
    },
    Method::seeing("sessions.list", |call| sessions::list(call).boxed()),
    Method::seeing("sessions.describe", |call| sessions::describe(call).boxed()),
    Method::speaking("sessions.create", |call| sessions::create(call).boxed()),
    Method::speaking("sessions.reset", |call| sessions::reset(call).boxed()),
    Method {
        listens: true,
        ..Method::seeing("sessions.subscribe", |call| sessions::subscribe(call).boxed())
    },
    Method::governing("sessions.extend", |call| sessions::extend(call).boxed()),
    Method::governing("sessions.suspend", |call| sessions::suspend(call).boxed()),
    Method::governing("sessions.clean", |call| sessions::clean(call).boxed()),
    Method {
        operators_only: true,
        ..Method::seeing("tenants.list", |call| tenants::list(call).boxed())
    },
    Method::governing("tenants.create", |call| tenants::create(call).boxed()),
    Method::governing("tenants.tier", |call| tenants::tier(call).boxed()),
    Method::governing("tenants.suspend", |call| tenants::suspend(call).boxed()),
    Method::governing("tenants.reinstate", |call| tenants::reinstate(call).boxed()),
    Method::governing("tenants.delete", |call| tenants::delete(call).boxed()),
    Method {
        operators_only: true,
        ..Method::seeing("persons.list", |call| persons::list(call).boxed())
    },
    Method {
        operators_only: true,
        ..Method::seeing("workers.list", |call| workers::list(call).boxed())
    },
    Method {
        operators_only: true,
        scope: Scope::Admin,
        ..Method::speaking("workers.recycle", |call| workers::recycle(call).boxed())
    },
    Method::governing("persons.tier", |call| persons::tier(call).boxed()),
    Method::governing("persons.suspend", |call| persons::suspend(call).boxed()),
    Method::governing("persons.reinstate", |call| persons::reinstate(call).boxed()),
    Method::governing("audit.list", |call| audit::list(call).boxed()),
];

/// The names of all methods.
#[must_use]
pub fn names() -> Vec<&'static str> {
    METHODS.iter().map(|method| method.name).collect()
}

/// Whether who calls this wants to be told what happens from then on.
#[must_use]
pub fn listens(name: &str) -> bool {
    find(name).is_some_and(|method| method.listens)
}

/// The response frame to a request, in time.
pub(crate) fn answer(call: Call) -> BoxFuture<'static, Utf8Bytes> {
    async move {
        let begun = Instant::now();
        let id = call.request.id.clone();
        let name = find(&call.request.method).map_or("unknown", |method| method.name);
        let limit = call.context.gateway.limits.method_timeout;
        let outcome = timeout(limit, perform(call)).await.unwrap_or(Err(Error::TimedOut { limit }));
        let word = if outcome.is_ok() { "ok" } else { "refused" };
        metrics::counter!(crate::metrics::REQUESTS, "method" => name, "outcome" => word)
            .increment(1);
        metrics::histogram!(crate::metrics::REQUEST_SECONDS, "method" => name)
            .record(begun.elapsed().as_secs_f64());
        match outcome {
            Ok(payload) => frame::response(&id, Ok(&payload)),
            Err(error) => {
                crate::problem::note(&error);
                frame::response::<()>(&id, Err(&error.fault()))
            }
        }
    }
    .boxed()
}

async fn perform(call: Call) -> Result<Payload, Error> {
    let name = &call.request.method;
    let method =
        find(name).ok_or_else(|| Error::UnknownMethod(domain::text::one_line(name, 80)))?;
    call.access.need(method.scope)?;
    if method.operators_only {
        call.access.need_operator()?;
    }
    (method.run)(call).await
}

fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

fn payload<T: Serialize>(value: &T) -> Result<Payload, Error> {
    serde_json::value::to_raw_value(value).map_err(|error| Error::malformed(&error))
}

// === impl Method ===

impl Method {
    const fn seeing(name: &'static str, run: fn(Call) -> Answer) -> Self {
        Self { name, scope: Scope::Read, operators_only: false, listens: false, run }
    }

    const fn speaking(name: &'static str, run: fn(Call) -> Answer) -> Self {
        Self { name, scope: Scope::Write, operators_only: false, listens: false, run }
    }

    const fn governing(name: &'static str, run: fn(Call) -> Answer) -> Self {
        Self { name, scope: Scope::Admin, operators_only: true, listens: false, run }
    }
}

// === impl Call ===

impl Call {
    /// The store, in which what is changed is written down as the caller's doing.
    fn store(&self) -> Store {
        self.context.gateway.store.acting_as(self.access.actor())
    }

    /// The session that a parameter names, when it exists for the caller.
    async fn session(&self, text: &str) -> Result<SessionKey, Error> {
        let first = self.context.first_tenant(&self.access).await?;
        self.access.session(text, &first)
    }

    /// The session that a parameter names. Every conversation of the web exists with its tenant, before
    /// anybody has spoken in it: the first message begins it.
    async fn existing(&self, text: &str) -> Result<(SessionKey, Option<Session>), Error> {
        let key = self.session(text).await?;
        let store = &self.context.gateway.store;
        let session = store.session(&key).await?;
        let exists = session.is_some()
            || (key.account == domain::id::WEB && store.tenant(&key.tenant).await?.is_some());
        if exists { Ok((key, session)) } else { Err(Error::NoSession) }
    }

    /// The tenant that a parameter names, when it exists and does so for the caller.
    async fn tenant(&self, text: &str) -> Result<domain::TenantSlug, Error> {
        let slug: domain::TenantSlug = text.parse().map_err(|_| Error::NoTenant)?;
        if !self.access.sees(&slug) {
            return Err(Error::NoTenant);
        }
        match self.context.gateway.store.tenant(&slug).await? {
            Some(tenant) => Ok(tenant.slug),
            None => Err(Error::NoTenant),
        }
    }
}
