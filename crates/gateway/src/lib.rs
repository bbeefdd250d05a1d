//! The door: protocol v4 over WebSocket, the HTTP surface, who may do what, and the embedded page.
//!
//! Owns everything that speaks HTTP to the outside; refuses to decide what a message means or where it
//! is kept. Nothing gets past [`guard`] and [`access`]: every route stands behind both.

pub mod access;
pub mod body;
pub mod client;
pub mod credential;
pub mod error;
pub mod frame;
pub mod gateway;
pub mod guard;
pub mod json;
pub mod lease;
pub mod limiter;
pub mod limits;
pub mod listener;
pub mod log_file;
mod methods;
pub mod metrics;
pub mod problem;
pub mod protocol;
mod routes;
pub mod settings;
pub mod socket;
pub mod task;
pub mod tell;
pub mod vitals;

pub use error::Error;
pub use gateway::{Gateway, OpenGateway, Providers};
pub use limits::Limits;
pub use listener::{Bind, Listener};
pub use settings::{Model, Settings};
