//! `openclaw sim`: the built-in simulator of model providers, alone.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::Serialize;
use simulator::{Options, Simulator};

use crate::cli::SimArgs;
use crate::context::Context;
use crate::error::Error;
use crate::output::{Screen, Show};
use crate::signals::Signals;

/// Runs it until a signal ends it.
pub async fn run(arguments: &SimArgs, context: &Context) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let simulator = Simulator::start(Options { address, ..Options::default() }).await?;
    context.print(&Ready {
        event: "ready",
        openai_base_url: simulator.openai_base_url(),
        anthropic_base_url: simulator.anthropic_base_url(),
    })?;
    signals.next().await;
    tokio::select! {
        () = simulator.stop() => Ok(()),
        () = signals.next() => Err(Error::Interrupted),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    event: &'static str,
    openai_base_url: String,
    anthropic_base_url: String,
}

// === impl Ready ===

impl Show for Ready {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line("The simulator answers any key, on this machine only.")?;
        screen.fact("OpenAI", &self.openai_base_url)?;
        screen.fact("Anthropic", &self.anthropic_base_url)?;
        screen
            .line("The model's name says how it answers: `openclaw sim --help` lists the words.")?;
        screen.line(&screen.dim("Ctrl-C stops it."))
    }
}
