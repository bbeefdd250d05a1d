//! What the configuration says to the door, ready for use.
//!
//! Owns the settings that can change while the gateway runs; whoever made the listener has used the port
//! and the address already.

use std::sync::Arc;

use config::settings::gateway::{AuthMode, Gateway};
use domain::Secret;
use serde::Serialize;

use crate::guard::{Origin, Perimeter};

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

// === impl Settings ===

impl Settings {
    /// What the `gateway` section says, with what it does not: the model that answers, and why the file
    /// as it is now is not in use.
    #[must_use]
    pub fn new(section: &Gateway, model: Model, problem: Option<String>) -> Self {
        let secret = match section.auth.mode {
            AuthMode::Token => section.auth.token.clone(),
            AuthMode::Password => section.auth.password.clone(),
            AuthMode::None => None,
        };
        let origins = section.control_ui.allowed_origins.iter();
        let perimeter = Perimeter {
            origins: origins.filter_map(|origin| Origin::parse(origin.as_str())).collect(),
            proxies: section.trusted_proxies.clone(),
        };
        Self {
            operator: secret.unwrap_or_default(),
            open_on_this_machine: section.auth.mode == AuthMode::None,
            perimeter: Arc::new(perimeter),
            page: section.control_ui.enabled,
            chat_completions: section.http.endpoints.chat_completions.enabled,
            model,
            problem,
        }
    }
}
