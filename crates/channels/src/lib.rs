//! Where messages come from and answers go.
//!
//! Each platform has a folder with the same files: `inbound` turns what arrived into one
//! [`domain::Inbound`], `outbound` delivers an answer. A channel knows the intake it was given and nothing
//! else of the engine.

pub mod api;
mod live;
pub mod web;
