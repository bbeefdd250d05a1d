//! One provider's end of the wire: its address, its key, and how its failures are told.
//!
//! Refuses to hand out a stream before the provider has said that it answers.

use std::time::Duration;

use domain::Secret;
use egress::{Answer, Body, Egress, Endpoint, Request, Timeouts};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::complaint::Complaint;
use crate::{Error, ProviderSettings};

/// How much of a refusal is read, in bytes.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// How long a refusal may take to arrive; what has come by then must do.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);

/// Values shorter than this are not searched for in what a provider says.
const SHORTEST_SECRET: usize = 8;

/// A provider that can be called.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) id: String,
    egress: Egress,
    endpoint: Endpoint,
    timeouts: Timeouts,
    secrets: Vec<Secret>,
}

// === impl Upstream ===

impl Upstream {
    /// `authorize` puts the key where the format wants it; `ending` is what people copy behind an address.
    pub(crate) fn new(
        settings: &ProviderSettings,
        egress: Egress,
        ending: &str,
        authorize: impl FnOnce(Endpoint, &Secret) -> Result<Endpoint, egress::Error>,
    ) -> Result<Self, Error> {
        let key = settings.key.as_ref().filter(|key| !key.is_blank());
        let endpoint = || {
            let address = settings.base_url.trim().trim_end_matches('/');
            let address = address.strip_suffix(ending).unwrap_or(address);
            let mut endpoint = versioned(Endpoint::configured(address)?);
            for (name, value) in &settings.headers {
                endpoint = endpoint.with_header(name, value)?;
            }
            match key {
                Some(key) => authorize(endpoint, &Secret::new(key.expose().trim())),
                None => Ok(endpoint),
            }
        };
        let endpoint = endpoint().map_err(|source| Error::Settings {
            provider: settings.id.clone(),
            source: Box::new(source),
        })?;
        let secrets = key.into_iter().chain(settings.headers.iter().map(|(_, value)| value));
        let secrets = secrets.map(|secret| Secret::new(secret.expose().trim()));
        Ok(Self {
            id: settings.id.clone(),
            egress,
            endpoint,
            timeouts: settings.timeouts,
            secrets: secrets.filter(|secret| secret.expose().len() >= SHORTEST_SECRET).collect(),
        })
    }

    /// Posts the request and returns the body of a stream of events.
    pub(crate) async fn open<T: serde::Serialize + Sync>(
        &self,
        path: &str,
        model: &str,
        request: &T,
    ) -> Result<Body, Error> {
        let body = serde_json::to_vec(request)
            .map_err(|source| Error::Unwritable { provider: self.id.clone(), source })?;
        let request = Request::post_json(&self.endpoint, path, body)
            .header(ACCEPT, HeaderValue::from_static("text/event-stream"))
            // A compressed stream waits in the compressor until enough of it has gathered.
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .timeouts(self.timeouts);
        let answer = self.egress.send(request).await.map_err(|error| self.broken(error))?;
        if !answer.status.is_success() {
            return Err(self.refusal(answer, model).await);
        }
        if is_stream(&answer.headers) {
            return Ok(answer.body);
        }
        let beginning = answer.body.beginning(REFUSAL_LIMIT, REFUSAL_PATIENCE).await;
        Err(match Complaint::in_answer(&String::from_utf8_lossy(&beginning)) {
            Some(complaint) => self.complained(&complaint, model),
            None => self.malformed("a page or a document in place of a stream of events"),
        })
    }

    /// The error for a complaint that came in place of an answer or inside it.
    pub(crate) fn complained(&self, complaint: &Complaint, model: &str) -> Error {
        let message = self.safe(&complaint.message);
        complaint.error(self.id.clone(), model.to_owned(), message)
    }

    /// The error for an answer that cannot be understood.
    pub(crate) fn malformed(&self, what: &str) -> Error {
        Error::Malformed { provider: self.id.clone(), message: self.safe(what) }
    }

    /// The error for an answer that ended before it was complete.
    pub(crate) fn cut(&self) -> Error {
        Error::Cut { provider: self.id.clone(), source: None }
    }

    /// The error for an exchange that broke.
    pub(crate) fn broken(&self, error: egress::Error) -> Error {
        let provider = self.id.clone();
        let timed_out = matches!(error, egress::Error::Timeout { .. });
        let cut = matches!(error, egress::Error::Cut { .. });
        let source = Box::new(error);
        match (timed_out, cut) {
            (true, _) => Error::Timeout { provider, source: Some(source) },
            (_, true) => Error::Cut { provider, source: Some(source) },
            _ => Error::Transport { provider, source },
        }
    }

    async fn refusal(&self, answer: Answer, model: &str) -> Error {
        let beginning = answer.body.beginning(REFUSAL_LIMIT, REFUSAL_PATIENCE).await;
        let complaint = Complaint::read(&beginning).unwrap_or_default();
        self.complained(&complaint.with_head(answer.status, &answer.headers), model)
    }

    /// A provider's own words: one line, without our keys.
    fn safe(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "***");
            }
        }
        domain::text::one_line(&text, domain::text::FIELD_LIMIT)
    }
}

/// Puts `/v1` behind an address that names no version.
fn versioned(endpoint: Endpoint) -> Endpoint {
    let is_version = |segment: &str| {
        let mut letters = segment.chars();
        letters.next() == Some('v') && letters.next().is_some_and(|letter| letter.is_ascii_digit())
    };
    let named = endpoint.path().split('/').any(is_version);
    if named { endpoint } else { endpoint.below("v1") }
}

/// Whether a successful answer can be a stream of events. Some servers do not say what they send.
fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !(kind.starts_with("application/json") || kind.starts_with("text/html"))
}
