//! Who answers: the configured providers, those whose key is in the environment, programs, or the built-in
//! simulator.

mod programs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::settings::agents::ModelChoice;
use config::settings::models::{Api, Capability, Modality, Mode, Model as Listed, Provider};
use config::{Config, Env};
use domain::backoff::Backoff;
use domain::{Secret, TenantSlug};
use egress::Egress;
use engine::Settings;
use llm::{Limits, ModelSettings, Models, Price, ProviderSettings, Timeouts};
use simulator::Simulator;

use super::Model;
use crate::error::Error;
use crate::up::Answers;
use programs::Programs;

/// Makes the engine's settings from the configuration, again after every change of it.
pub struct Brain {
    egress: Egress,
    env: Env,
    state: PathBuf,
    answers: Answers,
    simulator: Option<Simulator>,
    /// The models of the settings before: what is known of their endpoints goes on.
    models: Models,
    programs: Programs,
}

/// A provider that is there when its key is in the environment.
struct WellKnown {
    id: &'static str,
    key: &'static str,
    base_url: &'static str,
    api: llm::Api,
    /// The model that answers when none is configured.
    model: &'static str,
}

/// Tried in this order.
const WELL_KNOWN: &[WellKnown] = &[
    WellKnown {
        id: "anthropic",
        key: "ANTHROPIC_API_KEY",
        base_url: "https://api.anthropic.com",
        api: llm::Api::Anthropic,
        model: "claude-sonnet-4-5",
    },
    WellKnown {
        id: "openai",
        key: "OPENAI_API_KEY",
        base_url: "https://api.openai.com/v1",
        api: llm::Api::OpenAi,
        model: "gpt-4o",
    },
];

/// The address of Cloud.ru's models.
const CLOUD_RU: &str = "foundation-models.api.cloud.ru";
/// What it allows for one key.
const CLOUD_RU_PER_SECOND: u64 = 15;
/// The provider name of the built-in simulator.
const SIMULATOR: &str = "simulator";
/// What answers when there is nobody else: it repeats what it was told, at the speed of a quick model.
const SIMULATED: &str = "simulator/echo+pace=20ms";

// === impl Brain ===

impl Brain {
    /// For an installation with this environment and state directory.
    ///
    /// # Errors
    /// When the system's certificate authorities cannot be read.
    pub fn new(env: Env, state: &Path, answers: Answers) -> Result<Self, Error> {
        let egress = Egress::new(egress::Options::default())?;
        let (simulator, models, programs) = (None, Models::default(), Programs::default());
        Ok(Self { egress, env, state: state.to_owned(), answers, simulator, models, programs })
    }

    /// The settings that follow from a configuration.
    ///
    /// # Errors
    /// When a provider's settings cannot be used, or the simulator cannot start.
    pub async fn settings(&mut self, config: Arc<Config>) -> Result<Settings, Error> {
        let mut providers = self.providers(&config);
        let asked = config.agents.defaults.model.as_ref().and_then(ModelChoice::primary);
        let asked = asked.map(|model| config.agents.defaults.resolve(model).as_str().to_owned());
        let programs = self.programs.of(&config, &self.env);
        let asks_program = asked.as_deref().is_some_and(|model| programs.answer(model));
        let asks_simulator = asked.as_deref().is_some_and(|model| model.starts_with("simulator/"));
        let simulated = match self.answers {
            Answers::Simulator => true,
            Answers::Providers => asks_simulator,
            Answers::WhoeverCan => {
                asks_simulator || !(asks_program || providers.iter().any(can_answer))
            }
        };
        let model = match asked {
            Some(model) if asks_simulator || !simulated => model,
            _ if simulated => SIMULATED.to_owned(),
            _ => default_model(&providers).unwrap_or_default(),
        };
        if simulated {
            providers.retain(|provider| provider.id != SIMULATOR);
            providers.push(self.simulator().await?);
        }
        programs.warn();
        let models = Models::new(providers, &self.egress)?.with(programs.providers)?;
        let models = models.after(&self.models);
        self.models = models.clone();
        let workspaces = self.workspaces(&config);
        Ok(Settings {
            models: Arc::new(models),
            model,
            simulated,
            retry: Backoff::MESSAGE,
            tenants: self.state.join("tenants"),
            workspaces,
            config,
        })
    }

    /// Those in the file, then those whose key is in the environment.
    fn providers(&self, config: &Config) -> Vec<ProviderSettings> {
        let mut providers: Vec<ProviderSettings> = config
            .models
            .providers
            .iter()
            .filter_map(|(id, provider)| configured(id, provider, &self.env))
            .collect();
        if config.models.mode == Mode::Merge {
            for known in WELL_KNOWN {
                let is_there = providers.iter().any(|provider| provider.id == known.id);
                if let (false, Some(key)) = (is_there, self.env.get(known.key)) {
                    providers.push(known.settings(Some(Secret::new(key))));
                }
            }
        }
        providers
    }

