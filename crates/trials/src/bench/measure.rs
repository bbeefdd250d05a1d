//! The figures of one engine, in the order in which they are taken.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::header::HOST;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::idle::{self, Sockets};
use super::intake;
use super::load::{Load, Took};
use super::spread::Spread;
use super::vitals::processor_time;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::home::{self, Home};
use crate::process::Process;

/// How thorough.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Starts and commands of which the median is taken.
    pub times: usize,
    /// How long each load goes on.
    pub span: Duration,
    /// Tenants that are there and silent.
    pub tenants: usize,
    /// Sockets that are open and silent.
    pub sockets: usize,
}

/// A model server in a process of its own: `openclaw sim`.
#[derive(Debug)]
pub struct Simulator {
    process: Process,
    /// Where it listens.
    pub address: std::net::SocketAddr,
}

/// One engine's figures.
#[derive(Debug)]
pub struct Figures {
    /// On which.
    pub engine: Engine,
    /// The very first start, which creates everything.
    pub first_start: Duration,
    /// From the start of the process until `/ready` says yes.
    pub start: Spread,
    /// A command that looks into the store.
    pub command: Spread,
    /// Memory when nothing was ever asked, in KiB.
    pub idle: u64,
    /// Memory beside silent tenants, in KiB.
    pub tenants: u64,
    /// Memory when each of them has just been answered, in KiB.
    pub tenants_awake: u64,
    /// One caller.
    pub one: Run,
    /// Many callers.
    pub many: Run,
    /// Many callers with limits that are kept, and without any.
    pub budgets: Budgets,
    /// Intake alone, over as many sockets.
    pub intake: Took,
    /// Silent sockets.
    pub sockets: Option<Sockets>,
}

/// The same load on the model alone and through the product.
#[derive(Debug)]
pub struct Run {
    /// The model alone.
    pub direct: Took,
    /// Through the product.
    pub through: Took,
    /// Processor time of the product per message.
    pub product: Duration,
    /// Processor time of the model per message.
    pub model: Duration,
    /// Processor time of the load generator per message.
    pub generator: Duration,
}

/// The same load with limits that are never reached but always reckoned, and with none. Answers per second.
#[derive(Debug, Clone, Copy)]
pub struct Budgets {
    /// With limits.
    pub on: f64,
    /// Without.
    pub off: f64,
}

/// Callers at once, where there are many.
pub const MANY: usize = 64;
/// Tenants whose agents they ask.
pub const TENANTS: usize = 16;
/// Loads with budgets and without, one after the other.
const ROUNDS: usize = 3;
/// A budget in tokens that no load uses up.
const NEVER_REACHED: u64 = 1_000_000_000_000;
/// How often it is asked whether it is ready.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// Takes them.
///
/// # Errors
/// When the product does not do what it should.
pub async fn measure(
    binary: &Path,
    engine: Engine,
    effort: Effort,
    simulator: &Simulator,
) -> Result<Figures> {
    let home = Home::new(binary, engine, simulator.settings("echo")).await?;
    let (process, first_start) = start(&home).await?;
    process.stop().await?;
    let tokens = idle::create_tenants(&home, TENANTS).await?;
    let mut starts = Vec::new();
    for _ in 1..effort.times {
        let (process, took) = start(&home).await?;
        starts.push(took);
        process.stop().await?;
    }
    let (process, took) = start(&home).await?;
    starts.push(took);
    let idle = idle::memory(&process).await?;
    let command = commands(&home, effort.times).await?;
    let one = run(&home, &process, simulator, &tokens, 1, effort.span).await?;
    let many = run(&home, &process, simulator, &tokens, MANY, effort.span).await?;
    let sockets = match engine {
        Engine::Sqlite => {
            process.stop().await?;
            let (process, _) = start(&home).await?;
            let sockets = idle::sockets(&process, home.address(), effort.sockets).await?;
            process.kill().await?;
            Some(sockets)
        }
        Engine::Postgres => {
            process.stop().await?;
            None
        }
    };
    home.remove().await?;
    let (tenants, tenants_awake) = tenants(binary, engine, effort, simulator).await?;
    let intake = taken_in(binary, engine, effort, simulator).await?;
    let budgets = budgets(binary, engine, effort, simulator).await?;
    let start = starts.into_iter().collect();
    Ok(Figures {
        engine,
        first_start,
        start,
        command,
        idle,
        tenants,
        tenants_awake,
        one,
        many,
        budgets,
        intake,
        sockets,
    })
}

/// Starts it, and waits until `/ready` says yes.
async fn start(home: &Home) -> Result<(Process, Duration)> {
    let began = Instant::now();
    let process = Process::start(home, &["up", "--json"])?;
    while !is_ready(home).await {
        sleep(ASK_AGAIN).await;
    }
    Ok((process, began.elapsed()))
}

