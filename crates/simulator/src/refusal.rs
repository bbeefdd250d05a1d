//! How a server says no: status, headers and the error body of each interface.
//!
//! Owns the two error envelopes and the texts of deliberate refusals; refuses to decide when to refuse.

use serde::Serialize;

use crate::recipe::{ErrorBody, Overflow};

/// The two interfaces that the simulator speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// OpenAI Chat Completions.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
}

/// One refusal, before it is written in an interface's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The text.
    pub message: String,
    /// The type on the OpenAI wire; the Anthropic wire derives its own from the status.
    kind: &'static str,
    /// The parameter that is wrong (OpenAI).
    param: Option<String>,
    /// The code (OpenAI): text, a number or null.
    code: Code,
    /// `SGLang`'s shape: the fields stand at the top.
    flat: bool,
}

/// The `code` of an OpenAI error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Code {
    /// Null.
    None,
    /// A word, as OpenAI has it.
    Word(&'static str),
    /// The status, as vLLM and `SGLang` have it.
    Number(u16),
}

/// The numbers of a request that does not fit.
#[derive(Debug, Clone, Copy)]
pub struct Excess {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens that the answer may have.
    pub answer: Option<u64>,
    /// Tokens that fit.
    pub window: u64,
}

// === impl Refusal ===

impl Refusal {
    /// A request that is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// A refusal with this status.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let (kind, code) = match status {
            401 => ("invalid_request_error", Code::Word("invalid_api_key")),
            402 => ("insufficient_quota", Code::Word("insufficient_quota")),
            403 => ("permission_error", Code::None),
            408 | 504 => ("timeout", Code::None),
            429 => ("requests", Code::Word("rate_limit_exceeded")),
            500.. => ("server_error", Code::None),
            _ => ("invalid_request_error", Code::None),
        };
        Self { status, message: message.into(), kind, param: None, code, flat: false }
    }

    /// The same with the name of the wrong parameter.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same with a code.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Code::Word(code);
        self
    }

    /// The refusal that a model name asks for by its status, in the words of the interface.
    pub fn by_status(api: Api, status: u16) -> Self {
        let message = match (api, status) {
            (Api::OpenAi, 400) => "Invalid request: refused by the simulator.",
            (Api::OpenAi, 401) => "Incorrect API key provided: sk-sim****.",
            (Api::OpenAi, 402) => "Insufficient balance.",
            (Api::OpenAi, 403) => "Your key has no access to this model.",
            (Api::OpenAi, 404) => "The model does not exist or you do not have access to it.",
            (Api::OpenAi, 429) => "Rate limit reached for requests. Please try again later.",
            (Api::OpenAi, 500) => "The server had an error while processing your request.",
            (Api::OpenAi, 503) => "The engine is currently overloaded, please try again later.",
            (Api::Anthropic, 400) => "messages: refused by the simulator",
            (Api::Anthropic, 401) => "invalid x-api-key",
            (Api::Anthropic, 402) => "Your credit balance is too low to access the API.",
            (Api::Anthropic, 403) => "Your API key does not have permission to use this resource.",
            (Api::Anthropic, 404) => "model: not found",
            (Api::Anthropic, 429) => "This request would exceed your rate limit.",
            (Api::Anthropic, 500) => "Internal server error",
            (_, 408) => "The request timed out.",
            (_, 409) => "The resource is being changed by another request.",
            (_, 413) => "Request exceeds the maximum size",
            (_, 422) => "The request is well formed but cannot be processed.",
            (_, 502) => "Bad gateway",
            (_, 504) => "The upstream server did not answer in time.",
            _ => "Overloaded",
        };
        Self::new(status, message)
    }

    /// The refusal of a request that does not fit, in the words of a server.
    pub fn overflow(words: Overflow, excess: Excess) -> Self {
        let Excess { prompt, answer, window } = excess;
        let total = prompt + answer.unwrap_or(0);
        let fits = prompt < window;
        let mut refusal = Self::invalid(match (words, answer) {
            (Overflow::Anthropic, Some(answer)) if fits => format!(
                "input length and `max_tokens` exceed context limit: {prompt} + {answer} > {window}, \
                 decrease input length or `max_tokens` and try again"
            ),
            (Overflow::Anthropic, _) => {
                format!("prompt is too long: {prompt} tokens > {window} maximum")
            }
            (Overflow::Sglang, Some(answer)) if fits => format!(
                "Requested token count exceeds the model's maximum context length of {window} tokens. \
                 You requested a total of {total} tokens: {prompt} tokens from the input messages and \
                 {answer} tokens for the completion. Please reduce the number of tokens in the input \
                 messages or the completion to fit within the limit."
            ),
            (Overflow::Sglang, _) => format!(
                "The input ({prompt} tokens) is longer than the model's context length ({window} tokens)."
            ),
            (Overflow::Vllm, Some(answer)) if fits => format!(
                "'max_tokens' or 'max_completion_tokens' is too large: {answer}. This model's maximum \
                 context length is {window} tokens and your request has {prompt} input tokens \
                 ({answer} > {window} - {prompt})."
            ),
            (_, Some(answer)) => format!(
                "This model's maximum context length is {window} tokens. However, you requested {total} \
                 tokens ({prompt} in the messages, {answer} in the completion). Please reduce the length \
                 of the messages or completion."
            ),
            (Overflow::Vllm, None) => format!(
                "This model's maximum context length is {window} tokens. However, your request has \
                 {prompt} input tokens. Please reduce the length of the input messages."
            ),
            (Overflow::OpenAi, None) => format!(
                "This model's maximum context length is {window} tokens. However, your messages resulted \
                 in {prompt} tokens. Please reduce the length of the messages."
            ),
        });
        match words {
            Overflow::OpenAi => refusal.code("context_length_exceeded").param("messages"),
            Overflow::Anthropic => refusal,
            Overflow::Vllm | Overflow::Sglang => {
                refusal.flat = words == Overflow::Sglang;
                refusal.kind = if refusal.flat { "BadRequest" } else { "BadRequestError" };
                refusal.code = Code::Number(400);
                refusal
            }
        }
    }

    /// The content type and text of the body.
    pub fn body(&self, api: Api, shape: ErrorBody, request_id: &str) -> (&'static str, String) {
        let json = "application/json";
        match shape {
            ErrorBody::Empty => ("text/plain", String::new()),
            ErrorBody::Text => ("text/plain; charset=utf-8", self.message.clone()),
            ErrorBody::Html => (
                "text/html",
                format!(
                    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\
                     \r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
                    self.status
                ),
            ),
            ErrorBody::Detail => (json, serde_json::json!({"detail": self.message}).to_string()),
            ErrorBody::Proper => (json, self.proper(api, request_id)),
        }
    }

    /// The body that the interface documents.
    fn proper(&self, api: Api, request_id: &str) -> String {
        let open = OpenAiError {
            object: self.flat.then_some("error"),
            message: &self.message,
            kind: self.kind,
            param: self.param.as_deref(),
            code: self.code,
        };
        let written = match api {
            Api::OpenAi if self.flat => serde_json::to_string(&open),
            Api::OpenAi => serde_json::to_string(&OpenAiEnvelope { error: open }),
            Api::Anthropic => serde_json::to_string(&AnthropicEnvelope {
                kind: "error",
                error: AnthropicError { kind: anthropic_kind(self.status), message: &self.message },
                request_id,
            }),
        };
        written.unwrap_or_default()
    }
}

