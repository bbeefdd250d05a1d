//! Where messages come from and answers go.
//!
//! Each platform has a folder whose `inbound` turns what arrived into one [`domain::Inbound`]; a
//! [`domain::Channel`] delivers its answers, [`Live`] those of platforms that are connections to ourselves.
//! A channel knows the intake it was given and nothing else of the engine.

pub mod api;
mod live;
pub mod web;

pub use live::Live;
