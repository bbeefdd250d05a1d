//! The built-in page, and every client that speaks the gateway's own protocol.

mod inbound;
mod outbound;

pub(crate) use inbound::is_key;
pub use inbound::{Error, Said, inbound};
pub use outbound::Web;
