//! One engine with a simulated model, and words for what tests do with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Subscription, Topic};
use channels::Live;
use config::Config;
use config::settings::agents::{ModelChain, ModelChoice};
use config::settings::messages::Mode;
use domain::backoff::Backoff;
use domain::tenant::Tier;
use domain::{
    Channel, EventBody, Inbound, MessageId, Occurrence, PlatformEvent, RunId, SessionKey, Verdict,
};
use egress::Egress;
use engine::{Engine, Parts, Settings};
use llm::{Api as Wire, Models, ProviderSettings};
use simulator::Simulator;
use store::{Line, Store};
use testkit::World;
use tokio::sync::watch;
use uuid::Uuid;

/// An engine at work.
pub struct Scene {
    pub engine: Engine,
    pub store: Store,
    pub bus: Bus,
    pub simulator: Simulator,
    pub settings: watch::Sender<Arc<Settings>>,
    events: Subscription,
    platform: Subscription<PlatformEvent>,
}

/// How long a test waits for what must come. Only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

// === impl Scene ===

impl Scene {
    /// An engine whose tenant `main` is answered by this simulated model.
    pub async fn new(world: &World, model: &str) -> Self {
        world.clock.let_run();
        world.tenant("main").await;
        let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
        Self::on(world, world.store.clone(), simulator, model).await
    }

    /// The same with other settings. The tenant `main` is the operator's own, so that nothing but the whole
    /// pool limits it.
    pub async fn tuned(world: &World, model: &str, tune: impl FnOnce(&mut Config)) -> Self {
        world.clock.let_run();
        let main = "main".parse().unwrap();
        world.store.create_tenant(&main, Tier::Admin).await.unwrap();
        let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
        let bus = Bus::default();
        let channels = live(&bus);
        Self::begin(world, world.store.clone(), simulator, model, (bus, channels), tune).await
    }

    /// The same on a store and with a simulator that are there.
    pub async fn on(world: &World, store: Store, simulator: Simulator, model: &str) -> Self {
        let bus = Bus::default();
        let channels = live(&bus);
        Self::with(world, store, simulator, model, bus, channels).await
    }

    /// The same with these ways out.
    pub async fn with(
        world: &World,
        store: Store,
        simulator: Simulator,
        model: &str,
        bus: Bus,
        channels: Vec<Arc<dyn Channel>>,
    ) -> Self {
        Self::begin(world, store, simulator, model, (bus, channels), |_| {}).await
    }

    async fn begin(
        world: &World,
        store: Store,
        simulator: Simulator,
        model: &str,
        (bus, channels): (Bus, Vec<Arc<dyn Channel>>),
        tune: impl FnOnce(&mut Config),
    ) -> Self {
        let provider = ProviderSettings {
            id: "simulator".to_owned(),
            base_url: simulator.openai_base_url(),
            api: Wire::OpenAi,
            key: None,
            headers: Vec::new(),
            timeouts: llm::Timeouts::default(),
            limits: llm::Limits::default(),
            models: Vec::new(),
        };
        let egress = Egress::new(egress::Options::default()).unwrap();
        let quick = Duration::from_millis(5);
        let mut config = Config::default();
        config.messages.queue.debounce_ms = Some(0);
        config.agents.defaults.max_concurrent = Some(16);
        config.agents.defaults.model = Some(ModelChoice::Chain(ModelChain {
            // What is tried again here is tried again by the engine.
            max_retries: Some(0),
            ..ModelChain::default()
        }));
        tune(&mut config);
        let settings = Settings {
            config: Arc::new(config),
            models: Arc::new(Models::new(vec![provider], &egress).unwrap()),
            model: format!("simulator/{model}"),
            simulated: true,
            retry: Backoff { first: quick, longest: quick, attempts: 5 },
            tenants: world.directory().join("tenants"),
            workspaces: BTreeMap::new(),
        };
        let (sender, settings) = watch::channel(Arc::new(settings));
        let store = store.witnessed_by(Arc::new(bus.clone()));
        let (events, platform) = (bus.subscribe(Topic::All), bus.subscribe_all());
        let parts = Parts {
            store: store.clone(),
            bus: bus.clone(),
            clock: world.clock.clone(),
            ids: world.ids.clone(),
            channels,
            settings,
            instance: Uuid::from_u128(7),
        };
        let engine = Engine::start(parts).await.unwrap();
        Self { engine, store, bus, simulator, settings: sender, events, platform }
    }

