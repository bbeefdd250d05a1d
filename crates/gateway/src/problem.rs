//! How a failure looks on the wire: the one place where kinds become statuses and envelopes.
//!
//! Owns the mapping for HTTP (problem+json, RFC 9457, and the OpenAI error object) and for protocol v4;
//! refuses to show the words of failures that are our own fault.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::{Coded, Kind};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::frame::{Fault, FaultCode};

/// A failure, ready to be written in any envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the failure means.
    pub kind: Kind,
    /// The stable code that `openclaw explain` knows.
    pub code: &'static str,
    /// One or two sentences for a person.
    pub detail: String,
    /// The numbers in it, for a program.
    pub figures: Map<String, Value>,
}

/// The members of `application/problem+json` that we send.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(flatten)]
    figures: &'a Map<String, Value>,
}

// === impl Problem ===

impl Problem {
    /// The problem that an error of any crate is.
    #[must_use]
    pub fn of(error: &dyn Coded) -> Self {
        let kind = error.kind();
        let detail = match kind {
            Kind::Internal | Kind::Upstream => {
                format!(
                    "something failed behind the gateway; the log has it as {code}, `openclaw explain {code}` says more",
                    code = error.code()
                )
            }
            _ => error.to_string(),
        };
        Self { status: status(kind), kind, code: error.code(), detail, figures: figures(error) }
    }

    /// When asking again makes sense, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self.kind {
            Kind::Exhausted { retry_after } | Kind::Overloaded { retry_after } => {
                Some(u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX))
            }
            _ => None,
        }
    }

    /// The answer in the shape that OpenAI's clients read.
    #[must_use]
    pub fn openai(&self) -> Response {
        let mut body = json!({
            "message": self.detail, "type": self.openai_type(), "param": null, "code": self.code,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(self.figures.clone());
        }
        let body = json!({ "error": body });
        self.with_headers((self.status, Json(body)).into_response())
    }

    /// OpenAI's word for the kind of error.
    #[must_use]
    pub fn openai_type(&self) -> &'static str {
        match self.kind {
            Kind::Unauthenticated => "authentication_error",
            Kind::Forbidden => "permission_error",
            Kind::Exhausted { .. } => "rate_limit_error",
            Kind::Overloaded { .. } | Kind::Upstream | Kind::Internal => "server_error",
            Kind::NotFound | Kind::Conflict | Kind::Invalid => "invalid_request_error",
        }
    }

    /// The answer as an error of protocol v4.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let code = match self.kind {
            Kind::Invalid | Kind::Conflict => FaultCode::InvalidRequest,
            Kind::NotFound => FaultCode::NotFound,
            Kind::Unauthenticated => FaultCode::Unauthorized,
            Kind::Forbidden => FaultCode::Forbidden,
            Kind::Exhausted { .. } | Kind::Overloaded { .. } | Kind::Upstream | Kind::Internal => {
                FaultCode::Unavailable
            }
        };
        let mut details = self.figures.clone();
        details.insert("code".to_owned(), self.code.into());
        Fault {
            code,
            message: self.detail.clone(),
            details: Some(Value::Object(details)),
            retryable: matches!(self.kind, Kind::Exhausted { .. } | Kind::Overloaded { .. }),
            retry_after_ms: self.retry_after_ms(),
        }
    }

    fn with_headers(&self, mut response: Response) -> Response {
        if let Some(milliseconds) = self.retry_after_ms() {
            let seconds = milliseconds.div_ceil(1_000).max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let status = match error {
            Error::WrongHost(_) => Some(StatusCode::MISDIRECTED_REQUEST),
            Error::TargetTooLong { .. } => Some(StatusCode::URI_TOO_LONG),
            Error::HeadersTooLarge { .. } => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Error::WrongMethod => Some(StatusCode::METHOD_NOT_ALLOWED),
            Error::NotAnUpgrade(_) => Some(StatusCode::UPGRADE_REQUIRED),
            Error::MediaType | Error::Encoding => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Error::BodyTooLarge { .. } => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Error::BodyTooSlow { .. } => Some(StatusCode::REQUEST_TIMEOUT),
            _ => None,
        };
        let mut problem = Self::of(error);
        if let Error::Turn(failure) = error {
            // The engine wrote it for the person who asked.
            problem.detail.clone_from(&failure.text);
        }
        Self { status: status.unwrap_or(problem.status), ..problem }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let envelope = Envelope {
            r#type: format!("/errors/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            retry_after_ms: self.retry_after_ms(),
            figures: &self.figures,
        };
        let mut response = (self.status, Json(envelope)).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        self.with_headers(response)
    }
}

impl Error {
    /// The error as protocol v4 shows it; a missing scope is named, so that a client can ask for it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let mut fault = Problem::from(self).fault();
        if let Self::MissingScope { needed } = self {
            fault.details = Some(json!({
                "code": "MISSING_SCOPE",
                "missingScope": needed,
                "requiredScopes": [needed],
            }));
        }
        fault
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Logs a failure that is ours or that of something we depend on; the caller is told only its code.
pub fn note(error: &Error) {
    if matches!(error.kind(), Kind::Internal | Kind::Upstream) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(code = error.code(), %error, source, "a request failed");
    }
}

/// The numbers of an error, whole ones without a point.
fn figures(error: &dyn Coded) -> Map<String, Value> {
    let number = |value: f64| match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and small enough to be exact"
        )]
        whole if whole.fract() == 0.0 && (0.0..9e15).contains(&whole) => Value::from(whole as u64),
        other => Value::from(other),
    };
    error.figures().into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect()
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Exhausted { .. } => StatusCode::TOO_MANY_REQUESTS,
        Kind::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Upstream => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_may_be_tried_again_says_when() {
        let problem = Problem::from(Error::LockedOut { retry_after: Duration::from_millis(1_500) });
        let fault = problem.fault();
        assert!(fault.retryable);
        assert_eq!((fault.code, fault.retry_after_ms), (FaultCode::Unavailable, Some(1_500)));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn a_full_pool_tells_every_number_in_every_envelope() {
        let pressure = domain::backpressure::Pressure {
            depth: 19,
            most_waiting: 32,
            busy: 4,
            most_workers: 4,
        };
        let retry_after = Duration::from_secs(15);
        let refusal =
            domain::Refusal::Backpressure { pressure, level: 72, threshold: 70, retry_after };
        let problem = Problem::from(Error::from(refusal));
        assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
        let details = problem.fault().details.unwrap();
        assert_eq!(details["queueDepth"], json!(19));
        assert_eq!(details["threshold"], json!(0.7));
        assert_eq!(details["code"], json!("backpressure-refused"));
        assert_eq!(problem.openai().headers()[RETRY_AFTER], "15");
    }

    #[test]
    fn our_own_failures_keep_their_words_to_themselves() {
        let source = std::io::Error::other("/home/operator/secret-path");
        let problem = Problem::from(Error::Log(source));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            !problem.detail.contains("secret-path") && problem.detail.contains("log-unreadable")
        );
    }
}
