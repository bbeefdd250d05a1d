//! Which provider answers for which name of a model.
//!
//! Built anew when the settings change; nothing in it changes afterwards.

use std::sync::Arc;

use egress::Egress;

use crate::anthropic::Anthropic;
use crate::gate::{Gate, Identity};
use crate::limit::Limits;
use crate::openai::OpenAi;
use crate::settings::ModelSettings;
use crate::{
    Api, Error, Hop, Provider, ProviderSettings, ProviderStanding, Requirements, Retries, Route,
};

#[cfg(test)]
mod tests;

/// Names further from every known one than this are not suggestions: the share of equal letters.
const SIMILAR: f64 = 0.6;

/// All configured models.
#[derive(Clone, Default)]
pub struct Models {
    known: Arc<[Known]>,
}

/// A model, and those that step in when it fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// The name of the model.
    pub primary: String,
    /// The names of those that step in, in order.
    pub fallbacks: Vec<String>,
    /// How often the last of them is asked.
    pub retries: Retries,
}

#[derive(Clone)]
struct Known {
    id: String,
    provider: Arc<dyn Provider>,
    models: Vec<ModelSettings>,
    identity: Identity,
    limits: Limits,
    gate: Arc<Gate>,
}

// === impl Models ===

impl Models {
    /// Makes the providers. They share the client and its connections.
    ///
    /// # Errors
    /// [`Error::Settings`] when a provider's settings cannot be used, [`Error::DuplicateProvider`].
    pub fn new(settings: Vec<ProviderSettings>, egress: &Egress) -> Result<Self, Error> {
        let mut known: Vec<Known> = Vec::with_capacity(settings.len());
        for settings in settings {
            if known.iter().any(|other| other.id == settings.id) {
                return Err(Error::DuplicateProvider { provider: settings.id });
            }
            let egress = egress.clone();
            let provider: Arc<dyn Provider> = match settings.api {
                Api::OpenAi => Arc::new(OpenAi::new(&settings, egress)?),
                Api::Anthropic => Arc::new(Anthropic::new(&settings, egress)?),
            };
            let identity = Identity::of(&settings);
            let ProviderSettings { id, models, limits, .. } = settings;
            // One endpoint under two names has one set of limits, the stricter of both.
            let twin = known.iter().find(|other| other.identity == identity);
            let (gate, limits) = match twin {
                Some(twin) => (Arc::clone(&twin.gate), twin.limits.stricter(limits)),
                None => (Arc::new(Gate::new(identity.clone(), id.clone(), limits)), limits),
            };
            gate.limiter.set_limits(limits);
            known.push(Known { id, provider, models, identity, limits, gate });
        }
        Ok(Self { known: known.into() })
    }

    /// The same with providers made elsewhere, such as programs that think. Each takes any name of a model.
    ///
    /// # Errors
    /// [`Error::DuplicateProvider`] when two have one id.
    pub fn with(self, extra: Vec<Arc<dyn Provider>>) -> Result<Self, Error> {
        let mut known = self.known.to_vec();
        for provider in extra {
            let id = provider.id().to_owned();
            if known.iter().any(|other| other.id == id) {
                return Err(Error::DuplicateProvider { provider: id });
            }
            let (identity, limits) = (Identity::Provider(id.clone()), Limits::default());
            let gate = Arc::new(Gate::new(identity.clone(), id.clone(), limits));
            known.push(Known { id, provider, models: Vec::new(), identity, limits, gate });
        }
        Ok(Self { known: known.into() })
    }

