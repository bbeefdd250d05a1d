//! `openclaw status`: what is configured, stored and running, in one look.

use std::io;

use serde::Serialize;
use serde_json::Value;

use super::health::facts;
use crate::cli::StatusArgs;
use crate::client::Gateway;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show};

/// Collects and shows it. That the gateway is down is part of the answer, not a failure.
pub async fn run(arguments: &StatusArgs, context: &Context) -> Result<(), Error> {
    let installation = Installation::find()?;
    let gateway = installation.gateway(&arguments.address)?;
    let store = installation.store().await?;
    let counts = store.counts(None).await?;
    let stored = Stored {
        engine: match store.engine() {
            store::EngineKind::Sqlite => "sqlite",
            store::EngineKind::Postgres => "postgresql",
        },
        tenants: store.tenants().await?.len(),
        waiting: counts.waiting,
        running: counts.running,
        parked: counts.parked,
    };
    store.close().await;
    let deep = arguments.deep || arguments.all;
    let home = std::env::var("HOME").ok().filter(|_| arguments.all);
    let configured = installation.summary(home.as_deref());
    let gateway = Reached::ask(&gateway, deep).await;
    let version = env!("CARGO_PKG_VERSION");
    let machine = arguments.all.then(Machine::this);
    context.print(&Status { version, configured, stored, gateway, machine })
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    configured: Summary,
    stored: Stored,
    gateway: Reached,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<Machine>,
}

/// What the configuration says, without anything secret.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The file.
    pub config: String,
    /// The directory of everything that OpenClaw keeps.
    pub state: String,
    /// The model that answers by default.
    pub model: String,
    /// Whether it is the built-in simulator.
    pub simulated: bool,
}

#[derive(Serialize)]
struct Stored {
    engine: &'static str,
    tenants: usize,
    waiting: u64,
    running: u64,
    parked: u64,
}

/// What the gateway says of itself.
#[derive(Serialize)]
struct Reached {
    url: String,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Value>,
}

#[derive(Serialize)]
struct Machine {
    os: &'static str,
    arch: &'static str,
    cpus: usize,
}

// === impl Reached ===

impl Reached {
    async fn ask(gateway: &Gateway, deep: bool) -> Self {
        let url = format!("http://{}/", gateway.authority());
        let mut reached = Self { url, running: false, problem: None, ready: None, status: None };
        match gateway.get("/ready", false).await {
            Ok(answer) => {
                reached.running = true;
                reached.problem =
                    (answer.status != 200).then(|| format!("not ready (HTTP {})", answer.status));
                reached.ready = deep.then_some(answer.body);
            }
            Err(error) => {
                reached.problem = Some(error.to_string());
                return reached;
            }
        }
        if deep {
            match Self::status(gateway).await {
                Ok(status) => reached.status = Some(status),
                Err(error) => reached.problem = Some(error.to_string()),
            }
        }
        reached
    }

    async fn status(gateway: &Gateway) -> Result<Value, crate::client::Error> {
        gateway.open().await?.ask("status", Value::Object(serde_json::Map::default())).await
    }
}

// === impl Machine ===

impl Machine {
    fn this() -> Self {
        Self {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
        }
    }
}

// === impl Status ===

impl Show for Status {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let Self { configured, stored, gateway, .. } = self;
        screen.fact("version", self.version)?;
        screen.fact("config", &configured.config)?;
        screen.fact("state", &configured.state)?;
        let note = if configured.simulated { " (simulated)" } else { "" };
        screen.fact("model", &format!("{}{note}", configured.model))?;
        screen.fact("store", stored.engine)?;
        screen.fact("tenants", &stored.tenants.to_string())?;
        let Stored { waiting, running, parked, .. } = stored;
        screen
            .fact("messages", &format!("{waiting} waiting, {running} running, {parked} parked"))?;
        let word = match (gateway.running, &gateway.problem) {
            (true, None) => screen.good("running"),
            (true, Some(_)) => screen.bad("running, with a problem"),
            (false, _) => screen.bad("not running"),
        };
        screen.fact("gateway", &format!("{} at {}", word, gateway.url))?;
        if let Some(problem) = &gateway.problem {
            screen.fact("problem", problem)?;
        }
        for part in [&gateway.ready, &gateway.status].into_iter().flatten() {
            facts(part, screen)?;
        }
        if let Some(Machine { os, arch, cpus }) = &self.machine {
            screen.fact("machine", &format!("{os} {arch}, {cpus} processors"))?;
        }
        Ok(())
    }
}
