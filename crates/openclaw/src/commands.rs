//! What each command does. One file per command; this one only says which.

mod agent;
mod audit;
mod budget;
mod completion;
mod config;
mod devices;
mod health;
mod inbox;
pub mod link;
mod logs;
mod persons;
mod providers;
mod sessions;
mod sim;
mod status;
mod tenants;
mod tune;
mod workers;

use crate::cli::Command;
use crate::context::Context;
use crate::error::Error;
use crate::{explain, up};

/// Does what the command line says.
///
/// # Errors
/// Whatever went wrong, ready to be told.
pub async fn run(command: Command, context: &Context) -> Result<(), Error> {
    match command {
        Command::Health(address) => health::run(&address, context).await,
        Command::Status(arguments) => status::run(&arguments, context).await,
        Command::Logs(arguments) => logs::run(&arguments, context).await,
        Command::Agent(arguments) => agent::run(arguments, context).await,
        Command::Inbox(command) => inbox::run(command, context).await,
        Command::Tenants(command) => tenants::run(command, context).await,
        Command::Persons(command) => persons::run(command, context).await,
        Command::Sessions(command) => sessions::run(command, context).await,
        Command::Providers(address) => providers::run(&address, context).await,
        Command::Budget(command) => budget::run(command, context).await,
        Command::Devices(command) => devices::run(command, context).await,
        Command::Workers(arguments) => workers::run(arguments, context).await,
        Command::Tune(arguments) => tune::run(&arguments, context).await,
        Command::Audit(arguments) => audit::run(&arguments, context).await,
        Command::Link(arguments) => link::run(&arguments, context).await,
        Command::Completion { shell } => completion::run(shell, context),
        Command::Explain { code } => context.print(&explain::page(&code)?),
        Command::Config(command) => config::run(command, context),
        Command::Up(arguments) => up::run(arguments.into(), context).await,
        Command::Gateway(arguments) => up::run(arguments.into(), context).await,
        Command::Sim(arguments) => sim::run(&arguments, context).await,
    }
}
