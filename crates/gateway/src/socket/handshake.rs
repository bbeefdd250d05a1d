//! The first exchange on a socket: challenge, `connect`, `hello-ok`.
//!
//! Owns the order of it; refuses every other method before it, binary frames and silence.

use std::sync::Arc;

use domain::{Coded, Kind, Secret, TenantSlug};
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{End, Guest, Sink, Source};
use crate::access::{Access, Admission};
use crate::client::Client;
use crate::frame::{self, Fault, Request};
use crate::gateway::Context;
use crate::methods;
use crate::protocol::connect::Connect;
use crate::protocol::{Close, EVENTS, Scope, VERSION, device};
use crate::tell::Teller;
use crate::vitals::Health;
use crate::{Error, Limits};

/// The payload of the answer to `connect`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hello<'a> {
    r#type: &'static str,
    protocol: u32,
    server: Server<'a>,
    features: Features<'a>,
    snapshot: Snapshot,
    auth: Granted<'a>,
    policy: Policy,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server<'a> {
    version: &'a str,
    conn_id: &'a str,
}

#[derive(Serialize)]
struct Features<'a> {
    methods: Vec<&'static str>,
    events: &'a [&'static str],
    capabilities: [&'static str; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    presence: [(); 0],
    health: Health,
    state_version: StateVersion,
    uptime_ms: u64,
    session_defaults: SessionDefaults,
    auth_mode: &'static str,
}

