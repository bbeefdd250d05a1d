//! The OpenAI Chat Completions interface, as OpenAI, vLLM and `SGLang` serve it.
//!
//! Owns the wire's shapes both ways; refuses to share them with any client.

mod conversation;
mod field;
mod reply;
mod request;

pub use reply::{Reply, models};
pub use request::read;
