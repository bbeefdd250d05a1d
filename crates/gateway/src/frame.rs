//! The three frames of protocol v4: request, response, event.
//!
//! Owns their JSON; refuses a request that is too deep or of another type before anything looks at it.

use std::fmt::Display;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{Error, json};

/// What a client asks. `{type:"req", id, method, params?}`
#[derive(Debug)]
pub struct Request {
    /// The client's own name for the request; comes back in the response.
    pub id: String,
    /// What to do.
    pub method: String,
    /// With what; `{}` when the client sent none.
    pub params: Box<RawValue>,
}

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// One of a closed set.
    pub code: FaultCode,
    /// For a person.
    pub message: String,
    /// For a program: at least `code`, the stable code of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// When, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The error codes of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultCode {
    /// The request itself is wrong.
    InvalidRequest,
    /// No valid credential.
    Unauthorized,
    /// A credential that does not reach this far.
    Forbidden,
    /// It does not exist, or the caller may not know.
    NotFound,
    /// Not now.
    Unavailable,
}

/// The longest id and method name we repeat.
const LONGEST_NAME: usize = 200;

#[derive(Deserialize)]
struct RawRequest {
    r#type: String,
    id: String,
    method: String,
    #[serde(default)]
    params: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Response<'a, T: Serialize> {
    r#type: &'static str,
    id: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Fault>,
}

#[derive(Serialize)]
struct Event<'a, T: Serialize> {
    r#type: &'static str,
    event: &'a str,
    payload: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

// === impl Request ===

impl Request {
    /// Reads a request frame. Fields that we do not know are left alone: newer clients send more.
    ///
    /// # Errors
    /// [`Error::TooDeep`], [`Error::Malformed`], or [`Error::Field`] when it is no request.
    pub fn read(text: &[u8], depth: usize) -> Result<Self, Error> {
        let raw: RawRequest = json::read(text, depth)?;
        if raw.r#type != "req" {
            return Err(Error::Field { field: "type", problem: "must be \"req\"".to_owned() });
        }
        for (field, value) in [("id", &raw.id), ("method", &raw.method)] {
            if value.is_empty() || value.len() > LONGEST_NAME {
                let problem = format!("must have 1 to {LONGEST_NAME} bytes");
                return Err(Error::Field { field, problem });
            }
        }
        let params = match raw.params {
            Some(params) if params.get() != "null" => params,
            _ => {
                RawValue::from_string("{}".to_owned()).map_err(|error| Error::malformed(&error))?
            }
        };
        Ok(Self { id: raw.id, method: raw.method, params })
    }

    /// The parameters in the shape that a method takes.
    ///
    /// # Errors
    /// [`Error::Malformed`] when they do not fit.
    pub fn params<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        serde_json::from_str(self.params.get()).map_err(|error| Error::malformed(&error))
    }
}

/// The frame that answers request `id`.
#[must_use]
pub fn response<T: Serialize>(id: &str, outcome: Result<&T, &Fault>) -> Utf8Bytes {
    encode(&Response {
        r#type: "res",
        id,
        ok: outcome.is_ok(),
        payload: outcome.ok(),
        error: outcome.err(),
    })
}

/// The frame that tells of an event; `seq` counts the events of one connection from 1.
#[must_use]
pub fn event<T: Serialize>(name: &str, payload: &T, seq: Option<u64>) -> Utf8Bytes {
    encode(&Event { r#type: "event", event: name, payload, seq })
}

/// The same when the payload is JSON already: shown, it is.
#[must_use]
pub fn event_of(name: &'static str, payload: &impl Display, seq: u64) -> Utf8Bytes {
    let frame = format!(r#"{{"type":"event","event":"{name}","payload":{payload},"seq":{seq}}}"#);
    Utf8Bytes::from(frame)
}

fn encode<T: Serialize>(frame: &T) -> Utf8Bytes {
    let text = serde_json::to_vec(frame).unwrap_or_else(|error| {
        // Only a map with keys that are no strings gets here, and no payload of ours has one.
        tracing::error!(%error, "a frame could not be written as JSON");
        b"{}".to_vec()
    });
    Utf8Bytes::try_from(Bytes::from(text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_are_read_and_unknown_fields_left_alone() {
        let request =
            Request::read(br#"{"type":"req","id":"1","method":"m","x":[1],"params":{"a":2}}"#, 64)
                .unwrap();
        assert_eq!((request.id.as_str(), request.method.as_str()), ("1", "m"));
        assert_eq!(request.params.get(), r#"{"a":2}"#);
        let bare = Request::read(br#"{"type":"req","id":"1","method":"m","params":null}"#, 64);
        assert_eq!(bare.unwrap().params.get(), "{}");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let long = format!(r#"{{"type":"req","id":"{}","method":"m"}}"#, "x".repeat(201));
        for bad in [
            "",
            "[]",
            r#"{"type":"res","id":"1","ok":true}"#,
            r#"{"type":"req","id":1,"method":"m"}"#,
            r#"{"type":"req","id":"","method":"m"}"#,
            r#"{"type":"req","id":"1"}"#,
            r#"{"type":"req","id":"1","id":"2","method":"m"}"#,
            &long,
        ] {
            assert!(Request::read(bad.as_bytes(), 64).is_err(), "{bad}");
        }
    }

    #[test]
    fn frames_read_as_the_protocol_says() {
        let fault = Error::UnknownMethod("x".to_owned()).fault();
        assert_eq!(
            response::<()>("7", Err(&fault)).as_str(),
            r#"{"type":"res","id":"7","ok":false,"error":{"code":"INVALID_REQUEST","message":"unknown method: x","details":{"code":"method-unknown"},"retryable":false}}"#
        );
        assert_eq!(
            event("tick", &serde_json::json!({"ts": 5}), Some(3)).as_str(),
            r#"{"type":"event","event":"tick","payload":{"ts":5},"seq":3}"#
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Request::read(&bytes, 64);
        }
    }
}
