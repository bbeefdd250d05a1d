//! The built-in page, and every client that speaks the gateway's own protocol.

mod inbound;

pub(crate) use inbound::is_key;
pub use inbound::{Error, Said, inbound};
