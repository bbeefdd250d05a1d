//! The command line: every command, option and word of help.
//!
//! Says what can be asked; what is then done stands in [`crate::commands`].

mod budget;
mod config;
mod pool;
mod run;
mod store;

#[cfg(test)]
mod reference;

use clap::builder::ValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use budget::{BudgetCommand, Whose};
pub use config::ConfigCommand;
pub use pool::{WorkersArgs, WorkersCommand};
pub use run::{GatewayArgs, SimArgs, UpArgs};
pub use store::{
    AuditArgs, DevicesCommand, InboxCommand, LinkArgs, PersonsCommand, SessionsCommand,
    TenantsCommand, TuneArgs, Whom,
};

use crate::exit::Exit;
use crate::logging::Threshold;

/// An AI agent for every client of a small agency: on the web, in messengers and over an API, run by one
/// person on one small server.
#[derive(Debug, Parser)]
#[command(name = "openclaw", version, propagate_version = true, disable_help_subcommand = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub struct CommandLine {
    /// Print JSON: one document, or one per line for what has no end.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything: the gateway, the page, and every channel that is configured.
    Up(UpArgs),
    /// Start the gateway alone, without the built-in simulator.
    Gateway(GatewayArgs),
    /// Start the built-in simulator of model providers, to rehearse without keys or costs.
    Sim(SimArgs),
    /// Ask the running gateway whether it is well.
    Health(AddressArgs),
    /// Show what is configured, stored and running.
    Status(StatusArgs),
    /// Show the log.
    Logs(LogsArgs),
    /// Say something to a tenant's agent and watch the answer arrive.
    Agent(AgentArgs),
    /// Look after messages that wait for an answer or could not be answered.
    #[command(subcommand)]
    Inbox(InboxCommand),
    /// Look after tenants: the clients that have an agent here.
    #[command(subcommand)]
    Tenants(TenantsCommand),
    /// Look after persons: those who write to tenants.
    #[command(subcommand)]
    Persons(PersonsCommand),
    /// Look after sessions: the conversations of tenants.
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Look after budgets: how many tokens and how much money tenants and persons may use up.
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// Look after devices: the browsers and programs that were let in and keep a token of their own.
    #[command(subcommand)]
    Devices(DevicesCommand),
    /// Look at the workers, which run the turns, and at how full their pool is.
    Workers(WorkersArgs),
    /// Ask the running gateway how the providers of models are doing: limits, circuits, the last failure.
    Providers(AddressArgs),
    /// Show who changed what, and what else happened that is worth knowing later.
    Audit(AuditArgs),
    /// Look at the configuration and change it.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the last days and propose the sizes of the pool, with the reason for each.
    Tune(TuneArgs),
    /// Print a fresh link that opens the page; it works once.
    Link(LinkArgs),
    /// Print the completion script of a shell.
    Completion {
        /// Which shell.
        shell: Shell,
    },
    /// Explain an error code: what happened, why, and what to do.
    Explain {
        /// The code, as errors show it.
        code: String,
    },
}

/// Where the gateway is.
#[derive(Debug, Clone, Default, Args)]
pub struct AddressArgs {
    /// Address of the gateway, when it is not the configured one.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// How much of the state to show.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Also ask the running gateway about every part of it.
    #[arg(long)]
    pub deep: bool,
    /// Everything, safe to paste: no secret, no message, no personal path.
    #[arg(long)]
    pub all: bool,
    /// Where the gateway is.
    #[command(flatten)]
    pub address: AddressArgs,
}

/// Which part of the log.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// How many of the last lines.
    #[arg(long, value_name = "LINES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub tail: u32,
    /// Go on with new lines as they are written, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// Only lines of this level and above.
    #[arg(long, value_name = "LEVEL", value_parser = threshold(), default_value = "trace")]
    pub level: Threshold,
}

/// What to say, and to whom.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// The words; `-` reads them from the standard input.
    #[arg(long, short, value_name = "TEXT")]
    pub message: String,
    /// Whose agent.
    #[arg(long, value_name = "TENANT", default_value = "main", conflicts_with = "session")]
    pub tenant: domain::TenantSlug,
    /// In which conversation; without it, the tenant's first one.
    #[arg(long, value_name = "KEY")]
    pub session: Option<domain::SessionKey>,
    /// Where the gateway is.
    #[command(flatten)]
    pub address: AddressArgs,
}

/// Reads the command line.
///
/// # Errors
/// What clap has to say, which is also the answer to `--help` and `--version`.
pub fn parse(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<CommandLine, clap::Error> {
    let matches = tree().try_get_matches_from(arguments)?;
    CommandLine::from_arg_matches(&matches)
}

/// The tree of commands, for help, completion and the reference.
#[must_use]
pub fn tree() -> clap::Command {
    let mut codes = String::from("Exit codes:\n");
    for (exit, meaning) in Exit::MEANINGS {
        codes.push_str(&format!("  {:>3}  {meaning}\n", exit.number()));
    }
    codes.push_str("\n`openclaw explain CODE` explains an error. docs/cli.md has every command.");
    CommandLine::command()
        .after_help(codes)
        .mut_subcommand("sim", |sim| sim.after_long_help(model_names()))
}

/// The words that the name of a simulated model is made of.
fn model_names() -> String {
    let mut help = String::from(
        "The name of the model says how it answers: a voice, then options, such as\n\
         story+words=200+pace=20ms. docs/simulator.md explains it.\n",
    );
    for section in simulator::catalogue() {
        help.push_str(&format!("\n{}:\n", section.title));
        for item in section.items {
            help.push_str(&format!("  {:<28} {}\n", item.spelling(), item.line));
        }
    }
    help
}

fn threshold() -> ValueParser {
    let words = Threshold::ALL.map(Threshold::as_str);
    let parser = clap::builder::PossibleValuesParser::new(words);
    clap::builder::TypedValueParser::try_map(parser, |word| word.parse::<Threshold>()).into()
}

// === impl Command ===

impl Command {
    /// Whether it runs until it is stopped and serves many at once.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self, Self::Up(_) | Self::Gateway(_) | Self::Sim(_))
    }
}
