//! Drives the real binary from outside, as people, programs and bad days do.
//!
//! Two trials: [`crash`] kills it and counts what was lost, [`bench`] measures it. Nothing of the product is
//! linked in, so that what is measured is what is shipped.

pub mod bench;
pub mod binary;
pub mod caller;
pub mod crash;
pub mod engine;
pub mod home;
pub mod process;
pub mod socket;
pub mod table;
