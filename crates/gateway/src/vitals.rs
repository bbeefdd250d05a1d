//! Whether the gateway is well.
//!
//! Owns the honest answer: well means that the store can be read and a transaction committed now. Refuses
//! to commit one for every stranger who asks; an answer holds for half a second.

use std::time::Duration;

use domain::concurrency::ConcurrencyMetrics;
use domain::{Coded, TenantSlug, Timestamp};
use serde::Serialize;
use store::{EngineKind, Store};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::gateway::Parts;
use crate::settings::Model;

/// Remembers the last look at the store.
#[derive(Debug, Default)]
pub struct Vitals {
    last: Mutex<Option<(Instant, Result<(), &'static str>)>>,
}

/// How it is, for somebody who may know.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether everything is well.
    pub ok: bool,
    /// When this was found out.
    pub ts: Timestamp,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// The version of the product.
    pub version: &'static str,
    /// The database.
    pub store: StoreHealth,
    /// The model that answers.
    pub model: Model,
    /// Messages on their way.
    pub turns: TurnCounts,
    /// The pool; only an operator sees how busy others are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<ConcurrencyMetrics>,
    /// Messages that need a person.
    pub inbox: InboxCounts,
    /// The configuration file.
    pub config: ConfigHealth,
}

/// How the database is.
#[derive(Debug, Clone, Serialize)]
pub struct StoreHealth {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// Whether it commits.
    pub ok: bool,
    /// The stable code of why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// Messages on their way.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TurnCounts {
    /// Being answered.
    pub running: u64,
    /// Waiting for their turn.
    pub waiting: u64,
}

/// Messages that need a person.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InboxCounts {
    /// Failed too often.
    pub parked: u64,
}

/// How the configuration file is.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigHealth {
    /// Whether the file as it is now is the one in use.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How long an answer holds.
const FRESH: Duration = Duration::from_millis(500);

/// How long a healthy database takes at most.
const PATIENCE: Duration = Duration::from_secs(1);

// === impl Vitals ===

impl Vitals {
    /// Whether the store reads and commits; otherwise the stable code of why not.
    ///
    /// # Errors
    /// That code.
    pub async fn store(&self, store: &Store) -> Result<(), &'static str> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = *last
            && at.elapsed() < FRESH
        {
            return found;
        }
        let both = async { tokio::try_join!(store.ping(), store.counts(None)) };
        let found = match timeout(PATIENCE, both).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.code()),
            Err(_) => Err("store-slow"),
        };
        *last = Some((Instant::now(), found));
        found
    }
}

// === impl Health ===

impl Health {
    /// Looks, for one tenant or for all.
    pub(crate) async fn look(parts: &Parts, tenant: Option<&TenantSlug>) -> Self {
        let gateway = &parts.gateway;
        let settings = parts.settings();
        let found = parts.vitals.store(&gateway.store).await;
        // What cannot be counted is not there to be shown; `store.ok` says why.
        let counts = gateway.store.counts(tenant).await.unwrap_or_default();
        let now = gateway.clock.now();
        let uptime = now.since(parts.started).as_millis();
        // A file that only the operator can see is only the operator's to mend.
        let problem = settings.problem.clone().filter(|_| tenant.is_none());
        Self {
            ok: found.is_ok(),
            ts: now,
            uptime_ms: u64::try_from(uptime).unwrap_or(u64::MAX),
            version: gateway.version,
            store: StoreHealth {
                engine: match gateway.store.engine() {
                    EngineKind::Sqlite => "sqlite",
                    EngineKind::Postgres => "postgres",
                },
                ok: found.is_ok(),
                code: found.err(),
            },
            model: settings.model.clone(),
            turns: TurnCounts { running: counts.running, waiting: counts.waiting },
            concurrency: tenant.is_none().then(|| gateway.pool.metrics()),
            inbox: InboxCounts { parked: counts.parked },
            config: ConfigHealth { ok: problem.is_none(), problem },
        }
    }
}
