//! What the configuration says to the door, ready for use.
//!
//! Owns the settings that can change while the gateway runs; whoever made the listener has used the port
//! and the address already.

use std::sync::Arc;

use domain::Secret;
use serde::Serialize;

use crate::guard::Perimeter;

/// The settings that hold at one moment. The default lets nobody in.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The operator's token (`gateway.auth.token`, or the password in password mode). Blank: nobody is
    /// the operator.
    pub operator: Secret,
    /// Whether a client on this very machine is the operator without showing anything
    /// (`gateway.auth.mode: "none"`).
    pub open_on_this_machine: bool,
    /// By what names the gateway may be reached.
    pub perimeter: Arc<Perimeter>,
    /// Whether the page is served.
    pub page: bool,
    /// Whether `/v1/chat/completions` and `/v1/models` are served.
    pub chat_completions: bool,
    /// The model that answers.
    pub model: Model,
    /// Why the configuration file as it is now is not the one in use.
    pub problem: Option<String>,
}

/// The model that answers unless something else is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Its name, `provider/model`.
    pub primary: String,
    /// Whether it is the built-in simulator.
    pub simulated: bool,
}
