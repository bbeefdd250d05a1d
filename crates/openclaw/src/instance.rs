//! A running instance: every part, put together.
//!
//! The only place that knows how the parts of the product meet.

mod brain;
mod door;
mod figures;
mod identity;

#[cfg(test)]
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use channels::Live;
use config::{Config, Standing, Watch};
use domain::tenant::Tier;
use domain::{Secret, TenantSlug};
use engine::Engine;
use gateway::{Gateway, Listener, OpenGateway};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::{SystemClock, SystemIds};
use crate::error::Error;
use crate::installation::Installation;
use crate::logging::Levels;
use crate::reload;
use crate::up::Plan;
use brain::Brain;
use figures::Figures;
use identity::Identity;

/// How long the link that is printed at the start can be opened.
const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The tenant that a fresh installation has.
const FIRST_TENANT: &str = "main";
/// How long running turns may take to finish when the process is asked to stop.
const GRACE: Duration = Duration::from_secs(15);
/// How often figures that were recorded are summed up.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

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
    engine: Engine,
    gateway: OpenGateway,
    link: Secret,
    model: Model,
    tasks: JoinSet<()>,
    _identity: Identity,
}

/// What follows from the configuration, again after every change of it.
struct Follower {
    brain: Brain,
    model: Model,
    engine: watch::Sender<Arc<engine::Settings>>,
    gateway: watch::Sender<Arc<gateway::Settings>>,
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
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
        raise_descriptor_limit();
        let metrics = install_metrics()?;
        let identity = Identity::take(&installation.paths.state, clock.as_ref(), ids.as_ref())?;
        let figures = Figures::new(&installation.paths.state);
        let listener = listener(installation.config(), plan)?;
        let bus = Bus::default();
        let store = Store::open(installation.location()?, clock.clone(), ids.clone()).await?;
        let store = store.witnessed_by(Arc::new(bus.clone()));
        create_first_tenant(installation, &store).await?;
        let link = store.create_link(LINK_LIFETIME).await?;

        let watch =
            Watch::new(installation.paths.clone(), installation.env.clone(), &installation.loaded);
        let mut brain =
            Brain::new(installation.env.clone(), &installation.paths.state, plan.answers)?;
        let settings = brain.settings(Arc::new(installation.config().clone())).await?;
        let model = Model::of(&settings);
        door::warn_without_operator(installation.config());
        let door = door::settings(installation.config(), &model, &watch.standing().borrow());
        let (engine_settings, for_engine) = watch::channel(Arc::new(settings));
        let (gateway_settings, for_gateway) = watch::channel(Arc::new(door));

        let engine = Engine::start(engine::Parts {
            store: store.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            channels: vec![Arc::new(Live::web(bus.clone())), Arc::new(Live::api(bus.clone()))],
            settings: for_engine,
            instance: identity.id(),
        })
        .await?;
        let (looked_at, published) = (engine_settings.subscribe(), engine_settings.subscribe());
        let gateway = Gateway {
            store: store.clone(),
            bus,
            intake: engine.intake(),
            turns: Arc::new(engine.clone()),
            pool: Arc::new(engine.clone()),
            providers: Arc::new(move || looked_at.borrow().models.providers()),
            settings: for_gateway,
            clock,
            ids,
            metrics: metrics.clone(),
            logs: installation.log_files(),
            version: env!("CARGO_PKG_VERSION"),
            limits: door::limits(installation.config()),
        }
        .open(listener);

        let mut tasks = reload::start(&watch, levels, plan.verbose);
        let follower = Follower {
            brain,
            model: model.clone(),
            engine: engine_settings,
            gateway: gateway_settings,
        };
        tasks.spawn(follower.follow(watch.config(), watch.standing()));
        tasks.spawn(watch.run());
        tasks.spawn(sum_up(metrics, figures, published));
        Ok(Self { store, engine, gateway, link, model, tasks, _identity: identity })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        self.gateway.addresses().first().copied().unwrap_or(unknown)
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
        tokio::select! {
            () = self.store.disk_failed() => store::Error::Disk { action: "committing" }.into(),
            () = self.gateway.failed() => Error::GatewayFailed,
        }
    }

    /// Finishes or gives back what runs, says goodbye to everybody, and closes everything.
    pub async fn stop(mut self) {
        let ((), ()) = tokio::join!(self.engine.stop(GRACE), self.gateway.stop());
        self.tasks.shutdown().await;
        self.store.close().await;
    }
}

// === impl Follower ===

impl Follower {
    /// Follows the configuration. What cannot be used changes nothing and is told in the log.
    async fn follow(
        mut self,
        mut config: watch::Receiver<Arc<Config>>,
        mut standing: watch::Receiver<Standing>,
    ) {
        loop {
            tokio::select! {
                changed = config.changed() => if changed.is_err() { return },
                changed = standing.changed() => if changed.is_err() { return },
            }
            let current = config.borrow_and_update().clone();
            let stands = standing.borrow_and_update().clone();
            match self.brain.settings(Arc::clone(&current)).await {
                Ok(settings) => {
                    self.model = Model::of(&settings);
                    self.engine.send_replace(Arc::new(settings));
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(
                        error,
                        "the configured models cannot be used; those before go on"
                    );
                }
            }
            // Also when the models cannot be used: a token that was replaced must be worth nothing.
            self.gateway.send_replace(Arc::new(door::settings(&current, &self.model, &stands)));
        }
    }
}

fn listener(config: &Config, plan: &Plan) -> Result<Listener, Error> {
    let gateway = &config.gateway;
    let bind = match plan.bind.unwrap_or(gateway.bind) {
        config::Bind::Loopback => gateway::Bind::Loopback,
        config::Bind::Lan => gateway::Bind::Lan,
        config::Bind::Address(address) => gateway::Bind::Address(address),
        config::Bind::Custom => gateway::Bind::Address(gateway.address()),
    };
    Ok(Listener::bind(bind, plan.port.unwrap_or(gateway.port))?)
}

/// A fresh installation has one tenant, so that there is somebody to talk to.
async fn create_first_tenant(installation: &Installation, store: &Store) -> Result<(), Error> {
    if store.tenants().await?.is_empty() {
        let name: TenantSlug = FIRST_TENANT.parse()?;
        match store.create_tenant(&name, Tier::Admin).await {
            Ok(_) => installation.workspace(&name).create()?,
            // All tenants were deleted, this one too: whoever did that creates the next one.
            Err(store::Error::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Ten thousand sockets need ten thousand descriptors; most systems allow them but only when asked.
fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

fn install_metrics() -> Result<PrometheusHandle, Error> {
    const SECONDS: &[f64] = &[
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
        120.0,
    ];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|source| Error::Metrics(Box::new(source)))
}

async fn sum_up(
    metrics: PrometheusHandle,
    figures: Figures,
    settings: watch::Receiver<Arc<engine::Settings>>,
) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        figures.refresh();
        metrics.run_upkeep();
        let models = Arc::clone(&settings.borrow().models);
        models.publish();
    }
}
