//! `openclaw completion`: the script that teaches a shell our commands.

use clap_complete::Shell;

use crate::cli;
use crate::context::Context;
use crate::error::Error;

/// Prints the script.
pub fn run(shell: Shell, context: &Context) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::tree(), "openclaw", &mut script);
    context.output.raw(&String::from_utf8_lossy(&script)).map_err(Error::Output)
}
