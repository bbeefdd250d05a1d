//! What a tenant's agent knows when it answers, and the programs that can answer in a model's place.
//!
//! Owns the workspace files, the making of a prompt, and child processes; never talks to a model itself.

pub mod backend;
pub mod child;
mod prompt;
mod task;
mod workspace;

pub use backend::CliBackend;
pub use prompt::{Batch, Prompt};
pub use workspace::{Brief, Error, Workspace};
