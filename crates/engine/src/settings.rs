//! What of the engine may change while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::Workspace;
use domain::TenantSlug;
use domain::backoff::Backoff;
use domain::queue::QueuePolicy;
use llm::Models;

/// What may change while the engine runs. A turn keeps those it began with.
pub struct Settings {
    /// The models there are.
    pub models: Arc<Models>,
    /// The model that answers, where nothing else is said.
    pub model: String,
    /// The model that answers on an account.
    pub model_by_account: BTreeMap<String, String>,
    /// Whether answers come from the built-in simulator.
    pub simulated: bool,
    /// How waiting messages are treated, where nothing else is said.
    pub queue: QueuePolicy,
    /// How waiting messages are treated on an account.
    pub queue_by_account: BTreeMap<String, QueuePolicy>,
    /// Turns that may run at once.
    pub turns: usize,
    /// How long one turn may take.
    pub deadline: Duration,
    /// How messages whose turn failed are tried again, and when they are parked.
    pub retry: Backoff,
    /// The directory that holds one directory for each tenant.
    pub tenants: PathBuf,
}

// === impl Settings ===

impl Settings {
    /// How waiting messages of an account are treated.
    #[must_use]
    pub fn policy(&self, account: &str) -> QueuePolicy {
        self.queue_by_account.get(account).copied().unwrap_or(self.queue)
    }

    /// The model that answers on an account.
    #[must_use]
    pub fn model(&self, account: &str) -> &str {
        self.model_by_account.get(account).unwrap_or(&self.model)
    }

    /// A tenant's workspace.
    #[must_use]
    pub fn workspace(&self, tenant: &TenantSlug) -> Workspace {
        Workspace::at(self.tenants.join(tenant.as_str()).join("workspace"))
    }
}