    async fn simulator(&mut self) -> Result<ProviderSettings, Error> {
        let simulator = match self.simulator.take() {
            Some(running) => running,
            None => Simulator::start(simulator::Options::default()).await?,
        };
        let base_url = simulator.openai_base_url();
        self.simulator = Some(simulator);
        Ok(ProviderSettings {
            id: SIMULATOR.to_owned(),
            base_url,
            api: llm::Api::OpenAi,
            key: None,
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            models: Vec::new(),
        })
    }

    /// `agents.defaults.workspace` is the folder of the first tenant alone: two tenants never share one.
    fn workspaces(&self, config: &Config) -> BTreeMap<TenantSlug, PathBuf> {
        let agents = &config.agents;
        let first = agents.defaults.workspace.iter().map(|folder| (super::FIRST_TENANT, folder));
        let each = agents
            .list
            .iter()
            .filter_map(|agent| Some((agent.id.as_str(), agent.workspace.as_ref()?)));
        first
            .chain(each)
            .filter_map(|(slug, folder)| Some((slug.parse().ok()?, self.expand(folder))))
            .collect()
    }

    fn expand(&self, folder: &str) -> PathBuf {
        match (folder.strip_prefix("~/"), self.env.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => self.state.join(folder),
        }
    }
}

// === impl WellKnown ===

impl WellKnown {
    fn settings(&self, key: Option<Secret>) -> ProviderSettings {
        ProviderSettings {
            id: self.id.to_owned(),
            base_url: self.base_url.to_owned(),
            api: self.api,
            key,
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            models: Vec::new(),
        }
    }
}

// === impl Model ===

impl Model {
    /// The model of these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        Self { name: settings.model.clone(), simulated: settings.simulated }
    }
}

/// A provider of the file. What it does not say is taken from a well-known one of the same name.
fn configured(id: &str, provider: &Provider, env: &Env) -> Option<ProviderSettings> {
    let known = WELL_KNOWN.iter().find(|known| known.id == id);
    let base_url =
        provider.base_url.clone().or_else(|| known.map(|known| known.base_url.to_owned()))?;
    let api = match provider.api {
        Some(Api::AnthropicMessages) => llm::Api::Anthropic,
        Some(Api::OpenaiCompletions) => llm::Api::OpenAi,
        None => known.map_or(llm::Api::OpenAi, |known| known.api),
    };
    let written = provider.api_key.clone().filter(|key| !key.is_blank());
    let key = written.or_else(|| env.get(known?.key).map(Secret::new));
    let limits = limits(&base_url, provider);
    Some(ProviderSettings {
        id: id.to_owned(),
        base_url,
        api,
        key,
        headers: provider
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        timeouts: Timeouts {
            first_byte: Duration::from_millis(provider.timeouts.first_byte_ms),
            idle: Duration::from_millis(provider.timeouts.idle_ms),
            total: Duration::from_millis(provider.timeouts.total_ms),
        },
        limits,
        models: provider.models.iter().map(listed).collect(),
    })
}

/// What is written, over what is known of the address.
fn limits(base_url: &str, provider: &Provider) -> Limits {
    let written = provider.limits;
    let host = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let is_cloud_ru = host.split(['/', ':']).next() == Some(CLOUD_RU);
    let known = is_cloud_ru.then_some(CLOUD_RU_PER_SECOND);
    Limits {
        requests_per_minute: written.requests_per_minute,
        tokens_per_minute: written.tokens_per_minute,
        concurrent_requests: written.concurrent_requests,
        requests_per_second: written.requests_per_second.or(known),
        queue: written.queue,
    }
}

/// A model of the file.
fn listed(model: &Listed) -> ModelSettings {
    let named = ModelSettings::named(&model.id);
    let mut capabilities = match &model.capabilities {
        Some(written) => written.iter().copied().map(capability).collect(),
        None => named.capabilities,
    };
    if model.capabilities.is_none() && model.input.contains(&Modality::Image) {
        capabilities.insert(llm::Capability::Vision);
    }
    ModelSettings {
        id: named.id,
        max_output: model.max_tokens,
        context_window: model.context_window,
        capabilities,
        price: model.cost.map(|cost| Price { input: cost.input, output: cost.output }),
    }
}

fn capability(written: Capability) -> llm::Capability {
    match written {
        Capability::Chat => llm::Capability::Chat,
        Capability::Code => llm::Capability::Code,
        Capability::Vision => llm::Capability::Vision,
        Capability::ToolUse => llm::Capability::ToolUse,
        Capability::Streaming => llm::Capability::Streaming,
        Capability::FunctionCalling => llm::Capability::FunctionCalling,
    }
}

/// With a key, or on this machine, where servers usually want none.
fn can_answer(provider: &ProviderSettings) -> bool {
    let local = ["http://127.", "http://localhost", "http://[::1]"];
    provider.key.is_some() || local.iter().any(|start| provider.base_url.starts_with(start))
}

