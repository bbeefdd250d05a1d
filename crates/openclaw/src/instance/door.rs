//! What the configuration says to the gateway.

use std::sync::Arc;

use config::settings::gateway::AuthMode;
use config::{Config, Standing};
use domain::Secret;
use gateway::guard::{Origin, Perimeter};
use gateway::{Limits, Settings};

use super::Model;

/// The settings that may change while it runs.
pub fn settings(config: &Config, model: &Model, standing: &Standing) -> Settings {
    let gateway = &config.gateway;
    let origins = gateway.control_ui.allowed_origins.iter();
    let proxies = gateway.trusted_proxies.iter();
    Settings {
        operator: operator(config).1.clone().unwrap_or_default(),
        open_on_this_machine: is_open(config),
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

/// Says what is amiss when no credential is the operator's.
pub fn warn_without_operator(config: &Config) {
    if let Some(setting) = operator_lacks(config) {
        tracing::warn!(
            "nobody is the operator, because {setting} is not set: programs such as `openclaw agent` are \
             refused, and only a link lets a browser in. Set it: openclaw config set {setting} VALUE"
        );
    }
}

/// The setting without which nobody is the operator, when it says nothing.
fn operator_lacks(config: &Config) -> Option<&'static str> {
    let (setting, credential) = operator(config);
    let known = credential.as_ref().is_some_and(|credential| !credential.is_blank());
    (!known && !is_open(config)).then_some(setting)
}

/// Where the operator's credential is set, and what it is.
fn operator(config: &Config) -> (&'static str, &Option<Secret>) {
    let auth = &config.gateway.auth;
    match auth.mode {
        AuthMode::Token | AuthMode::None => ("gateway.auth.token", &auth.token),
        AuthMode::Password => ("gateway.auth.password", &auth.password),
    }
}

/// Whether whoever is on this machine is the operator without showing anything.
fn is_open(config: &Config) -> bool {
    config.gateway.auth.mode == AuthMode::None && config.gateway.address().is_loopback()
}

/// The bounds; the defaults where the configuration says nothing.
pub fn limits(config: &Config) -> Limits {
    let rate = &config.gateway.auth.rate_limit;
    Limits {
        failures: rate.max_attempts,
        failure_window: std::time::Duration::from_millis(rate.window_ms),
        lockout: std::time::Duration::from_millis(rate.lockout_ms),
        exempt_loopback: rate.exempt_loopback,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_credential_lacks_the_one_of_the_mode() {
        let mut config = Config::default();
        assert_eq!(operator_lacks(&config), Some("gateway.auth.token"));
        config.gateway.auth.token = Some(Secret::new("  "));
        assert_eq!(operator_lacks(&config), Some("gateway.auth.token"));
        config.gateway.auth.token = Some(Secret::new("t"));
        assert_eq!(operator_lacks(&config), None);
        config.gateway.auth.mode = AuthMode::Password;
        assert_eq!(operator_lacks(&config), Some("gateway.auth.password"));
        config.gateway.auth.mode = AuthMode::None;
        config.gateway.auth.token = None;
        assert_eq!(operator_lacks(&config), None);
        config.gateway.bind = config::Bind::Lan;
        assert_eq!(operator_lacks(&config), Some("gateway.auth.token"));
    }
}
