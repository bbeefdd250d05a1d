//! A running instance: every part, put together.
//!
//! The only place that knows how the parts of the product meet.

use std::net::SocketAddr;
use std::time::Duration;

use domain::tenant::Tier;
use domain::{Secret, TenantSlug};
use store::Store;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::installation::Installation;
use crate::logging::Levels;
use crate::reload;
use crate::up::Plan;

/// How long the link that is printed at the start can be opened.
const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The model that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name, `provider/model`.
    pub name: String,
    /// Whether it is the built-in simulator.
    pub simulated: bool,
}

/// A running instance.
pub struct Instance {
    store: Store,
    address: SocketAddr,
    link: Secret,
    model: Model,
    _tasks: JoinSet<()>,
}

// === impl Instance ===

impl Instance {
    /// Puts everything together and starts it.
    ///
    /// # Errors
    /// Why a part could not start.
    pub async fn start(
        installation: &Installation,
        plan: &Plan,
        levels: Levels,
    ) -> Result<Self, Error> {
        let store = installation.store().await?;
        create_first_tenant(installation, &store).await?;
        let link = store.create_link(LINK_LIFETIME).await?;
        let gateway = &installation.config().gateway;
        let address = SocketAddr::new(gateway.address(), plan.port.unwrap_or(gateway.port));
        let model = Model { name: "simulator/echo".to_owned(), simulated: true };
        let tasks = reload::start(installation, levels, plan.verbose);
        Ok(Self { store, address, link, model, _tasks: tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The code that lets one visitor in.
    #[must_use]
    pub fn link(&self) -> &Secret {
        &self.link
    }

    /// The model that answers.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns when the instance cannot go on.
    pub async fn failed(&self) -> Error {
        self.store.disk_failed().await;
        store::Error::Disk { action: "committing" }.into()
    }

    /// Finishes or parks what runs, says goodbye to everybody, and closes everything.
    pub async fn stop(self) {
        self.store.close().await;
    }
}

/// A fresh installation has one tenant, so that there is somebody to talk to.
async fn create_first_tenant(installation: &Installation, store: &Store) -> Result<(), Error> {
    if store.tenants().await?.is_empty() {
        let name: TenantSlug = "main".parse()?;
        store.create_tenant(&name, Tier::Admin).await?;
        installation.workspace(&name).create()?;
    }
    Ok(())
}
