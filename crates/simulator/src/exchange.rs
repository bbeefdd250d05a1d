//! One exchange with a model: from the body of a request to the reel of its answer.
//!
//! Owns the order in which refusals and faults come before an answer; refuses to know HTTP responses.

use std::future::pending;

use http::HeaderMap;
use serde_json::Value;

use crate::ask::Ask;
use crate::compose::{self, Wire};
use crate::plan::plan;
use crate::recipe::{Accident, Fault, Instead, Overflow, Recipe};
use crate::reel::Reel;
use crate::refusal::{Api, Excess, Refusal};
use crate::stage::Stage;
use crate::{anthropic, openai};

/// Window of an overflow whose name gives none, in tokens.
const WINDOW: u64 = 8_192;

/// The header that names a conversation when the body does not.
const CONVERSATION: &str = "x-sim-conversation";

/// What a request gets.
pub enum Answer {
    /// A refusal, and how it is dressed.
    Refused(Refusal, Fault),
    /// An answer.
    Played {
        /// Its bytes.
        reel: Reel,
        /// Its length, when it is announced.
        length: Option<usize>,
        /// Its content type; empty for none.
        kind: &'static str,
    },
    /// A redirect.
    Redirected,
    /// A closed connection.
    Gone,
}

/// One request to a model.
pub struct Exchange<'a> {
    pub stage: &'a Stage,
    pub api: Api,
    pub headers: &'a HeaderMap,
    /// The number of the request, from which all ids are made.
    pub number: u64,
}

// === impl Exchange ===

impl Exchange<'_> {
    /// Answers, after as long as the name asks for.
    pub async fn answer(&self, body: &Value) -> Answer {
        if let Err(seconds) = self.stage.count() {
            let fault = Fault { retry_after: Some(seconds), ..Fault::default() };
            return Answer::Refused(Refusal::by_status(self.api, 429), fault);
        }
        let (ask, recipe) = match self.read(body) {
            Ok(read) => read,
            Err(refusal) => return Answer::Refused(refusal, Fault::default()),
        };
        tokio::time::sleep(recipe.timing.headers()).await;
        match recipe.fault.instead {
            Some(Instead::Hang) => pending().await,
            Some(Instead::Drop) => return Answer::Gone,
            Some(Instead::Redirect) => return Answer::Redirected,
            Some(Instead::Empty) => {
                let kind = kind(&recipe, ask.stream);
                return Answer::Played { reel: Reel::default(), length: Some(0), kind };
            }
            None => {}
        }
        if let Some(refusal) = self.refusal(&ask, &recipe) {
            return Answer::Refused(refusal, recipe.fault);
        }
        self.play(&ask, &recipe).await
    }

    /// Reads the request and the name of its model.
    fn read(&self, body: &Value) -> Result<(Ask, Recipe), Refusal> {
        let name = body.get("model").and_then(Value::as_str).unwrap_or_default();
        let recipe = self.stage.recipe(name);
        let ask = match self.api {
            Api::OpenAi => {
                openai::read(body, recipe.as_ref().is_ok_and(|recipe| recipe.content.proper))
            }
            Api::Anthropic => {
                let dialect = anthropic::Dialect::read(self.headers)?;
                anthropic::read(body, &dialect, false)
            }
        }?;
        let header = self.headers.get(CONVERSATION).and_then(|value| value.to_str().ok());
        let recipe = recipe.and_then(|recipe| self.stage.recipe_for(&ask, header, recipe));
        let recipe = recipe.map_err(|error| {
            let refusal = Refusal::new(
                404,
                match self.api {
                    Api::OpenAi => format!(
                        "The model `{name}` does not exist or you do not have access to it. ({error})"
                    ),
                    Api::Anthropic => format!("model: {name} ({error})"),
                },
            );
            refusal.code("model_not_found")
        })?;
        Ok((ask, recipe))
    }

    /// The refusal that the name or the size of the request leads to.
    fn refusal(&self, ask: &Ask, recipe: &Recipe) -> Option<Refusal> {
        if let Some(status) = recipe.fault.status {
            return Some(Refusal::by_status(self.api, status));
        }
        if !ask.stream
            && matches!(recipe.fault.midway, Some(midway) if midway.accident == Accident::Error)
        {
            return Some(Refusal::by_status(self.api, 500));
        }
        if recipe.shape.no_tool_history && ask.has_results {
            let message =
                "Invalid request: the chat template does not support messages with role 'tool'.";
            return Some(Refusal::invalid(message));
        }
        self.overflow(ask, recipe)
    }

    fn overflow(&self, ask: &Ask, recipe: &Recipe) -> Option<Refusal> {
        let words = match (self.api, recipe.fault.overflow) {
            (Api::Anthropic, _) => Overflow::Anthropic,
            (Api::OpenAi, words) => words.unwrap_or(Overflow::OpenAi),
        };
        let (prompt, answer) = (ask.size.tokens(), ask.max_tokens.map(u64::from));
        match recipe.content.window.map(u64::from) {
            None if recipe.fault.overflow.is_some() => {
                let prompt = prompt.max(WINDOW + 1);
                Some(Refusal::overflow(words, Excess { prompt, answer, window: WINDOW }))
            }
            Some(window) if prompt + answer.unwrap_or(0) > window => {
                Some(Refusal::overflow(words, Excess { prompt, answer, window }))
            }
            _ => None,
        }
    }

    async fn play(&self, ask: &Ask, recipe: &Recipe) -> Answer {
        let pace = recipe.timing.pace.unwrap_or(self.stage.options.pace);
        let prefix = match self.api {
            Api::OpenAi => "call_sim",
            Api::Anthropic => "toolu_sim",
        };
        let plan = plan(ask, recipe, &self.stage.scripts, prefix, self.number);
        let kind = kind(recipe, ask.stream);
        let (mut openai, mut anthropic);
        let wire: &mut (dyn Wire + Send) = match self.api {
            Api::OpenAi => {
                openai = openai::Reply::new(&plan, ask, recipe, self.number);
                &mut openai
            }
            Api::Anthropic => {
                anthropic = anthropic::Reply::new(&plan, ask, recipe, self.number);
                &mut anthropic
            }
        };
        if ask.stream {
            let reel = compose::stream(&plan, wire, recipe, pace);
            return Answer::Played { reel, length: None, kind };
        }
        let body = wire.whole();
        tokio::time::sleep(compose::duration(&plan, recipe, pace)).await;
        let (reel, length) = compose::whole(body, recipe, pace);
        Answer::Played { reel, length: Some(length), kind }
    }
}

fn kind(recipe: &Recipe, stream: bool) -> &'static str {
    let honest = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    recipe.fault.content_type.unwrap_or(honest)
}
