//! One request: where it goes, and the response it becomes.
//!
//! Owns paths, methods, headers and limits; refuses to know what an answer says (`exchange`).

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue,
    LOCATION, RETRY_AFTER,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use serde_json::{Value, json};

use crate::exchange::{Answer, Exchange};
use crate::journal::{Outcome, Ticket};
use crate::line::Scissors;
use crate::playback::Playback;
use crate::recipe::Fault;
use crate::reel::Reel;
use crate::refusal::{Api, Refusal};
use crate::stage::Stage;
use crate::{anthropic, openai};

/// Longest request body in bytes, as both interfaces have it.
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// The connection that a request came over.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Counts the connections from one.
    pub number: u64,
    /// What breaks it.
    pub scissors: Scissors,
}

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub struct Gone;

/// What is asked for by path and method.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Root,
    Health,
    Completions,
    Messages,
    CountTokens,
    Models(Option<String>),
    Faults,
}

/// Answers one request.
pub async fn route(
    stage: Arc<Stage>,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response<Playback>, Gone> {
    let (parts, body) = request.into_parts();
    let api = api(parts.uri.path(), &parts.headers);
    let target = target(parts.uri.path(), &parts.method);
    let headers = parts.headers.clone();
    let method = parts.method.clone();
    let body = match body.size_hint().lower() {
        announced if announced > LONGEST_BODY as u64 => Err(Refusal::by_status(api, 413)),
        _ => match Limited::new(body, LONGEST_BODY).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refusal::by_status(api, 413)),
            Err(_) => return Err(Gone),
        },
    };
    let bytes = body.as_ref().cloned().unwrap_or_default();
    let json: Option<Value> = serde_json::from_slice(&bytes).ok();
    let model = json.as_ref().and_then(|json| json.get("model")).and_then(Value::as_str);
    let ticket = stage.journal.note(connection.number, parts, bytes, model);
    let desk = Desk { stage, api, method, headers, ticket, connection };
    match body.and(target) {
        Err(refusal) => Ok(desk.refuse(&refusal, &Fault::default())),
        Ok(target) => desk.serve(target, json).await,
    }
}

/// The interface that an error answers in.
fn api(path: &str, headers: &HeaderMap) -> Api {
    let speaks = path.starts_with("/v1/messages") || headers.contains_key("anthropic-version");
    if speaks { Api::Anthropic } else { Api::OpenAi }
}

fn target(path: &str, method: &Method) -> Result<Target, Refusal> {
    let (target, methods) = match path {
        "/" => (Target::Root, &[Method::GET, Method::HEAD][..]),
        "/health" => (Target::Health, &[Method::GET, Method::HEAD][..]),
        "/v1/chat/completions" => (Target::Completions, &[Method::POST][..]),
        "/v1/messages" => (Target::Messages, &[Method::POST][..]),
        "/v1/messages/count_tokens" => (Target::CountTokens, &[Method::POST][..]),
        "/v1/models" => (Target::Models(None), &[Method::GET][..]),
        "/sim/faults" => (Target::Faults, &[Method::GET, Method::POST, Method::DELETE][..]),
        path => match path.strip_prefix("/v1/models/") {
            Some(id) => (Target::Models(Some(id.to_owned())), &[Method::GET][..]),
            None => {
                let message = format!("Invalid URL ({method} {path})");
                return Err(Refusal::new(404, message));
            }
        },
    };
    if methods.contains(method) {
        return Ok(target);
    }
    let message = format!("Not allowed to {method} on {path}");
    Err(Refusal::new(405, message).code("method_not_supported"))
}

/// Turns one request into a response.
struct Desk {
    stage: Arc<Stage>,
    api: Api,
    method: Method,
    headers: HeaderMap,
    ticket: Ticket,
    connection: Connection,
}

// === impl Desk ===

impl Desk {
    async fn serve(self, target: Target, json: Option<Value>) -> Result<Response<Playback>, Gone> {
        let open = matches!(target, Target::Root | Target::Health);
        let admitted = if open { Ok(()) } else { self.stage.admit(self.api, &self.headers) };
        let answered = admitted.and_then(|()| match target {
            Target::Root | Target::Health => Ok(Some(json!({"status": "ok"}))),
            Target::Models(None) => Ok(Some(self.models())),
            Target::Models(Some(id)) => self.model(&id).map(Some),
            Target::Faults => self.faults(json.as_ref()).map(Some),
            Target::CountTokens => self.count(json.as_ref()).map(Some),
            Target::Completions | Target::Messages => Ok(None),
        });
        match (answered, self.body(json.as_ref())) {
            (Ok(Some(value)), _) => Ok(self.json(&value)),
            (Ok(None), Ok(body)) => self.converse(body).await,
            (Err(refusal), _) | (Ok(None), Err(refusal)) => {
                Ok(self.refuse(&refusal, &Fault::default()))
            }
        }
    }

