//! What of the engine may change while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::Workspace;
use config::settings::agents::ModelChoice;
use config::{Config, ModelRef};
use domain::backoff::Backoff;
use domain::concurrency::{Concurrency, Priority};
use domain::queue::QueuePolicy;
use domain::{SessionKey, TenantSlug};
use llm::{Chain, Models, Retries};

/// What may change while the engine runs. A turn keeps those it began with.
#[derive(Clone)]
pub struct Settings {
    /// The configuration.
    pub config: Arc<Config>,
    /// The models there are.
    pub models: Arc<Models>,
    /// The model that answers where the configuration names none.
    pub model: String,
    /// Whether [`Self::model`] is the built-in simulator and answers everybody.
    pub simulated: bool,
    /// How messages whose turn failed are tried again, and when they are parked.
    pub retry: Backoff,
    /// The directory that holds one directory for each tenant.
    pub tenants: PathBuf,
    /// Workspaces that are elsewhere.
    pub workspaces: BTreeMap<TenantSlug, PathBuf>,
}

// === impl Settings ===

impl Settings {
    /// How waiting messages of an account are treated.
    #[must_use]
    pub fn policy(&self, account: &str) -> QueuePolicy {
        self.config.messages.queue.policy(account)
    }

    /// The models that answer in a session, the preferred one first: what is configured for its channel,
    /// which is a single one, else for its agent, else for all.
    #[must_use]
    pub fn chain(&self, session: &SessionKey) -> Chain {
        let defaults = &self.config.agents.defaults;
        let by_agent = || self.config.agents.agent(session.tenant.as_str())?.model.as_ref();
        let has_primary = |choice: &&ModelChoice| choice.primary().is_some();
        let choice = by_agent().filter(has_primary).or(defaults.model.as_ref());
        let usual = Retries::default();
        let retries = Retries {
            most: choice.and_then(ModelChoice::max_retries).unwrap_or(usual.most),
            delay: choice
                .and_then(ModelChoice::retry_delay_ms)
                .map_or(usual.delay, Duration::from_millis),
        };
        let name = |model: &ModelRef| defaults.resolve(model).as_str().to_owned();
        let alone = |primary| Chain { primary, fallbacks: Vec::new(), retries };
        if self.simulated {
            return alone(self.model.clone());
        }
        let by_channel =
            self.config.model_by_channel.model(&session.account, &session.conversation);
        if let Some(model) = by_channel {
            return alone(name(model));
        }
        let primary =
            choice.and_then(ModelChoice::primary).map_or_else(|| self.model.clone(), name);
        let fallbacks = choice.map(ModelChoice::fallbacks).unwrap_or_default();
        Chain { primary, fallbacks: fallbacks.iter().map(name).collect(), retries }
    }

    /// The model that answers in a session, unless another has to step in.
    #[must_use]
    pub fn model(&self, session: &SessionKey) -> String {
        self.chain(session).primary
    }

    /// A tenant's workspace.
    #[must_use]
    pub fn workspace(&self, tenant: &TenantSlug) -> Workspace {
        match self.workspaces.get(tenant) {
            Some(elsewhere) => Workspace::at(elsewhere),
            None => Workspace::at(self.tenants.join(tenant.as_str()).join("workspace")),
        }
    }

    /// How much runs at once, how much may wait, and when a worker is given up.
    #[must_use]
    pub fn concurrency(&self) -> Concurrency {
        self.config.concurrency.pool(&self.config.agents.defaults)
    }

    /// Which place an account's requests have.
    #[must_use]
    pub fn priority(&self, account: &str) -> Priority {
        self.config.concurrency.priority(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let config: Config = serde_json::from_str(text).unwrap();
        Settings {
            config: Arc::new(config),
            models: Arc::default(),
            model: "well/known".to_owned(),
            simulated: false,
            retry: Backoff::MESSAGE,
            tenants: PathBuf::new(),
            workspaces: BTreeMap::new(),
        }
    }

    fn chain(settings: &Settings, tenant: &str, account: &str) -> (Vec<String>, Retries) {
        let session = SessionKey::new(tenant.parse().unwrap(), account, "anna").unwrap();
        let Chain { primary, fallbacks, retries } = settings.chain(&session);
        (std::iter::once(primary).chain(fallbacks).collect(), retries)
    }

    #[test]
    fn a_chain_is_the_agents_else_everybodys_and_a_channels_model_stands_alone() {
        let settings = settings(
            r#"{
                "agents": {
                    "defaults": {
                        "model": {"primary": "a/x", "fallbacks": ["short", "c/z"], "maxRetries": 4},
                        "models": {"b/y": {"alias": "short"}}
                    },
                    "list": [
                        {"id": "acme", "model": {"primary": "d/w", "fallbacks": ["a/x"], "retryDelayMs": 50}},
                        {"id": "beta", "model": "e/v"}
                    ]
                },
                "modelByChannel": {"telegram": "f/u"}
            }"#,
        );
        let usual = Retries::default();
        let four = Retries { most: 4, ..usual };
        let quick = Retries { delay: Duration::from_millis(50), ..usual };
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(chain(&settings, "main", "web"), (names(&["a/x", "b/y", "c/z"]), four));
        assert_eq!(chain(&settings, "acme", "web"), (names(&["d/w", "a/x"]), quick));
        assert_eq!(chain(&settings, "beta", "web"), (names(&["e/v"]), usual));
        assert_eq!(chain(&settings, "main", "telegram").0, names(&["f/u"]));
        let simulated = Settings { simulated: true, ..settings };
        assert_eq!(chain(&simulated, "main", "telegram").0, names(&["well/known"]));
    }

    #[test]
    fn without_settings_the_known_model_answers() {
        assert_eq!(chain(&settings("{}"), "main", "web").0, ["well/known"]);
    }
}
