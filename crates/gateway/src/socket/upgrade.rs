//! From HTTP to WebSocket (RFC 6455, section 4.2).
//!
//! Owns the handshake; refuses every extension, compression among them, and every version but 13.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::allowance::{Allowance, Allowed};
use crate::client::Client;
use crate::gateway::Context;
use crate::task::TaskKind;
use crate::{Error, Limits};

/// Idle connections hold this much to read into.
const READ_BUFFER: usize = 2 * 1024;

/// What a WebSocket frame adds to its payload at most.
const FRAME_HEAD: usize = 14;

/// Whether a request asks to become a WebSocket.
#[must_use]
pub fn is_asked(headers: &HeaderMap) -> bool {
    has_word(headers, &UPGRADE, "websocket")
}

/// Answers 101 and serves the socket in a task of its own.
pub(crate) fn upgrade(context: Context, client: Client, mut request: Request) -> Response {
    let accept = match accept(request.headers()) {
        Ok(accept) => accept,
        Err(error) => return error.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Error::NotAnUpgrade("a connection that can be upgraded").into_response();
    };
    let tasks = context.tasks.clone();
    tasks.spawn(TaskKind::Socket, async move {
        // It fails when the client is gone already.
        let Ok(upgraded) = on_upgrade.await else { return };
        let limits = &context.gateway.limits;
        let allowed = Allowed::new(limits.frame_before_auth + FRAME_HEAD);
        let stream = Allowance::new(TokioIo::new(upgraded), allowed.clone());
        let settings = Some(configuration(limits));
        let wire = WebSocketStream::from_raw_socket(stream, Role::Server, settings).await;
        super::run(context, client, wire, allowed).await;
    });
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

fn accept(headers: &HeaderMap) -> Result<HeaderValue, Error> {
    if !is_asked(headers) {
        return Err(Error::NotAnUpgrade("Upgrade: websocket"));
    }
    if !has_word(headers, &CONNECTION, "upgrade") {
        return Err(Error::NotAnUpgrade("Connection: upgrade"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Error::NotAnUpgrade("Sec-WebSocket-Version: 13"));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).into_iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Error::NotAnUpgrade("one Sec-WebSocket-Key"));
    };
    derive_accept_key(key.as_bytes())
        .parse()
        .map_err(|_| Error::NotAnUpgrade("one Sec-WebSocket-Key"))
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(word))
}

fn configuration(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(limits.frame))
        .max_frame_size(Some(limits.frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(*name, HeaderValue::from_static(value));
            map
        })
    }

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_key_is_answered_as_the_standard_says() {
        // The example of RFC 6455, section 1.3.
        assert_eq!(accept(&headers(&GOOD)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_lacks_anything_is_refused() {
        for missing in GOOD {
            let lines: Vec<_> = GOOD.into_iter().filter(|line| *line != missing).collect();
            assert!(accept(&headers(&lines)).is_err(), "without {}", missing.0);
        }
        let old = [GOOD[0], GOOD[1], ("sec-websocket-version", "8"), GOOD[3]];
        assert!(accept(&headers(&old)).is_err());
    }
}
