//! The providers against servers on loopback that write exact bytes.
#![cfg(test)]

mod anthropic;
mod failures;
mod limits;
mod openai;
mod server;
mod simulated;
mod wire;