    /// The same, knowing of every endpoint that was there before how it did and what was used of its limits.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let mut known = self.known.to_vec();
        for known in &mut known {
            let before = earlier.known.iter().find(|before| before.gate.is(&known.identity));
            if let Some(before) = before {
                known.gate = Arc::clone(&before.gate);
            }
        }
        for one in &known {
            let twins = known.iter().filter(|other| Arc::ptr_eq(&other.gate, &one.gate));
            let limits = twins.fold(one.limits, |limits, twin| limits.stricter(twin.limits));
            one.gate.limiter.set_limits(limits);
        }
        Self { known: known.into() }
    }

    /// The way to a model and those that step in for it. One of those that cannot be found is passed over,
    /// and named when all others fail.
    ///
    /// # Errors
    /// As [`Models::resolve`], for the first model.
    pub fn chain(&self, chain: &Chain) -> Result<Route, Error> {
        let mut route = self.resolve(&chain.primary)?;
        route.retries = chain.retries;
        for name in &chain.fallbacks {
            match self.resolve(name) {
                Ok(found) => {
                    for hop in found.hops {
                        if !route.hops.iter().any(|other| other.name() == hop.name()) {
                            route.hops.push(hop);
                        }
                    }
                }
                Err(error) => route.missing.push((name.clone(), error.to_string())),
            }
        }
        Ok(route)
    }

    /// The listed models that suit, the best first: by [`Requirements::score`], those of unknown price last.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] when none does.
    pub fn select(&self, needs: &Requirements) -> Result<Route, Error> {
        let mut suited: Vec<(&Known, &ModelSettings)> =
            self.listed().filter(|(_, model)| needs.lacking(model).is_none()).collect();
        suited.sort_by(|(_, one), (_, other)| {
            let price = other.price.is_some().cmp(&one.price.is_some());
            price.then(needs.score(other).total_cmp(&needs.score(one)))
        });
        let hops: Vec<Hop> =
            suited.into_iter().flat_map(|(known, model)| known.route(model.clone()).hops).collect();
        if hops.is_empty() {
            let wanted: Vec<&str> =
                needs.capabilities.iter().map(|capability| capability.as_str()).collect();
            let lacks = format!("can do {} with {} tokens", wanted.join(", "), needs.tokens);
            return Err(Error::Unsuitable { model: "no listed model".to_owned(), lacks });
        }
        Ok(Route { hops, retries: Retries::default(), missing: Vec::new() })
    }

    /// How all providers are doing.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderStanding> {
        self.known.iter().map(Known::standing).collect()
    }

    /// Sets the metrics that change with time alone.
    pub fn publish(&self) {
        for known in self.known.iter() {
            let standing = known.standing();
            let provider = &known.gate.provider;
            crate::metrics::quota(provider, &standing.quota);
            crate::metrics::load(provider, standing.quota.in_flight, standing.quota.waiting);
            crate::metrics::circuit(provider, standing.circuit);
            for model in standing.models {
                let label = known.gate.label(&model.id);
                crate::metrics::adaptive(provider, label, model.adaptive_limit);
            }
        }
    }

    /// Finds the model. Tried in this order, until one matches:
    ///
    /// 1. `provider/model`, when that provider lists the model;
    /// 2. the whole name as the id of a model, which may contain slashes;
    /// 3. `provider/model`, when that provider lists no models and so takes any;
    /// 4. the part of a model's id behind its last slash.
    ///
    /// # Errors
    /// [`Error::AmbiguousModel`] when several providers match at the same step, [`Error::UnknownModel`]
    /// with the nearest name when none does.
    pub fn resolve(&self, name: &str) -> Result<Route, Error> {
        let name = name.trim();
        let prefixed = name.split_once('/').and_then(|(id, model)| {
            let known = self.known.iter().find(|known| known.id == id)?;
            (!model.is_empty()).then_some((known, model))
        });
        if let Some((known, model)) = prefixed
            && let Some(listed) = known.models.iter().find(|listed| listed.id == model)
        {
            return Ok(known.route(listed.clone()));
        }
        if let Some(route) = self.only(name, |listed| listed.id == name)? {
            return Ok(route);
        }
        if let Some((known, model)) = prefixed
            && known.models.is_empty()
        {
            return Ok(known.route(ModelSettings::named(model)));
        }
        if let Some(route) = self.only(name, |listed| listed.id.rsplit('/').next() == Some(name))? {
            return Ok(route);
        }
        Err(Error::UnknownModel {
            asked: domain::text::one_line(name, domain::text::FIELD_LIMIT),
            nearest: self.nearest(name),
        })
    }

    /// The names of all listed models, as `provider/model`.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.listed().map(|(known, listed)| known.name_of(listed))
    }

    #[cfg(test)]
    pub(crate) fn known_gate(&self, id: &str) -> &Gate {
        &self.known.iter().find(|known| known.id == id).unwrap().gate
    }

    fn listed(&self) -> impl Iterator<Item = (&Known, &ModelSettings)> {
        self.known.iter().flat_map(|known| known.models.iter().map(move |listed| (known, listed)))
    }

    /// The one listed model that matches, if there is one.
    fn only(
        &self,
        asked: &str,
        matches: impl Fn(&ModelSettings) -> bool,
    ) -> Result<Option<Route>, Error> {
        let found: Vec<_> = self.listed().filter(|(_, listed)| matches(listed)).collect();
        match found.as_slice() {
            [] => Ok(None),
            [(known, listed)] => Ok(Some(known.route((*listed).clone()))),
            several => Err(Error::AmbiguousModel {
                asked: domain::text::one_line(asked, domain::text::FIELD_LIMIT),
                candidates: several.iter().map(|(known, listed)| known.name_of(listed)).collect(),
            }),
        }
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let wanted = name.to_lowercase();
        let likeness = |candidate: &str| {
            let candidate = candidate.to_lowercase();
            strsim::normalized_levenshtein(&wanted, &candidate)
        };
        let last = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
        self.listed()
            .map(|(known, listed)| {
                let full = known.name_of(listed);
                let best = [full.as_str(), &listed.id, &last(&listed.id)].map(likeness);
                (best.into_iter().fold(0.0, f64::max), full)
            })
            .filter(|(likeness, _)| *likeness >= SIMILAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, full)| full)
    }
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.known.iter().map(|known| &known.id)).finish()
    }
}

// === impl Known ===

impl Known {
    fn route(&self, model: ModelSettings) -> Route {
        let hop = Hop {
            provider: Arc::clone(&self.provider),
            model: model.id.clone(),
            max_output: model.max_output,
            settings: model,
            gate: Arc::clone(&self.gate),
        };
        Route { hops: vec![hop], retries: Retries::default(), missing: Vec::new() }
    }

    fn standing(&self) -> ProviderStanding {
        let (circuit, rest) = self.gate.circuit_state();
        let mut models = self.gate.models();
        for listed in &self.models {
            if !models.iter().any(|known| known.id == listed.id) {
                models.push(self.gate.model(&listed.id));
            }
        }
        ProviderStanding {
            id: self.id.clone(),
            endpoint: self.gate.address(),
            circuit,
            circuit_open_ms: crate::gate::milliseconds(rest),
            quota: self.gate.limiter.remaining(),
            last_error: self.gate.last_error(),
            models,
        }
    }

    fn name_of(&self, model: &ModelSettings) -> String {
        format!("{}/{}", self.id, model.id)
    }
}
