//! What the gateway is made of, and its beginning and end.
//!
//! Owns the wiring of the parts that are handed in; everything else in this crate borrows from here.

use std::net::SocketAddr;
use std::sync::Arc;

use bus::Bus;
use domain::{Clock, Ids, Intake, Pool, TenantSlug, Timestamp, Turns};
use metrics_exporter_prometheus::PrometheusHandle;
use store::Store;
use tokio::sync::watch;

use crate::access::{Access, Keeper};
use crate::guard::{Perimeter, Surroundings};
use crate::lease::Leases;
use crate::log_file::LogFiles;
use crate::settings::Settings;
use crate::task::{TaskKind, Tasks};
use crate::vitals::Vitals;
use crate::{Error, Limits, Listener, routes};

/// Looks how the providers of models are doing now.
pub type Providers = Arc<dyn Fn() -> Vec<llm::ProviderStanding> + Send + Sync>;

/// Everything that the gateway needs of the rest of the process.
pub struct Gateway {
    /// Tenants, devices, sessions, transcripts.
    pub store: Store,
    /// What happens, to be told to those who listen.
    pub bus: Bus,
    /// The one door for messages.
    pub intake: Arc<dyn Intake>,
    /// Shows and stops turns.
    pub turns: Arc<dyn Turns>,
    /// The workers.
    pub pool: Arc<dyn Pool>,
    /// Says how the providers of models are doing.
    pub providers: Providers,
    /// What the configuration says at this moment.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Unguessable bytes.
    pub ids: Arc<dyn Ids>,
    /// Renders the figures of the whole process.
    pub metrics: PrometheusHandle,
    /// Where the log is.
    pub logs: LogFiles,
    /// The version of the product.
    pub version: &'static str,
    /// The bounds.
    pub limits: Limits,
}

/// A gateway that is open.
pub struct OpenGateway {
    context: Context,
    addresses: Vec<SocketAddr>,
}

/// What every connection shares. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) gateway: Gateway,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) vitals: Vitals,
    pub(crate) tasks: Tasks,
    pub(crate) started: Timestamp,
}

/// The tenant that a fresh installation has.
const FIRST_TENANT: &str = "main";

// === impl Gateway ===

impl Gateway {
    /// Opens the door.
    #[must_use]
    pub fn open(self, listener: Listener) -> OpenGateway {
        crate::metrics::describe();
        let context = Context::new(self);
        let (leases, keeper) = (Arc::clone(&context.leases), Arc::clone(&context.keeper));
        let watch =
            leases.watch(keeper, context.gateway.settings.clone(), context.gateway.limits.clone());
        context.tasks.spawn(TaskKind::Leases, watch);
        let addresses = listener.addresses();
        let router = routes::router(context.clone());
        listener.serve(&router, &context.gateway.limits, &context.tasks);
        OpenGateway { context, addresses }
    }
}

// === impl OpenGateway ===

impl OpenGateway {
    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns when the gateway has stopped by itself because a part of it failed that it cannot do
    /// without.
    pub async fn failed(&self) {
        self.context.tasks.stopping().cancelled().await;
    }

    /// Closes the door: no new connections, requests in hand are finished, sockets are told `shutdown`
    /// and closed with 1001. Returns when all are gone, at the latest after [`Limits::stop`].
    pub async fn stop(self) {
        self.context.tasks.stop();
        self.context.tasks.finish(self.context.gateway.limits.stop).await;
    }
}

// === impl Context ===

impl Context {
    fn new(gateway: Gateway) -> Self {
        let keeper = Keeper::new(gateway.store.clone(), gateway.settings.clone(), &gateway.limits);
        Self(Arc::new(Parts {
            keeper: Arc::new(keeper),
            leases: Arc::default(),
            vitals: Vitals::default(),
            tasks: Tasks::default(),
            started: gateway.clock.now(),
            gateway,
        }))
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Surroundings for Context {
    fn perimeter(&self) -> Arc<Perimeter> {
        Arc::clone(&self.gateway.settings.borrow().perimeter)
    }

    fn limits(&self) -> &Limits {
        &self.gateway.limits
    }
}

// === impl Parts ===

impl Parts {
    /// The settings that hold now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.gateway.settings.borrow())
    }

    /// The tenant that is meant when none is named: the bearer's own; for the operator `main`, or the
    /// first there is.
    pub(crate) async fn first_tenant(&self, access: &Access) -> Result<TenantSlug, Error> {
        if let Some(own) = access.only_tenant() {
            return Ok(own.clone());
        }
        // Asked with every message, so the list of all tenants is the last resort.
        let store = &self.gateway.store;
        if let Ok(main) = FIRST_TENANT.parse()
            && store.tenant(&main).await?.is_some()
        {
            return Ok(main);
        }
        store.tenants().await?.into_iter().next().map(|tenant| tenant.slug).ok_or(Error::NoTenant)
    }
}