    /// Changes settings while the engine runs.
    pub fn change(&self, model: Option<&str>, mode: Mode) {
        self.tune(model, |config| config.messages.queue.mode = mode);
    }

    /// Changes any settings, and the model.
    pub fn tune(&self, model: Option<&str>, tune: impl FnOnce(&mut Config)) {
        self.settings.send_modify(|settings| {
            let mut changed = Settings::clone(settings);
            let mut config = Config::clone(&changed.config);
            tune(&mut config);
            changed.config = Arc::new(config);
            if let Some(model) = model {
                changed.model = format!("simulator/{model}");
            }
            *settings = Arc::new(changed);
        });
    }

    /// Says something in a conversation.
    pub async fn say(&self, conversation: &str, run: &str, text: &str) -> Verdict {
        self.say_in(key(conversation), run, text).await
    }

    /// Says something in any session.
    pub async fn say_in(&self, session: SessionKey, run: &str, text: &str) -> Verdict {
        let inbound = Inbound {
            session,
            peer: "anna".to_owned(),
            run: RunId(run.to_owned()),
            text: text.to_owned(),
            context: Vec::new(),
            debounce: None,
        };
        self.engine.intake().offer(inbound).await
    }

    /// Says something that must be taken.
    pub async fn tell(&self, conversation: &str, run: &str, text: &str) -> MessageId {
        match self.say(conversation, run, text).await {
            Verdict::Admitted { message, .. } => message,
            Verdict::Refused(refusal) => panic!("{refusal}"),
        }
    }

    /// Waits for the first event that `pick` makes something of.
    pub async fn until<T>(&mut self, mut pick: impl FnMut(&EventBody) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.next().await.unwrap();
                if let Some(found) = pick(&event.body) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap()
    }

    /// Waits for the first event of the platform that `pick` makes something of.
    pub async fn until_told<T>(&mut self, mut pick: impl FnMut(&Occurrence) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.platform.next().await.unwrap();
                if let Some(found) = pick(&event.what) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap()
    }

    /// Waits until the model is asked by so many at once.
    pub async fn asked(&self, running: u64) {
        let journal = self.simulator.journal();
        let there = journal.wait_for(|journal| journal.counts().running == running);
        tokio::time::timeout(PATIENCE, there).await.unwrap();
    }

    /// Waits until so many more requests of the pool were answered.
    pub async fn answered(&mut self, mut count: usize) {
        while count > 0 {
            self.until_told(|told| {
                matches!(told, Occurrence::RequestCompleted { success: true, .. }).then_some(())
            })
            .await;
            count -= 1;
        }
    }

    /// Waits until every turn that runs is written down to its end. Nothing begins after it.
    pub async fn stop(&self) {
        self.engine.stop(PATIENCE).await;
    }

    /// Waits for the answer to a run, also when another run of the same turn carries it.
    pub async fn answer(&mut self, wanted: &str) -> String {
        self.until(|body| match body {
            EventBody::Replied { run, merged, text, .. }
                if run.0 == wanted || merged.iter().any(|run| run.0 == wanted) =>
            {
                Some(text.clone())
            }
            _ => None,
        })
        .await
    }

    /// What was said in a conversation.
    pub async fn lines(&self, conversation: &str) -> Vec<Line> {
        self.store.history(&key(conversation), None, 1_000).await.unwrap()
    }

    /// The words that were said in a conversation, in order.
    pub async fn words(&self, conversation: &str) -> Vec<String> {
        self.lines(conversation).await.into_iter().map(|line| line.text).collect()
    }
}

/// The ways out that every scene has.
fn live(bus: &Bus) -> Vec<Arc<dyn Channel>> {
    vec![Arc::new(Live::web(bus.clone())), Arc::new(Live::api(bus.clone()))]
}

/// A conversation on the web.
pub fn key(conversation: &str) -> SessionKey {
    SessionKey::new("main".parse().unwrap(), "web", conversation).unwrap()
}
