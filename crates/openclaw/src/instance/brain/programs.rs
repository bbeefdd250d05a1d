//! The programs that can answer in a model's place, made from the configuration.
//!
//! A program that is missing or wrongly set is told of once and fails when it is asked, not before: whoever
//! uses other models has no harm from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agent::CliBackend;
use agent::backend::Line;
use config::settings::backends::CliBackend as Settings;
use config::settings::channels::ChannelModel;
use config::{Config, Env};
use llm::Provider;

/// What stays when settings change: the lines before programs that run one at a time.
#[derive(Debug, Default)]
pub(super) struct Programs {
    lines: BTreeMap<String, Line>,
}

/// The programs of one configuration.
pub(super) struct Configured {
    pub(super) providers: Vec<Arc<dyn Provider>>,
    backends: BTreeMap<String, Arc<CliBackend>>,
    /// Those that the configuration names for an answer.
    asked: BTreeSet<String>,
}

// === impl Programs ===

impl Programs {
    /// Those in the configuration, and those that need no settings where a model names them. A provider of
    /// the same name is used instead.
    pub(super) fn of(&mut self, config: &Config, env: &Env) -> Configured {
        let written = &config.agents.defaults.cli_backends;
        let asked = asked(config);
        let known = asked.iter().filter(|id| CliBackend::known().contains(&id.as_str())).cloned();
        let ids: BTreeSet<String> = written.keys().cloned().chain(known).collect();
        let mut backends = BTreeMap::new();
        for id in ids {
            let settings = written.get(&id);
            if config.models.providers.contains_key(&id) {
                if settings.is_some() {
                    tracing::warn!(
                        backend = id,
                        "a model provider has the name of this backend and is used instead"
                    );
                }
                continue;
            }
            let line = self.lines.entry(id.clone()).or_default().clone();
            let unset = Settings::default();
            match CliBackend::new(&id, settings.unwrap_or(&unset), env, line) {
                Ok(backend) => drop(backends.insert(id, Arc::new(backend))),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(backend = id, error, "a backend is left out");
                }
            }
        }
        self.lines.retain(|id, _| backends.contains_key(id));
        let providers = backends.values().map(|backend| Arc::clone(backend) as Arc<dyn Provider>);
        Configured { providers: providers.collect(), backends, asked }
    }
}

// === impl Configured ===

impl Configured {
    /// Whether a program answers for this model.
    pub(super) fn answer(&self, model: &str) -> bool {
        backend_of(model).is_some_and(|id| self.backends.contains_key(id))
    }

    /// Tells of programs that are asked for and missing, and of settings that have no effect.
    pub(super) fn warn(&self) {
        for (id, backend) in self.backends.iter().filter(|(id, _)| self.asked.contains(*id)) {
            if let Err(error) = backend.program() {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(backend = id, error, "the program that is to answer is missing");
            }
            let idle = backend.idle_settings().join(", ");
            if !idle.is_empty() {
                tracing::warn!(
                    backend = id,
                    settings = idle,
                    "these settings have no effect: each call is given the whole conversation, as text"
                );
            }
        }
    }
}

/// What stands before `/` in every model that the configuration names for an answer.
fn asked(config: &Config) -> BTreeSet<String> {
    let agents = &config.agents;
    let each = agents.list.iter().filter_map(|agent| agent.model.as_ref());
    let choices = agents.defaults.model.iter().chain(each);
    let chosen = choices.flat_map(|choice| choice.primary().into_iter().chain(choice.fallbacks()));
    let by_channel = config.model_by_channel.0.values().flat_map(|model| match model {
        ChannelModel::All(model) => vec![model],
        ChannelModel::ByConversation(models) => models.values().collect(),
    });
    chosen
        .chain(by_channel)
        .filter_map(|model| backend_of(agents.defaults.resolve(model).as_str()).map(str::to_owned))
        .collect()
}

fn backend_of(model: &str) -> Option<&str> {
    model.split_once('/').map(|(id, _)| id)
}
