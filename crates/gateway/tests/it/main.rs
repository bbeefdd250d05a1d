//! The gateway on real sockets.

mod access;
mod completions;
mod front;
mod house;
mod protocol;
mod sockets;
