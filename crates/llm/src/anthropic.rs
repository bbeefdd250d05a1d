//! The Anthropic Messages format: its wire types, and a provider that speaks it.
//!
//! Fields and blocks that are not known are kept or passed over, never refused.
//! <https://platform.claude.com/docs/en/api/messages>

mod content;
mod decode;
mod encode;
mod event;
mod provider;
mod request;
mod response;

pub use content::{Block, CacheControl, Content, ImageSource};
pub use event::{Delta, MessageDelta, StreamEvent};
pub use provider::Anthropic;
pub use request::{Message, Request, Role, Tool, ToolChoice};
pub use response::{ErrorBody, ErrorDetail, Response, StopReason, Usage};
