//! The outside world on loopback: a model server that speaks OpenAI Chat Completions and Anthropic Messages, as
//! strict and as nasty as real ones. Behaviour is chosen by the name of the model; [`catalogue`] lists the words.
//!
//! Everything is deterministic: ids and times come from a counter. It owns its wire shapes and shares none with
//! any client, so that a mistake in one is not repeated in the other.

mod anthropic;
mod ask;
mod catalogue;
mod compose;
mod error;
mod exchange;
mod journal;
mod line;
mod model_name;
mod openai;
mod outage;
mod plan;
mod playback;
mod rate;
mod recipe;
mod reel;
mod refusal;
mod route;
mod schema;
mod script;
mod server;
mod stage;

pub use catalogue::{Item, Section, catalogue, markdown};
pub use error::{Error, Result};
pub use journal::{Counts, Entry, Journal, Outcome};
pub use rate::Rate;
pub use script::{Call, Script, Turn};
pub use server::{Options, Simulator};
