//! Every bound of the door in one place, with its default.
//!
//! Owns numbers only; what happens at a bound is decided where it is checked.

use std::time::Duration;

/// How much one client, and all of them together, may ask of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, all clients together.
    pub connections: usize,
    /// Connections at once from one loopback address.
    pub connections_per_loopback: usize,
    /// Connections at once from any other address (IPv6: from one /64).
    pub connections_per_address: usize,
    /// Time for a request's head to arrive, and for a kept connection to stay silent.
    pub head_timeout: Duration,
    /// Longest request target, in bytes.
    pub target: usize,
    /// All header names and values together, in bytes.
    pub headers: usize,
    /// Number of header lines.
    pub header_lines: usize,
    /// Time for a request's body to arrive.
    pub body_timeout: Duration,
    /// Largest body of an ordinary JSON request, in bytes.
    pub body: usize,
    /// Largest body of a chat completion, which carries a whole conversation, in bytes.
    pub chat_body: usize,
    /// Deepest nesting of JSON.
    pub json_depth: usize,
    /// A peer that takes nothing of what we write for this long is disconnected.
    pub write_stall: Duration,
    /// Time between opening a socket and a complete `connect`.
    pub connect_timeout: Duration,
    /// Everything a socket may send before it is authenticated, in bytes.
    pub frame_before_auth: usize,
    /// Largest message afterwards, in bytes: the longest text with every character escaped, and change.
    pub frame: usize,
    /// Frames per second that a socket may keep up.
    pub frames_per_second: u32,
    /// Frames that it may send at once after a pause.
    pub frame_burst: u32,
    /// What may wait to be sent to one socket, in bytes.
    pub outbound: usize,
    /// Time between two `tick` events.
    pub tick: Duration,
    /// Time between two pings; a peer silent for two of them is gone.
    pub ping: Duration,
    /// Longest time a method may take.
    pub method_timeout: Duration,
    /// Longest time that a program waits for an answer of an agent.
    pub completion_timeout: Duration,
    /// How often the credential of an open socket is looked at again.
    pub lease_check: Duration,
    /// Wrong credentials from one address within [`Self::failure_window`] before it is locked out.
    pub failures: u32,
    /// See [`Self::failures`].
    pub failure_window: Duration,
    /// How long a lock-out lasts.
    pub lockout: Duration,
    /// Whether loopback addresses may guess as often as they like.
    pub exempt_loopback: bool,
    /// How many addresses with failures are remembered.
    pub failure_addresses: usize,
    /// How long a stop waits for connections to finish by themselves.
    pub stop: Duration,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        Self {
            connections: 15_000,
            connections_per_loopback: 12_000,
            connections_per_address: 512,
            head_timeout: 10 * SECOND,
            target: 8 * 1024,
            headers: 32 * 1024,
            header_lines: 100,
            body_timeout: 30 * SECOND,
            body: 256 * 1024,
            chat_body: 20 * 1024 * 1024,
            json_depth: 64,
            write_stall: 30 * SECOND,
            connect_timeout: 10 * SECOND,
            frame_before_auth: 64 * 1024,
            frame: 6 * domain::message::LONGEST_TEXT + 64 * 1024,
            frames_per_second: 100,
            frame_burst: 200,
            outbound: 384 * 1024,
            tick: 30 * SECOND,
            ping: 25 * SECOND,
            method_timeout: 30 * SECOND,
            completion_timeout: 600 * SECOND,
            lease_check: SECOND,
            failures: 10,
            failure_window: 60 * SECOND,
            lockout: 300 * SECOND,
            exempt_loopback: false,
            failure_addresses: 10_000,
            stop: 20 * SECOND,
        }
    }
}