#[derive(Serialize)]
struct StateVersion {
    presence: u64,
    health: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionDefaults {
    default_agent_id: Option<TenantSlug>,
    main_key: &'static str,
    main_session_key: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Granted<'a> {
    role: &'static str,
    scopes: Vec<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantSlug>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    max_payload: usize,
    max_buffered_bytes: usize,
    tick_interval_ms: u64,
    attachments: Attachments,
}

#[derive(Serialize)]
struct Attachments {
    enabled: bool,
}

/// Lets a client in, or says why not.
pub async fn shake(
    context: &Context,
    client: &Client,
    sink: &mut Sink,
    source: &mut Source,
) -> Result<Guest, End> {
    let now = context.gateway.clock.now();
    let nonce = context.gateway.ids.uuid(now).to_string();
    let challenge = json!({ "nonce": nonce, "ts": now });
    send(sink, frame::event("connect.challenge", &challenge, None)).await?;
    let text = first_text(source).await?;
    let Ok(request) = Request::read(text.as_bytes(), context.gateway.limits.json_depth) else {
        return Err(End::Closed(Close::Policy, "the first frame must be connect"));
    };
    match welcome(context, client, &request, &nonce).await {
        Ok((guest, hello)) => {
            send(sink, hello).await?;
            Ok(guest)
        }
        Err((fault, end)) => {
            send(sink, frame::response::<()>(&request.id, Err(&fault))).await?;
            Err(end)
        }
    }
}

async fn first_text(source: &mut Source) -> Result<Utf8Bytes, End> {
    loop {
        match source.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => {
                return Err(End::Closed(Close::Policy, "frames are text"));
            }
            Some(Ok(Message::Close(_) | Message::Frame(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(End::of(&error)),
        }
    }
}

async fn send(sink: &mut Sink, frame: Utf8Bytes) -> Result<(), End> {
    sink.send(Message::Text(frame)).await.map_err(|error| End::of(&error))
}

async fn welcome(
    context: &Context,
    client: &Client,
    request: &Request,
    nonce: &str,
) -> Result<(Guest, Utf8Bytes), (Fault, End)> {
    if request.method != "connect" {
        let problem = "must be connect before anything else".to_owned();
        let error = Error::Field { field: "method", problem };
        let end = End::Closed(Close::Policy, "the first frame must be connect");
        return Err((error.fault(), end));
    }
    let refuse = |error: Error| {
        let end = match error.kind() {
            Kind::Overloaded { .. } | Kind::Internal => {
                End::Closed(Close::Overload, "the gateway cannot check credentials now")
            }
            Kind::Unauthenticated => End::Closed(Close::Policy, "unauthorized"),
            _ => End::Closed(Close::Policy, "connect was refused"),
        };
        (error.fault(), end)
    };
    let connect: Connect = request.params().map_err(refuse)?;
    connect.check().map_err(|error| match connect.speaks_our_version() {
        true => refuse(error),
        false => (error.fault(), End::Closed(Close::Protocol, "protocol mismatch")),
    })?;
    let admission = admit(context, client, &connect, nonce).await.map_err(|error| {
        let (word, reason) = (connect.last_word(&error), error.code());
        let (mut fault, end) = refuse(error);
        if let Some(word) = word {
            fault.details = Some(json!({ "code": word, "reason": reason }));
        }
        (fault, end)
    })?;
    let lease = context.leases.hold(&admission);
    let scope = connect
        .shrink(admission.access.scope)
        .ok_or_else(|| refuse(Error::MissingScope { needed: Scope::Read }))?;
    let access = Access { scope, ..admission.access };
    let hello = hello(context, &access, admission.issued.as_ref()).await.map_err(refuse)?;
    let is_page = connect.is_page();
    let teller = match is_page {
        true => Teller::for_page(),
        false => Teller::for_others(Arc::clone(&context.gateway.turns)),
    };
    let guest = Guest { access: Arc::new(access), lease, teller, is_page };
    Ok((guest, frame::response(&request.id, Ok(&hello))))
}

async fn admit(
    context: &Context,
    client: &Client,
    connect: &Connect,
    nonce: &str,
) -> Result<Admission, Error> {
    let credential = connect.credential()?;
    if let Some(device) = &connect.device {
        let now = context.gateway.clock.now();
        device::verify(device, connect, credential.as_ref(), nonce, now)?;
    }
    let program = &connect.client;
    let name = program.display_name.as_deref().unwrap_or(&program.id);
    let label = format!("{name} on {}", program.platform);
    context.keeper.welcome(client, credential, &label, connect.is_page()).await
}

async fn hello(
    context: &Context,
    access: &Access,
    issued: Option<&Secret>,
) -> Result<Box<serde_json::value::RawValue>, Error> {
    let gateway = &context.gateway;
    let first = match context.first_tenant(access).await {
        Ok(slug) => Some(slug),
        Err(Error::NoTenant) => None,
        Err(error) => return Err(error),
    };
    let health = Health::look(context, access.only_tenant()).await;
    let conn_id = gateway.ids.uuid(gateway.clock.now()).to_string();
    let hello = Hello {
        r#type: "hello-ok",
        protocol: VERSION,
        server: Server { version: gateway.version, conn_id: &conn_id },
        features: Features { methods: methods::names(), events: EVENTS, capabilities: [] },
        snapshot: Snapshot {
            presence: [],
            uptime_ms: health.uptime_ms,
            health,
            state_version: StateVersion { presence: 0, health: 0 },
            session_defaults: SessionDefaults {
                main_session_key: first
                    .clone()
                    .map(|slug| domain::SessionKey::first(slug).to_string()),
                default_agent_id: first,
                main_key: "main",
            },
            auth_mode: "token",
        },
        auth: Granted {
            role: "operator",
            scopes: access.scope.included(),
            device_token: issued.map(Secret::expose),
            tenant: access.only_tenant(),
        },
        policy: policy(&gateway.limits),
    };
    serde_json::value::to_raw_value(&hello).map_err(|error| Error::malformed(&error))
}

fn policy(limits: &Limits) -> Policy {
    Policy {
        max_payload: limits.frame,
        max_buffered_bytes: limits.outbound,
        tick_interval_ms: u64::try_from(limits.tick.as_millis()).unwrap_or(u64::MAX),
        attachments: Attachments { enabled: false },
    }
}
