//! Tenants' databases: opened when first needed, closed when idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Clock, TenantSlug};
use moka::future::Cache;

use crate::alarm::Alarm;
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
    alarm: Alarm,
    clock: Arc<dyn Clock>,
    open: Cache<TenantSlug, Opened>,
}

/// An open database, and the moment of its last use in milliseconds since 1970.
#[derive(Clone)]
struct Opened {
    transcript: Transcript,
    used: Arc<AtomicI64>,
}

// === impl Tenants ===

impl Tenants {
    pub(crate) fn new(location: Location, alarm: Alarm, clock: Arc<dyn Clock>) -> Self {
        let open = Cache::builder().max_capacity(OPEN).build();
        Self { location: Arc::new(location), alarm, clock, open }
    }

    /// Makes a new tenant's database where that takes a while: whoever creates the tenant waits for it then,
    /// not the first one to write to it.
    pub(crate) async fn prepare(&self, slug: &TenantSlug) -> Result<()> {
        self.location.prepare_tenant(slug, &self.alarm).await.map_err(Error::while_running)
    }

    /// The tenant's database, opened unless it is open. Callers that come together open it once.
    pub(crate) async fn open(&self, slug: &TenantSlug) -> Result<Transcript> {
        let opening = async {
            let opened = self.location.open_tenant(slug, &self.alarm).await;
            let transcript = Transcript::new(opened.map_err(Error::while_running)?);
            Ok(Opened { transcript, used: Arc::default() })
        };
        let opened = self
            .open
            .try_get_with_by_ref(slug, opening)
            .await
            .map_err(|error: Arc<Error>| Arc::unwrap_or_clone(error))?;
        opened.used.store(self.clock.now().0, Ordering::Relaxed);
        Ok(opened.transcript)
    }

    /// A database closes with its last handle: the cache lets go of it here, a turn that still uses it
    /// keeps it until it is done.
    pub(crate) async fn close_idle(&self) {
        let longest_ago = self.clock.now().before(IDLE).0;
        for (slug, opened) in &self.open {
            if opened.used.load(Ordering::Relaxed) <= longest_ago {
                self.open.invalidate(slug.as_ref()).await;
            }
        }
        self.open.run_pending_tasks().await;
    }

    pub(crate) async fn close(&self) {
        for (_, opened) in &self.open {
            opened.transcript.close().await;
        }
        self.open.invalidate_all();
        self.open.run_pending_tasks().await;
    }
}
