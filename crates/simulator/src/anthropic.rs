//! The Anthropic Messages interface, versions 2023-06-01 and 2026-10-21.
//!
//! Owns the wire's shapes both ways; refuses to share them with any client.

mod conversation;
mod field;
mod reply;
mod request;

pub use reply::{Reply, count, models};
pub use request::{Dialect, read};

/// The signature of a thinking block: a checksum (FNV-1a) of its text, so that a forged one is noticed.
fn signature(thinking: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = thinking.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("c2ltdWxhdG9y{hash:016x}")
}