/// The first model of the first provider that can answer.
fn default_model(providers: &[ProviderSettings]) -> Option<String> {
    let provider = providers.iter().find(|provider| can_answer(provider))?;
    let known = WELL_KNOWN.iter().find(|known| known.id == provider.id);
    let model = provider
        .models
        .first()
        .map(|model| model.id.as_str())
        .or_else(|| known.map(|known| known.model))?;
    Some(format!("{}/{model}", provider.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn model(env: &[(&str, &str)], answers: Answers, text: &str) -> (String, bool) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("openclaw.json");
        std::fs::write(&file, text).unwrap();
        let path = file.display().to_string();
        let env: Env =
            env.iter().copied().chain([("OPENCLAW_CONFIG_PATH", path.as_str())]).collect();
        let paths = config::Paths::locate(&env).unwrap();
        let loaded = config::load(&paths, &env).unwrap();
        crate::up::install_cryptography();
        let mut brain = Brain::new(env, directory.path(), answers).unwrap();
        let settings = brain.settings(Arc::new(loaded.config)).await.unwrap();
        (settings.model, settings.simulated)
    }

    #[tokio::test]
    async fn without_a_key_the_simulator_answers() {
        let simulated = ("simulator/echo+pace=20ms".to_owned(), true);
        assert_eq!(model(&[], Answers::WhoeverCan, "{}").await, simulated);
        let unkeyed =
            r#"{models: {providers: {x: {baseUrl: "https://x.test/v1", models: [{id: "m"}]}}}}"#;
        assert_eq!(model(&[], Answers::WhoeverCan, unkeyed).await, simulated);
    }

    #[tokio::test]
    async fn with_a_key_its_provider_answers() {
        let env = [("OPENAI_API_KEY", "k")];
        assert_eq!(
            model(&env, Answers::WhoeverCan, "{}").await,
            ("openai/gpt-4o".to_owned(), false)
        );
        let both = [("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")];
        assert_eq!(model(&both, Answers::WhoeverCan, "{}").await.0, "anthropic/claude-sonnet-4-5");
        let keyed = r#"{models: {providers: {cloudru: {baseUrl: "https://c.test/v1", apiKey: "k",
            models: [{id: "zai-org/GLM-4.7"}]}}}}"#;
        assert_eq!(model(&[], Answers::WhoeverCan, keyed).await.0, "cloudru/zai-org/GLM-4.7");
    }

    #[test]
    fn what_is_known_of_an_address_holds_where_nothing_is_written() {
        let per_second = |base_url: &str, written| {
            let mut provider =
                Provider { base_url: Some(base_url.to_owned()), ..Provider::default() };
            provider.limits.requests_per_second = written;
            let env: Env = std::iter::empty::<(&str, &str)>().collect();
            configured("x", &provider, &env).unwrap().limits.requests_per_second
        };
        assert_eq!(per_second("https://foundation-models.api.cloud.ru/v1", None), Some(15));
        assert_eq!(per_second("https://foundation-models.api.cloud.ru/v1", Some(9)), Some(9));
        assert_eq!(per_second("https://foundation-models.api.cloud.ru.evil.test/v1", None), None);
    }

    #[tokio::test]
    async fn a_program_answers_without_a_provider() {
        let asked = |model: &str| format!(r#"{{agents: {{defaults: {{model: "{model}"}}}}}}"#);
        let claude = model(&[], Answers::WhoeverCan, &asked("claude-cli/opus")).await;
        assert_eq!(claude, ("claude-cli/opus".to_owned(), false));
        let unknown = model(&[], Answers::WhoeverCan, &asked("other-cli/x")).await;
        assert!(unknown.1, "a backend without a command is left out");
        let text = r#"{agents: {defaults: {model: {primary: "mine/x"},
            cliBackends: {mine: {command: "/bin/true"}, broken: {}}}}}"#;
        assert_eq!(model(&[], Answers::WhoeverCan, text).await, ("mine/x".to_owned(), false));
    }

    #[tokio::test]
    async fn a_provider_keeps_its_name_before_a_program() {
        let text = r#"{models: {providers: {"claude-cli": {baseUrl: "http://127.0.0.1:1/v1"}}},
            agents: {defaults: {model: "claude-cli/opus", cliBackends: {"claude-cli": {}}}}}"#;
        let expected = ("claude-cli/opus".to_owned(), false);
        assert_eq!(model(&[], Answers::WhoeverCan, text).await, expected);
    }

    #[tokio::test]
    async fn a_model_of_the_simulator_can_be_asked_for_by_name() {
        let text = r#"{agents: {defaults: {model: "simulator/story"}}}"#;
        let env = [("OPENAI_API_KEY", "k")];
        assert_eq!(
            model(&env, Answers::WhoeverCan, text).await,
            ("simulator/story".to_owned(), true)
        );
        assert_eq!(
            model(&env, Answers::Providers, text).await,
            ("simulator/story".to_owned(), true)
        );
        let other = r#"{agents: {defaults: {model: "openai/x"}}}"#;
        assert!(model(&env, Answers::Simulator, other).await.1);
    }
}
