//! The simulator over real sockets, seen by a client that shares no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is its failure report"
)]

mod anthropic;
mod client;
mod life;
mod openai;
mod said;
mod words;
