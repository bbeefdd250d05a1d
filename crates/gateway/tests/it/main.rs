//! The gateway on real sockets.
#![cfg(test)]

mod access;
mod completions;
mod front;
mod house;
mod protocol;
mod sockets;
mod terminal;
