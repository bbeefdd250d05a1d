//! The OpenAI-compatible interface: a program asks an agent as it would ask a model.

mod inbound;

pub use inbound::{Ask, Asked, Error, inbound};
