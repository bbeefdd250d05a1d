//! What a turn does, as a pure machine: `step(state, event) -> effects`.
//!
//! Owns the rules of retrying and parking; knows neither the store nor the network.

use std::time::Duration;

use domain::Failure;
use domain::backoff::Backoff;
use domain::event::Usage;
use llm::StreamEvent;

use crate::Error;
use crate::running::Reason;

/// A turn between its start and its conclusion.
#[derive(Debug)]
pub(super) struct Machine {
    /// Turns that were begun for these messages before, all of which failed.
    failed: u32,
    /// How they are tried again.
    retry: Backoff,
    text: String,
    /// Who was asked, written `provider/model`.
    model: String,
}

/// What can happen to a turn.
#[derive(Debug)]
pub(super) enum Happening {
    /// This model of this provider has taken the question.
    Asked { provider: String, model: String },
    /// The model said something.
    Said(StreamEvent),
    /// Something failed.
    Failed(Error),
    /// It is to stop.
    Stopped(Reason),
}

/// What is to be done about it.
#[derive(Debug)]
pub(super) enum Effect {
    /// Nothing.
    Wait,
    /// Tell that the model said more.
    Publish(String),
    /// End the turn.
    Conclude(Conclusion),
}

/// How a turn ends.
#[derive(Debug, PartialEq)]
pub(super) enum Conclusion {
    /// With an answer.
    Answer { text: String, model: String, usage: Usage, aborted: bool },
    /// It is tried again after a while.
    Retry { after: Duration, failure: Failure },
    /// It is tried again after a while, and this was no attempt: nothing about the messages failed.
    Postpone { after: Duration, failure: Failure },
    /// It is not tried again until somebody looks.
    Park { failure: Failure },
    /// The messages go back to the queue as if nothing had been tried.
    Release,
}

// === impl Conclusion ===

impl Conclusion {
    /// Tokens that the turn cost, as far as they are known.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Self::Answer { usage, .. } => usage.input + usage.cached + usage.output,
            Self::Retry { .. } | Self::Postpone { .. } | Self::Park { .. } | Self::Release => 0,
        }
    }

    /// Whether the turn counts, and whether as a failure. One that was put off or given back was none.
    pub(super) fn failed(&self) -> Option<bool> {
        match self {
            Self::Answer { .. } => Some(false),
            Self::Retry { .. } | Self::Park { .. } => Some(true),
            Self::Postpone { .. } | Self::Release => None,
        }
    }

    /// The stable code of what went wrong.
    pub(super) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Retry { failure, .. }
            | Self::Postpone { failure, .. }
            | Self::Park { failure } => Some(failure.code),
            Self::Answer { .. } | Self::Release => None,
        }
    }
}

// === impl Machine ===

impl Machine {
    /// A turn whose messages have failed this often before, to be asked of this model.
    pub(super) fn new(failed: u32, retry: Backoff, model: String) -> Self {
        Self { failed, retry, text: String::new(), model }
    }

    pub(super) fn step(&mut self, happening: Happening) -> Effect {
        match happening {
            Happening::Asked { provider, model } => {
                self.model = format!("{provider}/{model}");
                Effect::Wait
            }
            Happening::Said(StreamEvent::Text(text)) => {
                self.text.push_str(&text);
                Effect::Publish(text)
            }
            // Thoughts are not part of the answer. Calls cannot come: no tool was offered.
            Happening::Said(StreamEvent::Thinking(_) | StreamEvent::ToolCall(_)) => Effect::Wait,
            Happening::Said(StreamEvent::Done { usage, .. }) => Effect::Conclude(self.done(usage)),
            Happening::Failed(error) => Effect::Conclude(self.failure(&error)),
            Happening::Stopped(Reason::Person) => {
                Effect::Conclude(self.answer(Usage::default(), true))
            }
            Happening::Stopped(Reason::Interrupted | Reason::Stopping | Reason::Suspended) => {
                Effect::Conclude(Conclusion::Release)
            }
            Happening::Stopped(Reason::Stuck(silent)) => {
                Effect::Conclude(self.failure(&Error::Stuck { silent }))
            }
            Happening::Stopped(Reason::Memory { bytes, limit }) => {
                Effect::Conclude(self.failure(&Error::Memory { bytes, limit }))
            }
        }
    }

