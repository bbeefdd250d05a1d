//! Commands that ask the running gateway about its pool.

use clap::{Args, Subcommand};

use super::AddressArgs;

/// What to do with workers; nothing said lists them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct WorkersArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<WorkersCommand>,
    /// Where the gateway is.
    #[command(flatten)]
    pub address: AddressArgs,
}

/// What to do with workers.
#[derive(Debug, Subcommand)]
pub enum WorkersCommand {
    /// List the workers, what each does, and how full the pool is.
    List {
        /// Where the gateway is.
        #[command(flatten)]
        address: AddressArgs,
    },
    /// Let a worker run its turn to the end and put a new one in its place.
    Recycle {
        /// Its name, for example worker-1.
        id: String,
        /// Where the gateway is.
        #[command(flatten)]
        address: AddressArgs,
    },
}
