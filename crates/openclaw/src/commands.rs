//! What each command does. One file per command; this one only says which.

mod completion;

use crate::cli::Command;
use crate::context::Context;
use crate::error::Error;
use crate::explain;

/// Does what the command line says.
///
/// # Errors
/// Whatever went wrong, ready to be told.
pub async fn run(command: Command, context: &Context) -> Result<(), Error> {
    match command {
        Command::Completion { shell } => completion::run(shell, context),
        Command::Explain { code } => context.print(&explain::page(&code)?),
        _ => todo!(),
    }
}
