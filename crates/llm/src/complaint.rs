//! What a provider says when it does not answer, in whichever of the usual forms, and which error that is.
//!
//! Read leniently: `{"error": {...}}` (OpenAI, Anthropic), `{"error": "..."}`, the flat form of older vLLM,
//! `{"detail": ...}` (`FastAPI`), or plain text.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use crate::Error;
use crate::overflow::Overflow;

/// Longest wait that a provider can ask of us.
const LONGEST_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a provider complained about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Its words; not safe to show.
    pub(crate) message: String,
    /// The status of the answer, or the one that the complaint names.
    pub(crate) status: Option<u16>,
    /// Its class and its code, as far as they are names.
    names: Vec<String>,
    retry_after: Option<Duration>,
}

// === impl Complaint ===

impl Complaint {
    /// Reads the body of an answer. `None` when there is nothing, a page, or JSON that complains of nothing.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            let says_something = !text.is_empty() && !text.starts_with('<');
            return says_something.then(|| Self { message: text.to_owned(), ..Self::default() });
        };
        let detail =
            marked(&json).or_else(|| json.get("detail")).or_else(|| json.get("message"))?;
        Some(Self::from_detail(detail))
    }

    /// Reads what came where an answer was promised: an event of a stream, or the body of a status 200.
    /// There only a marked complaint is one.
    pub(crate) fn in_answer(data: &str) -> Option<Self> {
        let json = serde_json::from_str::<Value>(data).ok()?;
        marked(&json).map(Self::from_detail)
    }

    /// The same complaint, with what the head of the answer says.
    pub(crate) fn with_head(mut self, status: StatusCode, headers: &HeaderMap) -> Self {
        self.status = Some(status.as_u16());
        self.retry_after = retry_after(headers);
        if self.message.is_empty() {
            status.canonical_reason().unwrap_or("no reason given").clone_into(&mut self.message);
        }
        self
    }

    /// A complaint that was heard of.
    pub(crate) fn reported(status: u16, message: String) -> Self {
        Self { message, status: Some(status), ..Self::default() }
    }

    /// The error that this is. `message` is the complaint's own, made safe.
    pub(crate) fn error(&self, provider: String, model: String, message: String) -> Error {
        let retry_after = self.retry_after;
        let status = self.status();
        if matches!(status, 400 | 413 | 422 | 500)
            && let Some(Overflow { limit, asked }) = Overflow::read(&self.message, &self.names)
        {
            return Error::ContextOverflow { provider, message, limit, asked };
        }
        match status {
            _ if self.is_named("insufficient_quota") => Error::Payment { provider, message },
            401 | 403 => Error::Authentication { provider, message },
            402 => Error::Payment { provider, message },
            404 => Error::NotFound { provider, model, message },
            408 => Error::Timeout { provider, source: None },
            429 => Error::RateLimited { provider, message, retry_after },
            503 | 529 => Error::Overloaded { provider, message, retry_after },
            500.. => Error::Server { provider, message, status },
            _ => Error::Invalid { provider, message, status },
        }
    }

    fn from_detail(detail: &Value) -> Self {
        let field = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = match detail {
            Value::String(text) => text.clone(),
            _ => field("message").or_else(|| field("msg")).unwrap_or_else(|| detail.to_string()),
        };
        let code = detail.get("code").or_else(|| detail.get("status"));
        let status = code.and_then(|code| match code {
            Value::String(text) => text.parse().ok(),
            _ => code.as_u64().and_then(|code| u16::try_from(code).ok()),
        });
        Self {
            message,
            status: status.filter(|status| (400..600).contains(status)),
            names: [field("type"), field("code")].into_iter().flatten().collect(),
            retry_after: None,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// The status, or what the names stand for when there is none, as inside a stream.
    fn status(&self) -> u16 {
        let of_name = |name: &String| match name.as_str() {
            "invalid_request_error" | "BadRequestError" | "context_length_exceeded" => Some(400),
            "authentication_error" | "invalid_api_key" | "AuthenticationError" => Some(401),
            "billing_error" => Some(402),
            "permission_error" | "PermissionDeniedError" => Some(403),
            "not_found_error" | "model_not_found" | "NotFoundError" => Some(404),
            "timeout_error" => Some(408),
            "request_too_large" => Some(413),
            "rate_limit_error" | "rate_limit_exceeded" | "RateLimitError" => Some(429),
            "overloaded_error" | "ServiceUnavailableError" => Some(529),
            _ => None,
        };
        self.status.or_else(|| self.names.iter().find_map(of_name)).unwrap_or(500)
    }
}

/// The part of the JSON that says so itself.
fn marked(json: &Value) -> Option<&Value> {
    let flat = json.get("object").is_some_and(|object| object == "error");
    json.get("error").filter(|error| !error.is_null()).or(flat.then_some(json))
}

/// When to come back, from `retry-after-ms` (OpenAI) or `retry-after` in seconds or as a date, which is read
/// against the answer's own `date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str, unit: f64| {
        text.parse::<f64>().ok().and_then(|count| Duration::try_from_secs_f64(count * unit).ok())
    };
    let asked = text("retry-after-ms").and_then(|count| seconds(count, 0.001)).or_else(|| {
        let value = text(RETRY_AFTER.as_str())?;
        seconds(value, 1.0).or_else(|| {
            let moment = |text| {
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822)
            };
            let until = moment(value).ok()? - moment(text("date")?).ok()?;
            Some(Duration::try_from(until).unwrap_or_default())
        })
    });
    asked.map(|span| span.min(LONGEST_RETRY))
}