    fn done(&mut self, usage: Usage) -> Conclusion {
        if self.text.trim().is_empty() {
            return self.failure(&Error::Empty { model: self.model.clone() });
        }
        self.answer(usage, false)
    }

    fn answer(&mut self, usage: Usage, aborted: bool) -> Conclusion {
        let (text, model) = (std::mem::take(&mut self.text), std::mem::take(&mut self.model));
        Conclusion::Answer { text, model, usage, aborted }
    }

    /// A failure that may pass is tried again, later each time; one that will not, or came too often, is
    /// parked. A provider that says when to come back is believed, up to the longest delay. A store that is
    /// away is no failure of the messages, however long it stays away, and neither is a provider that is not
    /// asked because of its limits or its circuit.
    fn failure(&self, error: &Error) -> Conclusion {
        let failure = Failure::of(error);
        if matches!(error, Error::Store(store) if store.is_passing()) {
            return Conclusion::Postpone { after: self.retry.first, failure };
        }
        // Nobody was asked, so nobody failed.
        if matches!(error, Error::Model(model) if model.is_unsent()) {
            let after = error.retry_after().unwrap_or_default();
            let after = after.clamp(self.retry.first, self.retry.longest.max(self.retry.first));
            return Conclusion::Postpone { after, failure };
        }
        // Calls under way hold what is missing, or the window ends in a moment: nobody failed.
        if let Some(after) = error.retry_after().filter(|after| *after <= self.retry.longest)
            && matches!(error, Error::Store(store::Error::Budget(_)))
        {
            return Conclusion::Postpone { after: after.max(self.retry.first), failure };
        }
        let delay = self.retry.delay(self.failed.saturating_add(1));
        match delay.filter(|_| error.is_passing()) {
            Some(delay) => {
                let asked = error.retry_after().unwrap_or_default().min(self.retry.longest);
                Conclusion::Retry { after: delay.max(asked), failure }
            }
            None => Conclusion::Park { failure },
        }
    }
}

#[cfg(test)]
mod tests {
    use llm::StopReason;

    use super::*;

    fn machine(failed: u32) -> Machine {
        Machine::new(failed, Backoff::MESSAGE, "m".to_owned())
    }

    fn said(text: &str) -> Happening {
        Happening::Said(StreamEvent::Text(text.to_owned()))
    }

    fn done() -> Happening {
        let usage = Usage { input: 3, cached: 0, output: 2 };
        Happening::Said(StreamEvent::Done { stop: StopReason::End, usage, model: "m-1".to_owned() })
    }

    fn conclusion(effect: Effect) -> Conclusion {
        match effect {
            Effect::Conclude(conclusion) => conclusion,
            other => panic!("{other:?}"),
        }
    }

    fn overloaded(retry_after: Option<Duration>) -> Happening {
        let (provider, message) = ("p".to_owned(), "busy".to_owned());
        Happening::Failed(Error::Model(llm::Error::Overloaded { provider, message, retry_after }))
    }

    #[test]
    fn the_answer_is_everything_that_was_published() {
        let mut turn = machine(0);
        let mut published = String::new();
        turn.step(Happening::Asked { provider: "p".to_owned(), model: "m-1".to_owned() });
        for word in ["Hel", "lo ", "there"] {
            match turn.step(said(word)) {
                Effect::Publish(text) => published.push_str(&text),
                other => panic!("{other:?}"),
            }
        }
        let Conclusion::Answer { text, model, aborted, usage } = conclusion(turn.step(done()))
        else {
            panic!("an answer")
        };
        assert_eq!((text, model.as_str(), aborted, usage.output), (published, "p/m-1", false, 2));
    }

