//! The benchmark: every figure beside its floor, measured in the same run on the same machine.
//!
//! Owns the order of measurements. The product runs in a process of its own, the model server in another,
//! so that the processor time of each is its own.

pub mod decisions;
pub mod echo;
mod floor;
mod idle;
mod intake;
mod load;
mod machine;
mod measure;
mod page;
mod spread;
mod vitals;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::engine::Engine;
use crate::home::Home;
use decisions::Decisions;
use floor::{Echo, GROUP};
use load::{Load, Took};
use machine::Machine;
use measure::{Effort, MANY, Simulator};
use page::Page;
use spread::Spread;

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// On which engines.
    pub engines: Vec<Engine>,
    /// A tenth of the time, with coarser figures.
    pub quick: bool,
    /// The day, for the page.
    pub date: String,
    /// Where the page is written; `None`: nowhere.
    pub page: Option<PathBuf>,
}

/// What the machine can do without us.
#[derive(Debug)]
struct Floors {
    syncs: f64,
    sqlite_single: f64,
    sqlite_group: f64,
    postgres_single: Option<f64>,
    postgres_many: Option<f64>,
    echo_start: Duration,
    echo_memory: u64,
    echo_one: Took,
    echo_many: Took,
    echo_processor: Duration,
    empty_program: Duration,
}

const THOROUGH: Effort =
    Effort { times: 11, span: Duration::from_secs(8), tenants: 100, sockets: 10_000 };
const QUICK: Effort =
    Effort { times: 3, span: Duration::from_secs(2), tenants: 10, sockets: 1_000 };

/// Measures, tells how it goes and what came out on `out`, and writes the page.
///
/// # Errors
/// When something cannot be measured, because the product does not do what it should.
pub async fn run(options: &Options, binary: &Path, out: &mut dyn Write) -> Result<()> {
    // Ten thousand sockets need as many descriptors; where they cannot be had, opening them says so.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let effort = if options.quick { QUICK } else { THOROUGH };
    writeln!(out, "floors")?;
    let place = Home::new(binary, Engine::Sqlite, json!({})).await?;
    let simulator = Simulator::start(&place).await?;
    let (floors, server) = floors(&place, binary, options, effort).await?;
    writeln!(out, "decisions")?;
    let decisions = Decisions::measure(binary).await?;
    if decisions.is_none() {
        writeln!(
            out,
            "they are left out: cargo build -p engine --features measure --example decisions"
        )?;
    }
    let mut figures = Vec::new();
    for engine in &options.engines {
        writeln!(out, "{engine}")?;
        figures.push(measure::measure(binary, *engine, effort, &simulator).await?);
    }
    let page = Page {
        date: options.date.clone(),
        quick: options.quick,
        machine: Machine::this(place.path()),
        server,
        binary_size: std::fs::metadata(binary)?.len(),
        floors,
        decisions,
        figures,
        effort,
    };
    simulator.stop().await?;
    place.remove().await?;
    let text = page.to_string();
    write!(out, "\n{text}")?;
    if let Some(path) = &options.page {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The floors, and the version of the database server when it takes part.
async fn floors(
    place: &Home,
    binary: &Path,
    options: &Options,
    effort: Effort,
) -> Result<(Floors, Option<String>)> {
    let (mut postgres_single, mut postgres_many, mut server) = (None, None, None);
    if options.engines.contains(&Engine::Postgres) {
        let home = Home::new(binary, Engine::Postgres, json!({})).await?;
        if let Some(database) = home.database() {
            postgres_single = Some(floor::postgres_rows(&database.url(), 1).await?);
            postgres_many = Some(floor::postgres_rows(&database.url(), MANY).await?);
            server = Some(database.version().await?);
        }
        home.remove().await?;
    }
    let echo = Echo::start().await?;
    let echo_memory = vitals::resident(echo.id()?)?;
    let load = |callers| Load {
        address: echo.address,
        model: "echo".to_owned(),
        remembered: false,
        tokens: Vec::new(),
        callers,
        span: effort.span / 2,
    };
    let echo_one = load(1).run().await?;
    let before = vitals::processor_time(echo.id()?)?;
    let echo_many = load(MANY).run().await?;
    let took = vitals::processor_time(echo.id()?)? - before;
    let mut empty = Vec::new();
    for _ in 0..effort.times {
        empty.push(floor::empty_program().await?);
    }
    let floors = Floors {
        syncs: floor::syncs(place.path())?,
        sqlite_single: floor::sqlite_rows(place.path(), 1).await?,
        sqlite_group: floor::sqlite_rows(place.path(), GROUP).await?,
        postgres_single,
        postgres_many,
        echo_start: echo.start,
        echo_memory,
        echo_processor: took / u32::try_from(echo_many.each.count().max(1))?,
        echo_one,
        echo_many,
        empty_program: empty.into_iter().collect::<Spread>().median(),
    };
    Ok((floors, server))
}
