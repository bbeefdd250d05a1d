//! What the configuration says to the gateway.

use std::sync::Arc;

use config::settings::gateway::AuthMode;
use config::{Config, Standing};
use gateway::guard::{Origin, Perimeter};
use gateway::{Limits, Settings};

use super::Model;

/// The settings that may change while it runs.
pub fn settings(config: &Config, model: &Model, standing: &Standing) -> Settings {
    let gateway = &config.gateway;
    let auth = &gateway.auth;
    let operator = match auth.mode {
        AuthMode::Token | AuthMode::None => auth.token.clone(),
        AuthMode::Password => auth.password.clone(),
    };
    let origins = gateway.control_ui.allowed_origins.iter();
    let proxies = gateway.trusted_proxies.iter();
    Settings {
        operator: operator.unwrap_or_default(),
        open_on_this_machine: auth.mode == AuthMode::None && gateway.address().is_loopback(),
        perimeter: Arc::new(Perimeter {
            origins: origins.filter_map(|origin| Origin::parse(origin.as_str())).collect(),
            proxies: proxies.filter_map(|network| network.to_string().parse().ok()).collect(),
        }),
        page: gateway.control_ui.enabled,
        chat_completions: gateway.http.endpoints.chat_completions.enabled,
        model: gateway::Model { primary: model.name.clone(), simulated: model.simulated },
        problem: standing.problem.as_ref().map(ToString::to_string),
    }
}

/// The bounds; the defaults where the configuration says nothing.
pub fn limits(config: &Config) -> Limits {
    let rate = &config.gateway.auth.rate_limit;
    Limits {
        failures: rate.max_attempts,
        failure_window: std::time::Duration::from_millis(rate.window_ms),
        lockout: std::time::Duration::from_millis(rate.lockout_ms),
        ..Limits::default()
    }
}
