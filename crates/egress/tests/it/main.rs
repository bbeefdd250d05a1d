//! The client against servers on loopback that write exact bytes.
#![cfg(test)]

mod answers;
mod server;
mod tls;