    /// The JSON of a body whose headers say that it is some.
    fn body<'a>(&self, json: Option<&'a Value>) -> Result<&'a Value, Refusal> {
        let text =
            |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let kind = text(CONTENT_TYPE).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            let message = "Unsupported Media Type: Only 'application/json' is allowed";
            return Err(Refusal::new(415, message));
        }
        if text(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(Refusal::new(415, "Unsupported content encoding"));
        }
        json.ok_or_else(|| {
            Refusal::invalid(match self.api {
                Api::OpenAi => "We could not parse the JSON body of your request.",
                Api::Anthropic => "The request body is not valid JSON",
            })
        })
    }

    async fn converse(mut self, body: &Value) -> Result<Response<Playback>, Gone> {
        let exchange = Exchange {
            stage: &self.stage,
            api: self.api,
            headers: &self.headers,
            number: self.ticket.number(),
        };
        match exchange.answer(body).await {
            Answer::Refused(refusal, fault) => Ok(self.refuse(&refusal, &fault)),
            Answer::Played { reel, length, kind } => Ok(self.play(200, reel, length, kind)),
            Answer::Redirected => {
                let mut response = self.play(307, Reel::default(), Some(0), "text/plain");
                let elsewhere = HeaderValue::from_static("http://127.0.0.1:9/elsewhere");
                response.headers_mut().insert(LOCATION, elsewhere);
                Ok(response)
            }
            Answer::Gone => {
                self.ticket.end(Outcome::Broken);
                Err(Gone)
            }
        }
    }

    fn count(&self, json: Option<&Value>) -> Result<Value, Refusal> {
        let body = self.body(json)?;
        let dialect = anthropic::Dialect::read(&self.headers)?;
        Ok(anthropic::count(&anthropic::read(body, &dialect, true)?))
    }

    fn models(&self) -> Value {
        let names = self.stage.options.aliases.iter().map(|(alias, _)| alias.as_str());
        match self.api {
            Api::OpenAi => openai::models(names),
            Api::Anthropic => anthropic::models(names),
        }
    }

    fn model(&self, id: &str) -> Result<Value, Refusal> {
        let message = format!("The model '{id}' does not exist");
        let missing = || Refusal::new(404, message.clone()).code("model_not_found");
        self.stage.recipe(id).map_err(|_| missing())?;
        let one = match self.api {
            Api::OpenAi => openai::models(std::iter::once(id)),
            Api::Anthropic => anthropic::models(std::iter::once(id)),
        };
        one.pointer("/data/0").cloned().ok_or_else(missing)
    }

    /// Shows or switches the outage. A body in JSON is asked for so that no web page can do it unasked.
    fn faults(&self, json: Option<&Value>) -> Result<Value, Refusal> {
        if self.method == Method::DELETE {
            self.stage.outage.end();
        }
        if self.method == Method::POST {
            let body = self.body(json)?;
            let text = |name: &str| body.get(name).and_then(Value::as_str);
            let fault = text("fault").ok_or_else(|| Refusal::invalid("`fault` is required"))?;
            let begun = self.stage.outage.begin(fault, text("models").unwrap_or_default());
            begun.map_err(|error| Refusal::invalid(error.to_string()))?;
        }
        Ok(json!({"fault": self.stage.outage.fault()}))
    }

    fn json(self, value: &Value) -> Response<Playback> {
        let text = value.to_string();
        let length = text.len();
        let mut reel = Reel::default();
        reel.send(Bytes::from(text));
        self.play(200, reel, Some(length), "application/json")
    }

    fn refuse(self, refusal: &Refusal, fault: &Fault) -> Response<Playback> {
        let request_id = request_id(self.ticket.number());
        let (kind, body) = refusal.body(self.api, fault.error_body, &request_id);
        let length = body.len();
        let mut reel = Reel::default();
        reel.send(Bytes::from(body));
        let mut response = self.play(refusal.status, reel, Some(length), kind);
        let headers = response.headers_mut();
        if let Some(seconds) = fault.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(should) = fault.should_retry {
            let word = HeaderValue::from_static(if should { "true" } else { "false" });
            headers.insert("x-should-retry", word);
        }
        response
    }

    /// A response that plays a reel. Without a length it is chunked; without a kind it says none.
    fn play(
        self,
        status: u16,
        reel: Reel,
        length: Option<usize>,
        kind: &'static str,
    ) -> Response<Playback> {
        self.ticket.status(status);
        // Nobody plays the body of an answer to HEAD, so there must be nothing left to play.
        let reel = if self.method == Method::HEAD { Reel::default() } else { reel };
        let request_id = request_id(self.ticket.number());
        let name = match self.api {
            Api::OpenAi => "x-request-id",
            Api::Anthropic => "request-id",
        };
        let mut response =
            Response::new(Playback::new(reel, self.connection.scissors, self.ticket));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert(name, value);
        }
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        match length {
            Some(length) => headers.insert(CONTENT_LENGTH, HeaderValue::from(length)),
            None => headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        };
        if status == 405 {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, DELETE"));
        }
        response
    }
}

fn request_id(number: u64) -> String {
    format!("req_sim{number:08}")
}
