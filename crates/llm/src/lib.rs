//! Language models: what is asked of them, what they answer, and the two wire formats they speak.
//!
//! The only crate that knows provider JSON.

pub mod anthropic;
mod complaint;
mod error;
mod models;
pub mod openai;
mod overflow;
mod provider;
mod reading;
mod request;
mod settings;
pub mod sse;
mod upstream;
mod wire;

pub use error::Error;
pub use models::{Hop, Models, Route};
pub use provider::{EventStream, Provider, StopReason, StreamEvent};
pub use request::{Request, Tool, ToolCall, ToolResult, Turn};
pub use settings::{Api, ModelSettings, ProviderSettings, Timeouts};
