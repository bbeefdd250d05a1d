//! Names and meanings of this crate's metrics.

use std::time::Duration;

use domain::budget::Unit;
use domain::event::Usage;
use domain::worker::RecycleReason;
use domain::{Coded, Verdict};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const TAKEN: &str = "openclaw_messages_taken_total";
const TURNS: &str = "openclaw_turns_total";
const TURN_SECONDS: &str = "openclaw_turn_duration_seconds";
const FIRST_WORD_SECONDS: &str = "openclaw_turn_first_word_seconds";
const WAIT_SECONDS: &str = "openclaw_message_wait_seconds";
const TOKENS: &str = "openclaw_model_tokens_total";
const RUNNING: &str = "openclaw_turns_running";
const WAITING: &str = "openclaw_sessions_waiting";
const PARKED: &str = "openclaw_messages_parked_total";
const RECYCLED: &str = "openclaw_workers_recycled_total";
const STUCK: &str = "openclaw_worker_stuck_total";
const OVER_BUDGET: &str = "openclaw_budget_refusals_total";
const REFUSALS: &str = "openclaw_refusals_total";

const UNAUDITED: &str = "openclaw_audit_dropped_total";

/// Says what each metric means.
pub fn describe() {
    describe_counter!(TAKEN, "Messages handed in, by what became of them.");
    describe_counter!(TURNS, "Turns ended, by how.");
    describe_histogram!(TURN_SECONDS, "Time from the start of a turn to its end.");
    describe_histogram!(
        FIRST_WORD_SECONDS,
        "Time from the start of a turn to the model's first word."
    );
    describe_histogram!(WAIT_SECONDS, "Time from a message's arrival to the start of its turn.");
    describe_counter!(TOKENS, "Tokens that models used, by kind.");
    describe_gauge!(RUNNING, "Turns that run now.");
    describe_gauge!(WAITING, "Sessions that wait for a turn.");
    describe_counter!(UNAUDITED, "Events that were to be audited and came too fast to be kept.");
    describe_counter!(PARKED, "Messages parked because their turns kept failing.");
    describe_counter!(RECYCLED, "Workers that a new one took the place of, by reason.");
    describe_counter!(REFUSALS, "Messages that were refused, by the stable code of why.");
    describe_counter!(OVER_BUDGET, "Calls that a budget did not allow, by what it counts.");
    crate::pool::describe();
    describe_counter!(STUCK, "Workers from which nothing was heard for too long.");
}

pub(crate) fn taken(verdict: &Verdict) {
    let word = match verdict {
        Verdict::Admitted { duplicate: false, .. } => "admitted",
        Verdict::Admitted { duplicate: true, .. } => "duplicate",
        Verdict::Refused(refusal) => {
            counter!(REFUSALS, "code" => refusal.code()).increment(1);
            refusal.code()
        }
    };
    counter!(TAKEN, "verdict" => word).increment(1);
}

pub(crate) fn unaudited(events: u64) {
    counter!(UNAUDITED).increment(events);
}

pub(crate) fn turn_ended(how: &'static str, took: Duration) {
    counter!(TURNS, "outcome" => how).increment(1);
    histogram!(TURN_SECONDS).record(took);
}

pub(crate) fn first_word(after: Duration) {
    histogram!(FIRST_WORD_SECONDS).record(after);
}

pub(crate) fn waited(time: Duration) {
    histogram!(WAIT_SECONDS).record(time);
}

pub(crate) fn used(usage: Usage) {
    counter!(TOKENS, "kind" => "input").increment(usage.input);
    counter!(TOKENS, "kind" => "cached").increment(usage.cached);
    counter!(TOKENS, "kind" => "output").increment(usage.output);
}

pub(crate) fn load(running: usize, waiting: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody runs 2^52 turns")]
    let (running, waiting) = (running as f64, waiting as f64);
    gauge!(RUNNING).set(running);
    gauge!(WAITING).set(waiting);
}

pub(crate) fn over_budget(unit: Unit) {
    let unit = match unit {
        Unit::Tokens => "tokens",
        Unit::Money(_) => "money",
    };
    counter!(OVER_BUDGET, "unit" => unit).increment(1);
}

pub(crate) fn recycled(reason: RecycleReason) {
    counter!(RECYCLED, "reason" => reason.as_str()).increment(1);
}

pub(crate) fn stuck() {
    counter!(STUCK).increment(1);
}

pub(crate) fn parked(messages: usize) {
    counter!(PARKED).increment(u64::try_from(messages).unwrap_or(u64::MAX));
}