/// The error type of the Anthropic interface for a status.
fn anthropic_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// `{"error":{...}}`.
#[derive(Serialize)]
struct OpenAiEnvelope<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'static str>,
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Code,
}

/// `{"type":"error","error":{...},"request_id":...}`.
#[derive(Serialize)]
struct AnthropicEnvelope<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: AnthropicError<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interface_has_its_own_envelope() {
        let refusal = Refusal::by_status(Api::Anthropic, 529);
        assert_eq!(
            refusal.body(Api::Anthropic, ErrorBody::Proper, "req_1").1,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#
        );
        let refusal = Refusal::invalid("No.").param("messages").code("empty_array");
        assert_eq!(
            refusal.body(Api::OpenAi, ErrorBody::Proper, "req_1").1,
            r#"{"error":{"message":"No.","type":"invalid_request_error","param":"messages","code":"empty_array"}}"#
        );
        assert_eq!(refusal.body(Api::OpenAi, ErrorBody::Detail, "").1, r#"{"detail":"No."}"#);
    }

    #[test]
    fn overflow_names_its_numbers() {
        let excess = Excess { prompt: 90, answer: Some(20), window: 100 };
        let text = |words| Refusal::overflow(words, excess).message;
        assert!(text(Overflow::Anthropic).contains("context limit: 90 + 20 > 100,"));
        assert!(text(Overflow::Vllm).contains("(20 > 100 - 90)"));
        assert!(text(Overflow::Sglang).contains("a total of 110 tokens: 90 tokens"));
        assert!(text(Overflow::OpenAi).contains("110 tokens (90 in the messages, 20 in"));
        let long = Excess { prompt: 120, answer: Some(20), window: 100 };
        let text = Refusal::overflow(Overflow::Anthropic, long).message;
        assert_eq!(text, "prompt is too long: 120 tokens > 100 maximum");
        let flat = Refusal::overflow(Overflow::Sglang, long);
        let body = flat.body(Api::OpenAi, ErrorBody::Proper, "").1;
        assert!(
            body.starts_with(r#"{"object":"error","message":"The input (120 tokens)"#),
            "{body}"
        );
    }
}
