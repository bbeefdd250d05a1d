//! What the gateway counts.
//!
//! Owns names, units and help texts; refuses tenant ids as labels, which would let a client grow them
//! without bound.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Connections refused because there were too many.
pub const CONNECTIONS_REFUSED: &str = "openclaw_gateway_connections_refused_total";
/// Connections given up because the peer did not read.
pub const CONNECTIONS_STALLED: &str = "openclaw_gateway_connections_stalled_total";
/// HTTP answers, by status class.
pub const HTTP_RESPONSES: &str = "openclaw_gateway_http_responses_total";
/// Time to the head of an HTTP answer.
pub const HTTP_SECONDS: &str = "openclaw_gateway_http_response_seconds";
/// Open sockets of protocol v4.
pub const SOCKETS: &str = "openclaw_gateway_sockets";
/// Sockets closed by us, by close code.
pub const SOCKETS_CLOSED: &str = "openclaw_gateway_sockets_closed_total";
/// Protocol requests, by outcome.
pub const REQUESTS: &str = "openclaw_gateway_requests_total";
/// Time to answer a protocol request.
pub const REQUEST_SECONDS: &str = "openclaw_gateway_request_seconds";
/// Wrong credentials.
pub const CREDENTIALS_REFUSED: &str = "openclaw_gateway_credentials_refused_total";

/// Describes everything above to the recorder; once, at start.
pub fn describe() {
    describe_counter!(CONNECTIONS_REFUSED, "Connections refused because there were too many.");
    describe_counter!(CONNECTIONS_STALLED, "Connections given up because the peer did not read.");
    describe_counter!(HTTP_RESPONSES, "HTTP answers by class of status.");
    describe_histogram!(HTTP_SECONDS, Unit::Seconds, "Time to the head of an HTTP answer.");
    describe_gauge!(SOCKETS, "Open WebSockets.");
    describe_counter!(SOCKETS_CLOSED, "WebSockets closed by the gateway, by close code.");
    describe_counter!(REQUESTS, "Requests of protocol v4, by outcome.");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time to answer a request of protocol v4.");
    describe_counter!(CREDENTIALS_REFUSED, "Credentials that were not valid.");
}
