//! The path of a message, walked on both engines against a simulated model.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod budget;
mod failure;
mod order;
mod partial;
mod pool;
mod pressure;
mod restart;
mod scene;
mod suspension;
