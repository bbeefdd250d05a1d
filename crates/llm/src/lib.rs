//! Language models: what is asked of them, what they answer, and the two wire formats they speak.
//!
//! The only crate that knows provider JSON.

pub mod anthropic;
mod chain;
mod circuit;
mod complaint;
mod error;
mod gate;
mod limit;
pub mod metrics;
mod models;
mod observer;
pub mod openai;
mod overflow;
mod program;
mod provider;
mod reading;
mod request;
mod select;
mod settings;
pub mod sse;
mod standing;
mod upstream;
mod wire;

pub use chain::{Ask, Hop, Opened, Retries, Route};
pub use circuit::CircuitState;
pub use error::Error;
pub use limit::{LimitKind, Limits, Quota, Room};
pub use models::{Chain, Models};
pub use observer::{ModelEvent, Observer, Unobserved};
pub use program::ProgramError;
pub use provider::{EventStream, Provider, StopReason, StreamEvent};
pub use request::{Request, Tool, ToolCall, ToolResult, Turn};
pub use select::{Capability, Price, Requirements};
pub use settings::{Api, ModelSettings, ProviderSettings, Timeouts};
pub use standing::{LastError, ModelStanding, ProviderStanding};
