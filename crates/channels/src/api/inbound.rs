//! What a program asked.
//!
//! `model` names an agent: `openclaw` or `openclaw/default` is the caller's own, `openclaw/<tenant>` that
//! tenant's. Without `user` or a session key the request stands alone and carries its own history; with one
//! of them the agent remembers, and only what the person said last is taken.

use std::time::Duration;

use domain::message::Said;
use domain::{BadName, Coded, Inbound, Kind, Role, RunId, SessionKey, TenantSlug};
use llm::openai::{self, Content, Part};

/// One request, with what the server knows about the one who asks.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What was asked.
    pub request: openai::Request,
    /// Whom `openclaw` alone means.
    pub default: TenantSlug,
    /// Who asks: the credential's own name, never one that the caller chose. Sessions of different callers
    /// never meet, whatever they call them.
    pub caller: String,
    /// The conversation that the caller named in a header.
    pub session: Option<String>,
    /// The caller's name for the request, or a fresh one: asking again under it gives the same answer.
    pub run: RunId,
}

/// A request that can be handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The message.
    pub inbound: Inbound,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the stream ends with what was used.
    pub include_usage: bool,
    /// The model's name as it was asked for.
    pub model: String,
}

/// A request that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `model` names no agent.
    #[error(
        "the model {0:?} does not exist; use \"openclaw\" or \"openclaw/<tenant>\", see GET /v1/models"
    )]
    Model(String),
    /// A field that cannot be honoured.
    #[error("{field}: {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// The name of the conversation is unusable.
    #[error(transparent)]
    Session(#[from] BadName),
}

/// Fields by which some servers let a caller choose where a key is sent. They are refused by name.
const ROUTING: &[&str] =
    &["api_base", "api_key", "base_url", "baseUrl", "extra_headers", "headers", "proxy"];

/// Turns it into an inbound message.
///
/// # Errors
/// [`Error`] names the field.
pub fn inbound(ask: Ask) -> Result<Asked, Error> {
    let Ask { request, default, caller, session, run } = ask;
    refuse_unsupported(&request)?;
    if !crate::web::is_key(&run.0) {
        return Err(field("Idempotency-Key", "1 to 128 printable characters without spaces"));
    }
    let tenant = tenant(&request.model, default)?;
    let named = session.or_else(|| request.user.clone());
    let conversation = match &named {
        Some(name) => format!("user:{caller}:{name}"),
        None => format!("once:{}", run.0),
    };
    let mut said = said(&request.messages)?;
    let text = take_question(&mut said)?;
    if named.is_some() {
        // The transcript has the rest; instructions are not in it.
        said.retain(|said| said.role == Role::System);
    }
    let key = SessionKey::new(tenant, domain::id::API, &conversation)?;
    Ok(Asked {
        stream: request.stream,
        include_usage: request.stream_options.is_some_and(|options| options.include_usage),
        model: request.model,
        inbound: Inbound {
            session: key,
            peer: caller,
            run,
            text,
            context: said,
            debounce: Some(Duration::ZERO),
        },
    })
}

fn refuse_unsupported(request: &openai::Request) -> Result<(), Error> {
    if let Some(routing) = ROUTING.iter().copied().find(|name| request.extra.contains_key(*name)) {
        return Err(field(
            routing,
            "where a request goes is configured, not asked for; leave it out",
        ));
    }
    if request.n.is_some_and(|n| n != 1) {
        return Err(field("n", "an agent gives one answer; leave it out or ask several times"));
    }
    if !request.tools.is_empty() {
        return Err(field("tools", "an agent has its own tools; leave them out"));
    }
    Ok(())
}

fn tenant(model: &str, default: TenantSlug) -> Result<TenantSlug, Error> {
    match model.strip_prefix("openclaw") {
        Some("" | "/default") => Ok(default),
        Some(rest) => rest
            .strip_prefix('/')
            .and_then(|slug| slug.parse().ok())
            .ok_or_else(|| unknown_model(model)),
        None => Err(unknown_model(model)),
    }
}

fn unknown_model(model: &str) -> Error {
    Error::Model(domain::text::one_line(model, 64))
}

