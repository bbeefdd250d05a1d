//! The binary `openclaw`: reads the command line, does what it says, and ends the process.
//!
//! Only [`main`] ends the process; everything below returns an [`error::Error`].

mod cli;
mod client;
mod clock;
mod commands;
mod context;
mod error;
mod exit;
mod explain;
mod installation;
mod instance;
mod logging;
mod output;
mod reload;
mod signals;
mod up;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use cli::{Command, CommandLine};
use context::Context;
use error::Error;
use exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    logging::panic::report_to_terminal();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let CommandLine { command, .. } = match cli::parse(arguments) {
        Ok(line) => line,
        Err(error) => return output::tell_usage(&error, json).into(),
    };
    let done = catch_unwind(AssertUnwindSafe(|| run(command, json))).unwrap_or(Err(Error::Panic));
    match done {
        Ok(()) => Exit::Ok.into(),
        Err(error) if error.is_reader_gone() => Exit::Ok.into(),
        Err(error) => {
            output::tell(&error, json);
            error.exit().into()
        }
    }
}

/// Runs the command on a runtime of the size it needs: short commands get by without threads.
fn run(command: Command, json: bool) -> Result<(), Error> {
    let mut runtime = if command.serves() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(commands::run(command, &Context::new(json)))
}
