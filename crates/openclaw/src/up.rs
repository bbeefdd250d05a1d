//! `openclaw up` and `openclaw gateway`: from a command line to a running instance, and to its end.
//!
//! Owns the order of things; what an instance is made of stands in [`crate::instance`].

mod ready;

use std::sync::Arc;

use config::Bind;

use crate::cli::{GatewayArgs, UpArgs};
use crate::clock::SystemClock;
use crate::context::Context;
use crate::error::Error;
use crate::installation::{Installation, url_of};
use crate::instance::Instance;
use crate::logging;
use crate::signals::Signals;

use ready::{Ready, Stopping};

/// What to start, where the command line says something else than the configuration.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Port instead of `gateway.port`; 0 takes any free one.
    pub port: Option<u16>,
    /// Where to listen instead of `gateway.bind`.
    pub bind: Option<Bind>,
    /// Show debugging on the terminal.
    pub verbose: bool,
    /// Who answers.
    pub answers: Answers,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// The configured providers; the built-in simulator when there is no key for any.
    #[default]
    WhoeverCan,
    /// The configured providers alone.
    Providers,
    /// The built-in simulator alone.
    Simulator,
}

/// Runs until a signal or a failure ends it. SIGTERM and Ctrl-C let every turn finish or park; a second
/// one ends at once.
///
/// # Errors
/// Why it could not start, or why it could not go on.
pub async fn run(plan: Plan, context: &Context) -> Result<(), Error> {
    install_cryptography();
    let mut signals = Signals::listen()?;
    let installation = Installation::find_or_begin()?;
    let settings = installation.log_settings(plan.verbose);
    let logging = logging::start(&settings, Arc::new(SystemClock))?;
    let instance = tokio::select! {
        instance = Instance::start(&installation, &plan, logging.levels()) => instance?,
        () = signals.next() => return Ok(()),
    };
    logging::describe_metrics();
    let ready = Ready::new(&url_of(instance.address()), instance.link(), instance.model());
    context.print(&ready)?;
    tracing::info!(url = ready.url(), model = instance.model().name, "ready");
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        error = instance.failed() => Err(error),
    };
    match &ended {
        Ok(()) => tracing::info!("stopping"),
        Err(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(fatal = true, error, "stopping");
        }
    }
    context.print(&Stopping::new())?;
    tokio::select! {
        () = instance.stop() => ended,
        () = signals.next() => Err(Error::Interrupted),
    }
}

/// Chooses the one cryptographic library for every TLS connection of the process.
pub fn install_cryptography() {
    // It fails only when the choice has been made already, which makes no difference.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

// === impl Plan ===

impl From<UpArgs> for Plan {
    fn from(arguments: UpArgs) -> Self {
        let answers = if arguments.sim { Answers::Simulator } else { Answers::WhoeverCan };
        Self { answers, ..Self::from(arguments.gateway) }
    }
}

impl From<GatewayArgs> for Plan {
    fn from(arguments: GatewayArgs) -> Self {
        let GatewayArgs { port, bind, verbose } = arguments;
        Self { port, bind, verbose, answers: Answers::Providers }
    }
}
