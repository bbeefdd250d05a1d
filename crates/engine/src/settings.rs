//! What of the engine may change while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use agent::Workspace;
use config::Config;
use config::settings::agents::ModelChoice;
use domain::backoff::Backoff;
use domain::concurrency::{Concurrency, Priority};
use domain::queue::QueuePolicy;
use domain::{SessionKey, TenantSlug};
use llm::Models;

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

    /// The model that answers in a session: what is configured for its channel, else for its agent, else
    /// for all.
    #[must_use]
    pub fn model(&self, session: &SessionKey) -> String {
        if self.simulated {
            return self.model.clone();
        }
        let agents = &self.config.agents;
        let by_channel =
            || self.config.model_by_channel.model(&session.account, &session.conversation);
        let by_agent = || agents.agent(session.tenant.as_str())?.model.as_ref()?.primary();
        let by_default = || agents.defaults.model.as_ref().and_then(ModelChoice::primary);
        by_channel().or_else(by_agent).or_else(by_default).map_or_else(
            || self.model.clone(),
            |model| agents.defaults.resolve(model).as_str().to_owned(),
        )
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
