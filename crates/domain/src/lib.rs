//! The words of the product and the rules that hold between them.
//!
//! Nothing here does I/O, knows an async runtime, or reads a clock: what needs one is handed in through
//! [`Clock`] and [`Ids`]. Every other crate may depend on this one; this one depends on none of them.

pub mod actor;
pub mod backoff;
pub mod backpressure;
pub mod budget;
pub mod capacity;
pub mod clock;
pub mod concurrency;
pub mod error;
pub mod event;
pub mod id;
pub mod message;
pub mod person;
pub mod platform_event;
pub mod queue;
pub mod sample;
pub mod secret;
pub mod session;
pub mod steady;
pub mod tenant;
pub mod text;
pub mod tool_policy;
pub mod turns;
pub mod worker;

pub use actor::Actor;
pub use clock::{Clock, Ids, Timestamp, Uptime};
pub use concurrency::Pool;
pub use error::{Coded, Failure, Kind};
pub use event::{Event, EventBody};
pub use id::{BadName, MessageId, RunId, SessionId, SessionKey, TenantId, TenantSlug};
pub use message::{Answer, Channel, Delivery, Inbound, Intake, Refusal, Role, Verdict};
pub use person::PersonKey;
pub use platform_event::{Occurrence, PlatformEvent, Witness};
pub use sample::Sample;
pub use secret::Secret;
pub use turns::{PartialAnswer, Turns};
pub use worker::Pulse;
