//! `openclaw status`: what is configured, stored and running, in one look.

use std::io;
use std::net::SocketAddr;

use config::settings::agents::ModelChoice;
use domain::concurrency::ConcurrencyMetrics;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::health::facts;
use super::workers;
use crate::cli::StatusArgs;
use crate::client::Gateway;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::logging::redact::redact;
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
    let configured = Summary::new(&installation, arguments.all);
    let mut gateway = Reached::ask(&gateway, deep).await;
    if arguments.all {
        gateway.make_shareable(installation.env.get("HOME"));
    }
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
struct Summary {
    /// The file.
    config: String,
    /// The directory of everything that OpenClaw keeps.
    state: String,
    /// The model that answers by default; chosen at the start when it is not configured.
    model: Option<String>,
    /// Where the gateway listens.
    bind: String,
    /// What is doubtful in the configuration.
    warnings: Vec<String>,
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
    /// The pool, when the gateway tells it to the bearer of our token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<ConcurrencyMetrics>,
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

// === impl Summary ===

impl Summary {
    /// `for_others` says that strangers may read it.
    fn new(installation: &Installation, for_others: bool) -> Self {
        let home = installation.env.get("HOME");
        let short = |text: String| if for_others { shareable(&text, home) } else { text };
        let Installation { paths, loaded, .. } = installation;
        let model = loaded.config.agents.defaults.model.as_ref().and_then(ModelChoice::primary);
        let gateway = &loaded.config.gateway;
        Self {
            config: short(paths.config.display().to_string()),
            state: short(paths.state.display().to_string()),
            model: model.map(|model| model.as_str().to_owned()),
            bind: SocketAddr::new(gateway.address(), gateway.port).to_string(),
            warnings: loaded.warnings.iter().map(|warning| short(warning.to_string())).collect(),
        }
    }
}

// === impl Reached ===

impl Reached {
    async fn ask(gateway: &Gateway, deep: bool) -> Self {
        let url = format!("http://{}/", gateway.authority());
        let mut reached =
            Self { url, running: false, problem: None, pool: None, ready: None, status: None };
        match gateway.get("/ready").await {
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
        match Self::told(gateway, if deep { "status" } else { "health" }).await {
            Ok(told) => {
                reached.pool = ConcurrencyMetrics::deserialize(&told["concurrency"]).ok();
                reached.status = deep.then_some(told);
            }
            // Whoever has no token may still see whether it runs.
            Err(error) if deep => reached.problem = Some(error.to_string()),
            Err(_) => {}
        }
        reached
    }

    /// Masks keys and the home directory in whatever the gateway said.
    fn make_shareable(&mut self, home: Option<&str>) {
        for part in [&mut self.ready, &mut self.status].into_iter().flatten() {
            make_shareable(part, home);
        }
        if let Some(problem) = &mut self.problem {
            *problem = shareable(problem, home);
        }
    }

    async fn told(gateway: &Gateway, method: &str) -> Result<Value, crate::client::Error> {
        gateway.open().await?.ask(method, json!({})).await
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
        screen.fact("model", configured.model.as_deref().unwrap_or("chosen at the start"))?;
        screen.fact("bind", &configured.bind)?;
        for warning in &configured.warnings {
            screen.fact("warning", warning)?;
        }
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
        if let Some(pool) = &gateway.pool {
            screen.fact("pool", &workers::summary(pool))?;
        }
        if let Some(Machine { os, arch, cpus }) = &self.machine {
            screen.fact("machine", &format!("{os} {arch}, {cpus} processors"))?;
        }
        for part in [&gateway.ready, &gateway.status].into_iter().flatten() {
            screen.line("")?;
            facts(part, screen)?;
        }
        Ok(())
    }
}

/// The text without keys, and with the home directory written `~`.
fn shareable(text: &str, home: Option<&str>) -> String {
    let text = redact(text, false);
    match home.filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text.into_owned(),
    }
}

fn make_shareable(value: &mut Value, home: Option<&str>) {
    match value {
        Value::String(text) => *text = shareable(text, home),
        Value::Array(items) => items.iter_mut().for_each(|item| make_shareable(item, home)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| make_shareable(member, home));
        }
        _ => {}
    }
}
