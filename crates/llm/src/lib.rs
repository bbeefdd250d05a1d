//! Language models: what is asked of them, what they answer, and the two wire formats they speak.
//!
//! The only crate that knows provider JSON.

pub mod sse;
