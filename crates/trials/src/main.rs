//! `trials crash` and `trials bench`: the command line.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};
use trials::engine::Engine;
use trials::{bench, crash};

/// Drives the real binary from outside. `OPENCLAW_BIN` names it, `OPENCLAW_TEST_POSTGRES` a server; see
/// `scripts/with-postgres.sh`.
#[derive(Debug, Parser)]
enum Trial {
    /// Kill the process at random and count what was lost.
    Crash(CrashArgs),
    /// Measure speed and memory, and write the page.
    Bench(BenchArgs),
    /// A bare echo server, the floor of everything that speaks HTTP.
    #[command(hide = true)]
    Echo,
}

#[derive(Debug, Args)]
struct BenchArgs {
    /// A tenth of the time, with coarser figures.
    #[arg(long)]
    quick: bool,
    /// On which engine.
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// The day, for the page.
    #[arg(long, default_value = "an unknown day")]
    date: String,
    /// Where to write the page.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CrashArgs {
    /// Kills in all.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// On which engine.
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    engine: Engines,
    /// Longest time between ready and kill, in seconds.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// People who speak at once.
    #[arg(long, default_value_t = 40)]
    speakers: usize,
    /// Messages per second of all of them together.
    #[arg(long, default_value_t = 200)]
    rate: usize,
    /// Where all randomness begins; a fresh one when left out.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let binary = trials::binary::find;
    let well = match Trial::parse() {
        Trial::Crash(arguments) => {
            crash::run(&arguments.options(), &binary()?, &mut stdout()).await?
        }
        Trial::Bench(arguments) => {
            bench::run(&arguments.options(), &binary()?, &mut stdout()).await?;
            true
        }
        Trial::Echo => {
            let tell = |address| drop(writeln!(stdout(), "{address}"));
            match bench::echo::serve(tell).await? {}
        }
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

// === impl BenchArgs ===

impl BenchArgs {
    fn options(self) -> bench::Options {
        let Self { quick, engine, date, page } = self;
        bench::Options { engines: engine.engines(), quick, date, page }
    }
}

// === impl CrashArgs ===

impl CrashArgs {
    fn options(&self) -> crash::Options {
        crash::Options {
            engines: self.engine.engines(),
            kills: self.kills,
            longest_life: Duration::from_secs_f64(self.seconds.clamp(0.05, 3_600.0)),
            speakers: self.speakers,
            rate: self.rate,
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
        }
    }
}

// === impl Engines ===

impl Engines {
    fn engines(self) -> Vec<Engine> {
        match self {
            Self::Sqlite => vec![Engine::Sqlite],
            Self::Postgres => vec![Engine::Postgres],
            Self::Both => vec![Engine::Sqlite, Engine::Postgres],
        }
    }
}
