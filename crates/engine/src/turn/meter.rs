//! What a turn may spend: held before a model is asked, settled with what it used.
//!
//! Owns the worst case of a call and what becomes of it. Whether there is so much left is decided in the store,
//! in one transaction for every limit that the call must keep.

use std::sync::OnceLock;
use std::time::Duration;

use config::ModelRef;
use domain::PersonKey;
use domain::budget::{BudgetExceeded, Unit};
use domain::event::Usage;
use llm::{Request, Route, Turn};
use store::{Claimed, Hold, Reservation, Settlement, Spent};
use tokio::time::Instant;

use super::machine::Conclusion;
use crate::{Error, Settings, Shared, metrics};

/// What one turn holds and has used.
#[derive(Default)]
pub(super) struct Meter {
    held: OnceLock<Held>,
    /// The model that has begun to answer, `provider/model`.
    answering: OnceLock<String>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    reservation: Reservation,
    /// Tokens that will be read, at most.
    prompt: u64,
}

/// Most tokens of an answer where no model says otherwise.
const LONGEST_ANSWER: u64 = 4_096;
/// An answer shorter than this is not worth asking for.
const SHORTEST_ANSWER: u64 = 256;
/// A budget that begins anew so soon is waited for.
const SOON: Duration = Duration::from_secs(60);
/// What a contribution to a conversation costs beside its words, at most.
const FRAME: u64 = 16;

// === impl Meter ===

impl Meter {
    /// Holds what the call can cost at most, and tells it how long its answer may become. Where the budget
    /// ends sooner than the model, the answer may become only so long.
    pub(super) async fn reserve(
        &self,
        shared: &Shared,
        settings: &Settings,
        claimed: &Claimed,
        route: &Route,
        request: &mut Request,
    ) -> Result<(), Error> {
        let prompt = prompt_tokens(request);
        let longest = route.hops().iter().filter_map(|hop| hop.max_output).max();
        let output = request.max_tokens.or(longest).unwrap_or(LONGEST_ANSWER);
        let hold = |output| hold(shared, settings, claimed, route, prompt, output);
        let (output, reservation) = match hold(output).await {
            Ok(reservation) => (output, reservation),
            Err(error) => {
                let Some(shorter) = shorter(&error, prompt, output) else {
                    return Err(tell_the_door(shared, error));
                };
                let held = hold(shorter).await.map_err(|error| tell_the_door(shared, error))?;
                (shorter, held)
            }
        };
        request.max_tokens = Some(output);
        // A turn asks once.
        let _ = self.held.set(Held { reservation, prompt });
        Ok(())
    }

    /// A model has begun to answer.
    pub(super) fn answers(&self, provider: &str, model: &str) {
        let _ = self.answering.set(format!("{provider}/{model}"));
    }

    /// What is to be settled at the end of the turn, of which this much was said. Where no model began to
    /// answer everything is given back; where the provider could not say what it used, it is estimated.
    pub(super) fn settlement(
        &self,
        settings: &Settings,
        claimed: &Claimed,
        conclusion: &Conclusion,
        said: &str,
    ) -> Option<Settlement> {
        let Held { reservation, prompt } = *self.held.get()?;
        let spent = self.answering.get().map(|model| {
            let usage = match conclusion {
                Conclusion::Answer { usage, .. } if *usage != Usage::default() => *usage,
                _ => Usage { input: prompt, cached: 0, output: tokens(said) },
            };
            let price = settings.config.price(&claimed.key.tenant, &ModelRef::new(model.as_str()));
            let money = price.ok().map(|price| (price.currency, price.cost(usage)));
            Spent { model: model.clone(), usage, money }
        });
        Some(Settlement { reservation, spent })
    }
}

