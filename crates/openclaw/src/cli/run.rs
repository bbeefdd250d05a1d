//! Commands that start something and stay.

use clap::Args;

/// How to start everything.
#[derive(Debug, Clone, Default, Args)]
pub struct UpArgs {
    /// How to start the gateway in it.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Answer from the built-in simulator, also when there are provider keys.
    #[arg(long)]
    pub sim: bool,
}

/// How to start the gateway.
#[derive(Debug, Clone, Default, Args)]
pub struct GatewayArgs {
    /// Port to listen on instead of gateway.port; 0 takes any free one.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Where to listen instead of gateway.bind: loopback, lan, or an address of this machine.
    #[arg(long, value_name = "WHERE")]
    pub bind: Option<config::Bind>,
    /// Show debugging on the terminal, whatever logging.consoleLevel says.
    #[arg(long, short)]
    pub verbose: bool,
}

/// How to start the simulator.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// Port to listen on, on this machine only; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 18_790)]
    pub port: u16,
}
