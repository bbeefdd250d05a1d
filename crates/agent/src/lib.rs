//! What a tenant's agent knows when it answers.
//!
//! Owns the workspace files and the making of a prompt; never talks to a model itself.

mod prompt;
mod workspace;

pub use prompt::{Batch, Prompt};
pub use workspace::{Brief, Error, Workspace};
