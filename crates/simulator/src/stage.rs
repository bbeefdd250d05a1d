//! What all connections share: options, journal, outage, counters.

use domain::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::time::Instant;

use crate::ask::Ask;
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::model_name::parse;
use crate::outage::{Attempts, Outage};
use crate::rate::Arrivals;
use crate::recipe::{Fault, Recipe, Voice};
use crate::refusal::{Api, Refusal};
use crate::script::Script;
use crate::server::Options;

/// The shared state.
#[derive(Debug)]
pub struct Stage {
    pub options: Options,
    pub scripts: Vec<Script>,
    pub journal: Journal,
    pub outage: Outage,
    attempts: Attempts,
    arrivals: Arrivals,
}

// === impl Stage ===

impl Stage {
    pub fn new(mut options: Options) -> Self {
        let mut scripts = std::mem::take(&mut options.scripts);
        scripts.push(Script::greeting());
        Self {
            options,
            scripts,
            journal: Journal::new(),
            outage: Outage::default(),
            attempts: Attempts::default(),
            arrivals: Arrivals::default(),
        }
    }

    /// What a model's name asks for now: through its alias, and with the outage that is on.
    pub fn recipe(&self, model: &str) -> Result<Recipe> {
        parse(&self.outage.befall(self.name(model)))
    }

    /// The name that a model's name stands for.
    fn name<'a>(&'a self, model: &'a str) -> &'a str {
        let alias = self.options.aliases.iter().find(|(alias, _)| alias == model);
        alias.map_or(model, |(_, name)| name)
    }

    /// What this request gets: the recipe with the options of the script's turn, and without the faults once
    /// a flaky conversation has had its share of them.
    pub fn recipe_for(
        &self,
        ask: &Ask,
        header: Option<&str>,
        mut recipe: Recipe,
    ) -> Result<Recipe> {
        if recipe.voice == Voice::Script {
            let options = self.script(&ask.model, &recipe)?.turn(ask.turns).options;
            if !options.is_empty() {
                let name = format!("{}+{options}", self.name(&ask.model));
                recipe = parse(&self.outage.befall(&name))?;
            }
        }
        let Some(failures) = recipe.fault.flaky.take() else { return Ok(recipe) };
        let key = ask.conversation.as_deref().or(header).unwrap_or_default();
        if self.attempts.count(&format!("{} {key}", ask.model)) > failures {
            recipe.fault = Fault::default();
        } else if recipe.fault == Fault::default() {
            recipe.fault.status = Some(503);
        }
        Ok(recipe)
    }

    /// The script that a recipe plays: the one it names, else the first.
    fn script(&self, model: &str, recipe: &Recipe) -> Result<&Script> {
        let wanted = recipe.content.script.as_deref();
        let named = |script: &&Script| wanted.is_none_or(|wanted| script.name == wanted);
        self.scripts.iter().find(named).ok_or_else(|| Error::ModelName {
            name: model.to_owned(),
            word: wanted.unwrap_or_default().to_owned(),
            problem: "is not the name of a script".to_owned(),
        })
    }

    /// Counts a request to a model, or refuses it because it came too soon and says how many seconds.
    pub fn count(&self) -> Result<(), u32> {
        let running = self.journal.counts().running;
        self.arrivals
            .admit(self.options.rate, running, Instant::now())
            .map_err(|after| u32::try_from(after.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX))
    }

    /// Checks the key of a request.
    pub fn admit(&self, api: Api, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(key) = &self.options.api_key else { return Ok(()) };
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        let shown = match api {
            Api::OpenAi => bearer,
            Api::Anthropic => text("x-api-key").or(bearer),
        };
        match shown {
            Some(shown) if Secret::new(shown) == *key => Ok(()),
            Some(_) => Err(Refusal::by_status(api, 401)),
            None => Err(Refusal::new(
                401,
                match api {
                    Api::OpenAi => {
                        "You didn't provide an API key. You need to provide your API key in an \
                         Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
                    }
                    Api::Anthropic => "x-api-key header is required",
                },
            )),
        }
    }
}
