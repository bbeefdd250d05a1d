//! The way from a request to an answer that has begun: which models are asked, in which order, how often.
//!
//! Owns retries and fallbacks. Refuses to switch in the middle of an answer: once the first word is there, what
//! goes wrong comes through the stream.

mod attempt;
mod opened;
mod step;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use domain::{Pulse, TenantSlug};
use tokio::time::Instant;

use crate::gate::Gate;
use crate::{Capability, Error, ModelSettings, Observer, Provider, Request};
pub use opened::Opened;
pub use step::Retries;
use walk::Walk;

/// Where a request goes: the models to ask, the preferred one first. There is at least one.
#[derive(Clone)]
pub struct Route {
    pub(crate) hops: Vec<Hop>,
    pub(crate) retries: Retries,
    /// Models that were to step in and are not there, and why.
    pub(crate) missing: Vec<(String, String)>,
}

/// One place that a request can go to.
#[derive(Clone)]
pub struct Hop {
    /// Who answers.
    pub provider: Arc<dyn Provider>,
    /// The model's id there; it goes into [`crate::Request::model`].
    pub model: String,
    /// Most tokens of an answer of this model, where that is configured.
    pub max_output: Option<u64>,
    pub(crate) settings: ModelSettings,
    pub(crate) gate: Arc<Gate>,
}

/// A request on its way.
#[derive(Clone)]
pub struct Ask {
    /// What is asked. Its model and, where it has none, its most tokens are those of the model that answers.
    pub request: Request,
    /// For whom; tenants share a provider's limits fairly.
    pub tenant: TenantSlug,
    /// How much more than others the tenant gets where all of them wait; at least one.
    pub weight: u32,
    /// When an answer that has not begun is no longer any use.
    pub deadline: Instant,
    /// What the model must be able to do, besides what the request shows.
    pub requires: BTreeSet<Capability>,
    /// Hears that something moves while the request waits.
    pub pulse: Arc<dyn Pulse>,
    /// Something random, from which delays are made.
    pub seed: u64,
}

// === impl Route ===

impl Route {
    /// The places, the preferred one first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// Asks the models in turn until one has begun to answer. Dropping the future or what it returns lets
    /// go of everything: places in queues, permits, connections.
    ///
    /// What may pass is tried elsewhere at once where there is somewhere else, and again after a delay where
    /// there is not; `docs/errors` says of each failure what it is.
    ///
    /// # Errors
    /// What the one model said, [`Error::AllFailed`] when there were several.
    pub async fn open(&self, ask: Ask, observer: Arc<dyn Observer>) -> Result<Opened, Error> {
        Walk::new(self, ask, observer).walk().await
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.hops).finish()
    }
}

// === impl Hop ===

impl Hop {
    /// Its name, `provider/model`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id(), self.model)
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