async fn hold(
    shared: &Shared,
    settings: &Settings,
    claimed: &Claimed,
    route: &Route,
    prompt: u64,
    output: u64,
) -> Result<Reservation, Error> {
    let at = shared.store.budget_time().await?;
    let tenant = &claimed.key.tenant;
    let person = claimed.messages.first().map(|message| PersonKey {
        account: claimed.key.account.clone(),
        peer: message.peer.clone(),
    });
    // The built-in simulator is not paid for.
    let models: Vec<ModelRef> = match settings.simulated {
        true => Vec::new(),
        false => route.hops().iter().map(|hop| ModelRef::new(hop.name())).collect(),
    };
    let lines = settings.config.budget_lines(&config::Call {
        tenant,
        tier: claimed.tier,
        person: person.as_ref().map(|person| (person, claimed.person_tier)),
        models: &models,
        prompt,
        output,
        at,
    })?;
    let hold = Hold {
        tenant: tenant.clone(),
        instance: shared.instance,
        session: Some(claimed.claim.session),
        lines,
        at,
        longest: settings.concurrency().worker_timeout * 2,
    };
    shared.store.reserve(hold).await.map_err(|error| {
        if let store::Error::Budget(exceeded) = &error {
            metrics::over_budget(exceeded.unit);
        }
        Error::Store(error)
    })
}

/// What is used up for long is refused from now on, before it is taken in.
fn tell_the_door(shared: &Shared, error: Error) -> Error {
    if let Error::Store(store::Error::Budget(exceeded)) = &error
        && (exceeded.needs_approval || exceeded.retry_after > SOON)
    {
        shared.admission.spent(BudgetExceeded::clone(exceeded), Instant::now());
    }
    error
}

/// How long an answer may become with what is left of the tokens, when that is worth asking for.
fn shorter(error: &Error, prompt: u64, output: u64) -> Option<u64> {
    let Error::Store(store::Error::Budget(exceeded)) = error else { return None };
    if exceeded.unit != Unit::Tokens || exceeded.needs_approval {
        return None;
    }
    let left = exceeded.standing.remaining?.checked_sub(prompt)?;
    (SHORTEST_ANSWER..output).contains(&left).then_some(left)
}

/// Tokens of a prompt, rather too many than too few.
fn prompt_tokens(request: &Request) -> u64 {
    let system: u64 = request.system.iter().map(|text| tokens(text) + FRAME).sum();
    let turn = |turn: &Turn| match turn {
        Turn::User(text) => tokens(text) + FRAME,
        Turn::Assistant { text, calls } => {
            let calls =
                calls.iter().map(|call| tokens(&call.name) + tokens(&call.arguments) + FRAME);
            tokens(text) + FRAME + calls.sum::<u64>()
        }
        Turn::Results(results) => results.iter().map(|result| tokens(&result.text) + FRAME).sum(),
    };
    let tools = request.tools.iter().map(|tool| {
        tokens(&tool.name) + tokens(&tool.description) + tokens(&tool.schema.to_string()) + FRAME
    });
    system + request.turns.iter().map(turn).sum::<u64>() + tools.sum::<u64>()
}

/// Tokens of a text, rather too many than too few: three letters of English make one at least, and no other
/// letter is more than one in the alphabets that our models were made for.
fn tokens(text: &str) -> u64 {
    let letters = text.chars().count();
    let ascii = text.bytes().filter(u8::is_ascii).count();
    u64::try_from(ascii.div_ceil(3) + (letters - ascii)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_never_taken_for_shorter_than_it_is() {
        // Figures of the o200k encoding.
        for (text, exact) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("Съешь же ещё этих мягких французских булок, да выпей чаю.", 16),
            ("敏捷的棕色狐狸跳过了懒狗。", 13),
            ("", 0),
        ] {
            assert!(tokens(text) >= exact, "{text}");
        }
        assert!(tokens(&"word ".repeat(1_000)) < 2_000);
    }

    #[test]
    fn everything_that_is_sent_is_counted() {
        let request = Request {
            system: vec!["aaa".to_owned()],
            turns: vec![Turn::User("bbbbbb".to_owned()), Turn::assistant("c".to_owned())],
            ..Request::default()
        };
        assert_eq!(prompt_tokens(&request), 1 + 2 + 1 + 3 * FRAME);
    }
}