    #[test]
    fn a_passing_failure_is_retried_later_each_time_then_parked() {
        let after = |failed| match conclusion(machine(failed).step(overloaded(None))) {
            Conclusion::Retry { after, failure } if failure.code == "model-overloaded" => {
                Some(after.as_secs())
            }
            Conclusion::Park { failure } if failure.code == "model-overloaded" => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (0..5).map(after).collect::<Vec<_>>(),
            [Some(2), Some(4), Some(8), Some(16), None]
        );
    }

    #[test]
    fn a_provider_that_says_when_to_come_back_is_believed_within_reason() {
        let after = |seconds| {
            let happening = overloaded(Some(Duration::from_secs(seconds)));
            match conclusion(machine(0).step(happening)) {
                Conclusion::Retry { after, .. } => after.as_secs(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((after(1), after(60), after(86_400)), (2, 60, 300));
    }

    #[test]
    fn a_store_that_is_away_never_parks_a_message() {
        for failed in [0, 4, 5, 1_000] {
            let away = store::Error::Unavailable { action: "reading" };
            let told = conclusion(machine(failed).step(Happening::Failed(away.into())));
            assert!(
                matches!(&told, Conclusion::Postpone { failure, .. } if failure.code == "store-unavailable"),
                "{told:?}"
            );
        }
        let broken = store::Error::Disk { action: "reading" };
        let told = conclusion(machine(0).step(Happening::Failed(broken.into())));
        assert!(
            matches!(&told, Conclusion::Park { failure } if failure.code == "store-disk"),
            "{told:?}"
        );
    }

    #[test]
    fn a_provider_that_was_not_asked_never_parks_a_message() {
        for failed in [0, 4, 5, 1_000] {
            let (provider, message) = ("p".to_owned(), "model-timeout".to_owned());
            let retry_after = Duration::from_secs(9);
            let open = llm::Error::CircuitOpen { provider, message, retry_after };
            let told = conclusion(machine(failed).step(Happening::Failed(open.into())));
            assert!(
                matches!(told, Conclusion::Postpone { after, .. } if after == retry_after),
                "{told:?}"
            );
        }
        let too_large = llm::Error::ProviderLimit {
            provider: "p".to_owned(),
            limit: llm::LimitKind::TokensPerMinute,
            used: 9,
            allowed: 5,
            retry_after: None,
        };
        let told = conclusion(machine(0).step(Happening::Failed(too_large.into())));
        assert!(
            matches!(&told, Conclusion::Park { failure } if failure.code == "provider-limit"),
            "{told:?}"
        );
    }

    #[test]
    fn a_failure_that_will_not_pass_is_parked_at_once() {
        let error =
            llm::Error::Authentication { provider: "p".to_owned(), message: "no".to_owned() };
        let parked = conclusion(machine(0).step(Happening::Failed(error.into())));
        assert!(
            matches!(&parked, Conclusion::Park { failure } if failure.code == "model-authentication")
        );
    }

    #[test]
    fn a_person_keeps_what_was_said_and_an_interruption_throws_it_away() {
        let mut turn = machine(0);
        turn.step(said("half"));
        let Conclusion::Answer { text, aborted, .. } =
            conclusion(turn.step(Happening::Stopped(Reason::Person)))
        else {
            panic!("an answer")
        };
        assert_eq!((text.as_str(), aborted), ("half", true));
        let released = conclusion(turn.step(Happening::Stopped(Reason::Interrupted)));
        assert_eq!(released, Conclusion::Release);
    }

    #[test]
    fn an_empty_answer_is_a_failure() {
        let retried = conclusion(machine(0).step(done()));
        assert!(
            matches!(&retried, Conclusion::Retry { failure, .. } if failure.code == "model-empty-answer")
        );
    }
}