async fn is_ready(home: &Home) -> bool {
    let Ok(mut caller) = Caller::connect(home.address(), "").await else { return false };
    let request = Request::get("/ready").header(HOST, home.address().to_string());
    let Ok(request) = request.body(Default::default()) else { return false };
    matches!(caller.send(request).await, Ok((StatusCode::OK, _)))
}

async fn commands(home: &Home, times: usize) -> Result<Spread> {
    let mut took = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        home.run(&["tenants", "list"]).await?;
        took.push(began.elapsed());
    }
    Ok(took.into_iter().collect())
}

async fn run(
    home: &Home,
    process: &Process,
    simulator: &Simulator,
    tokens: &[String],
    callers: usize,
    span: Duration,
) -> Result<Run> {
    let direct = Load {
        address: simulator.address,
        model: "echo".to_owned(),
        remembered: false,
        tokens: Vec::new(),
        callers,
        span: span / 2,
    };
    let direct = direct.run().await?;
    let through = Load {
        address: home.address(),
        model: "openclaw".to_owned(),
        remembered: true,
        tokens: tokens.to_vec(),
        callers,
        span,
    };
    let ids = [process.id(), simulator.process.id(), Some(std::process::id())];
    let times = || ids.map(|id| id.and_then(|id| processor_time(id).ok()).unwrap_or_default());
    let before = times();
    let through = through.run().await?;
    let messages = u32::try_from(through.each.count().max(1))?;
    let [product, model, generator] = times();
    let [product_before, model_before, generator_before] = before;
    Ok(Run {
        direct,
        through,
        product: (product - product_before) / messages,
        model: (model - model_before) / messages,
        generator: (generator - generator_before) / messages,
    })
}

async fn tenants(
    binary: &Path,
    engine: Engine,
    effort: Effort,
    simulator: &Simulator,
) -> Result<(u64, u64)> {
    let home = Home::new(binary, engine, simulator.settings("echo")).await?;
    let tokens = idle::create_tenants(&home, effort.tenants).await?;
    let (process, _) = start(&home).await?;
    let silent = idle::memory(&process).await?;
    idle::ask_tenants(home.address(), &tokens).await?;
    let awake = idle::memory(&process).await?;
    process.stop().await?;
    home.remove().await?;
    Ok((silent, awake))
}

/// Each in its own installation, in turn, so that what else the machine does is borne by both.
async fn budgets(
    binary: &Path,
    engine: Engine,
    effort: Effort,
    simulator: &Simulator,
) -> Result<Budgets> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (limit, rates) in [json!(NEVER_REACHED), json!("unlimited")].iter().zip(&mut rates) {
            let mut settings = simulator.settings("echo");
            settings["budgets"] = home::budgets(limit);
            let home = Home::new(binary, engine, settings).await?;
            let tokens = idle::create_tenants(&home, TENANTS).await?;
            let (process, _) = start(&home).await?;
            let load = Load {
                address: home.address(),
                model: "openclaw".to_owned(),
                remembered: true,
                tokens,
                callers: MANY,
                span: effort.span / 2,
            };
            rates.push(load.run().await?.rate);
            process.stop().await?;
            home.remove().await?;
        }
    }
    let [on, off] = rates.map(|rates| rates.iter().sum::<f64>() / ROUNDS as f64);
    Ok(Budgets { on, off })
}

async fn taken_in(
    binary: &Path,
    engine: Engine,
    effort: Effort,
    simulator: &Simulator,
) -> Result<Took> {
    let home = Home::new(binary, engine, simulator.settings("hang")).await?;
    let tokens = idle::create_tenants(&home, MANY).await?;
    let (process, _) = start(&home).await?;
    let took = intake::run(home.address(), &tokens, effort.span).await?;
    process.kill().await?;
    home.remove().await?;
    Ok(took)
}

// === impl Simulator ===

impl Simulator {
    /// Starts one; `home` is only where it lives.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(home: &Home) -> Result<Self> {
        let mut process = Process::start(home, &["sim", "--port", "0", "--json"])?;
        let (event, _) = process.ready().await?;
        let url = event["anthropicBaseUrl"].as_str().context("it does not say where it listens")?;
        let address = url.strip_prefix("http://").unwrap_or(url).parse()?;
        Ok(Self { process, address })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(self) -> Result<Duration> {
        self.process.stop().await
    }

    fn settings(&self, model: &str) -> Value {
        json!({
            "agents": { "defaults": { "model": format!("sim/{model}") } },
            "concurrency": { "maxWorkers": 16, "maxQueueSize": 100_000 },
            "models": { "mode": "replace", "providers": { "sim": {
                "baseUrl": format!("http://{}/v1", self.address),
                "api": "openai-completions",
                "models": [{ "id": model }],
            } } },
        })
    }
}
