//! Tenants' databases: opened when first needed, closed when idle.

use std::sync::Arc;
use std::time::Duration;

use domain::TenantSlug;
use moka::future::Cache;

use crate::error::{Error, Result};
use crate::location::Location;
use crate::transcript::Transcript;

/// How long a tenant's database stays open after its last use.
const IDLE: Duration = Duration::from_secs(60);
/// Databases that may be open at once; beyond it the one used longest ago is closed.
const OPEN: u64 = 256;

/// Opens and closes tenants' databases. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tenants {
    location: Arc<Location>,
    open: Cache<TenantSlug, Transcript>,
}

// === impl Tenants ===

impl Tenants {
    pub(crate) fn new(location: Location) -> Self {
        let open = Cache::builder().max_capacity(OPEN).time_to_idle(IDLE).build();
        Self { location: Arc::new(location), open }
    }

    /// The tenant's database, opened unless it is open. Callers that come together open it once.
    pub(crate) async fn open(&self, slug: &TenantSlug) -> Result<Transcript> {
        let opening = async { Ok(Transcript::new(self.location.open_tenant(slug).await?)) };
        self.open
            .try_get_with_by_ref(slug, opening)
            .await
            .map_err(|error: Arc<Error>| Arc::unwrap_or_clone(error))
    }

    /// A database closes with its last handle: the cache lets go of it here, a turn that still uses it
    /// keeps it until it is done.
    pub(crate) async fn close_idle(&self) {
        self.open.run_pending_tasks().await;
    }

    pub(crate) async fn close(&self) {
        for (_, transcript) in &self.open {
            transcript.close().await;
        }
        self.open.invalidate_all();
    }
}