fn said(messages: &[openai::Message]) -> Result<Vec<Said>, Error> {
    messages
        .iter()
        .map(|message| {
            let role = match message.role {
                openai::Role::System | openai::Role::Developer => Role::System,
                openai::Role::User => Role::User,
                openai::Role::Assistant => Role::Assistant,
                openai::Role::Tool | openai::Role::Function => {
                    return Err(field(
                        "messages",
                        "results of tools cannot be handed in; leave them out",
                    ));
                }
            };
            Ok(Said { role, text: text(message.content.as_ref())? })
        })
        .collect()
}

fn text(content: Option<&Content>) -> Result<String, Error> {
    let Some(content) = content else { return Ok(String::new()) };
    if let Content::Parts(parts) = content
        && parts.iter().any(|part| !matches!(part, Part::Text { .. }))
    {
        return Err(field(
            "messages",
            "only text parts are understood; leave pictures and files out",
        ));
    }
    Ok(content.text())
}

/// What the person said last, which is what is to be answered. Several contributions in a row are one.
fn take_question(said: &mut Vec<Said>) -> Result<String, Error> {
    let is_answer = |said: &Said| said.role == Role::Assistant;
    let begin = said.iter().rposition(is_answer).map_or(0, |last| last + 1);
    let mut question = Vec::new();
    let mut rest = said.split_off(begin);
    rest.retain(|said| {
        let is_question = said.role == Role::User;
        if is_question {
            question.push(said.text.clone());
        }
        !is_question
    });
    said.append(&mut rest);
    let text = question.join("\n\n");
    if text.trim().is_empty() {
        return Err(field("messages", "the last message must be the user's, with some text"));
    }
    Ok(text)
}

fn field(field: &'static str, problem: &'static str) -> Error {
    Error::Field { field, problem }
}

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Model(_) => Kind::NotFound,
            Self::Field { .. } | Self::Session(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Model(_) => "agent-not-found",
            Self::Field { .. } => "request-field",
            Self::Session(_) => "session-key",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(body: Value) -> Result<Asked, Error> {
        let ask = Ask {
            request: serde_json::from_value(body).unwrap(),
            default: "main".parse().unwrap(),
            caller: "operator".to_owned(),
            session: None,
            run: RunId("r-1".to_owned()),
        };
        inbound(ask)
    }

    fn messages() -> Value {
        json!([
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": [{"type": "text", "text": "and"}]},
            {"role": "user", "content": "now?"},
        ])
    }

    #[test]
    fn a_request_that_stands_alone_carries_its_history() {
        let asked = asked(json!({"model": "openclaw", "messages": messages()})).unwrap();
        assert_eq!(asked.inbound.text, "and\n\nnow?");
        assert_eq!(asked.inbound.context.len(), 3);
        assert_eq!(asked.inbound.session.to_string(), "agent:main:api:once:r-1");
    }

    #[test]
    fn with_a_user_the_agent_remembers() {
        let body = json!({"model": "openclaw/aliya", "user": "42", "messages": messages()});
        let asked = asked(body).unwrap();
        assert_eq!(
            asked.inbound.context,
            [Said { role: Role::System, text: "be kind".to_owned() }]
        );
        assert_eq!(asked.inbound.session.to_string(), "agent:aliya:api:user:operator:42");
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let with = |field: &str, value: Value| {
            let mut body = json!({"model": "openclaw", "messages": messages()});
            body[field] = value;
            asked(body).unwrap_err().to_string()
        };
        assert!(with("api_base", json!("http://evil.test")).starts_with("api_base: "));
        assert!(with("n", json!(2)).starts_with("n: "));
        assert!(
            with("messages", json!([{"role": "assistant", "content": "x"}]))
                .starts_with("messages: ")
        );
        assert!(with("messages", json!([])).starts_with("messages: "));
        assert!(with("model", json!("gpt-4o")).contains("\"gpt-4o\""));
        assert!(with("model", json!("openclawx")).contains("does not exist"));
        assert!(with("model", json!("openclaw/../x")).contains("does not exist"));
    }
}
