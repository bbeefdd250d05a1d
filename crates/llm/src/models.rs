//! Which provider answers for which name of a model.
//!
//! Built anew when the settings change; nothing in it changes afterwards.

use std::sync::Arc;

use egress::Egress;

use crate::anthropic::Anthropic;
use crate::openai::OpenAi;
use crate::{Api, Error, Provider, ProviderSettings, settings::ModelSettings};

#[cfg(test)]
mod tests;

/// Names further from every known one than this are not suggestions: the share of equal letters.
const SIMILAR: f64 = 0.6;

/// All configured models.
#[derive(Clone, Default)]
pub struct Models {
    known: Arc<[Known]>,
}

/// Where a request goes: the places to try, in order. There is at least one.
#[derive(Clone)]
pub struct Route {
    hops: Vec<Hop>,
}

/// One place that a request can go to.
#[derive(Clone)]
pub struct Hop {
    /// Who answers.
    pub provider: Arc<dyn Provider>,
    /// The model's id there; it goes into [`crate::Request::model`].
    pub model: String,
    /// Most tokens of an answer of this model, where that is configured.
    pub max_output: Option<u64>,
}

#[derive(Clone)]
struct Known {
    id: String,
    provider: Arc<dyn Provider>,
    models: Vec<ModelSettings>,
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
            known.push(Known { id: settings.id, provider, models: settings.models });
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
            known.push(Known { id, provider, models: Vec::new() });
        }
        Ok(Self { known: known.into() })
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
            return Ok(known.route(ModelSettings { id: model.to_owned(), max_output: None }));
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

// === impl Route ===

impl Route {
    /// The places, the preferred one first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.hops).finish()
    }
}

// === impl Hop ===

impl std::fmt::Debug for Hop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider.id(), self.model)
    }
}

// === impl Known ===

impl Known {
    fn route(&self, model: ModelSettings) -> Route {
        let provider = Arc::clone(&self.provider);
        Route { hops: vec![Hop { provider, model: model.id, max_output: model.max_output }] }
    }

    fn name_of(&self, model: &ModelSettings) -> String {
        format!("{}/{}", self.id, model.id)
    }
}
