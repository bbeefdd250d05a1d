//! What of the engine may change while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use agent::Workspace;
use config::Config;
use config::settings::agents::ModelChoice;
use domain::backoff::Backoff;
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

/// How long a turn may take when nothing is configured: `workerTimeoutMs` of the platform.
const DEADLINE: Duration = Duration::from_secs(120);
/// Turns that run at once when nothing is configured: at least this many, or so many for each processor.
const TURNS: usize = 8;
const TURNS_PER_PROCESSOR: usize = 4;
/// Asked for once: under control groups the answer takes a dozen file reads, and the mailbox needs it for
/// every message.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

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

    /// Turns that may run at once.
    #[must_use]
    pub fn turns(&self) -> usize {
        match self.config.agents.defaults.max_concurrent {
            Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
            None => TURNS.max(TURNS_PER_PROCESSOR * *PROCESSORS),
        }
    }

    /// How long one turn may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.config.agents.defaults.timeout_seconds.map_or(DEADLINE, Duration::from_secs)
    }
}
