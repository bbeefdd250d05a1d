//! What can go wrong between us and a model, in words that name the provider and what to do.
//!
//! Refuses to repeat keys, and shows of a provider's own words one safe line.

use std::time::Duration;

use domain::{Coded, Kind};

use crate::complaint::Complaint;
use crate::{LimitKind, ProgramError};

/// When a provider that is busy does not say when to come back.
const DEFAULT_RETRY: Duration = Duration::from_secs(5);

/// What could not be done. Where there is a `message` it is the provider's, on one line, without keys.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields mean the same in every variant: see the type")]
pub enum Error {
    /// The provider does not accept our key, or there is none.
    #[error(
        "{provider} did not accept our key or got none ({message}); set a valid one at models.providers.{provider}.apiKey"
    )]
    Authentication { provider: String, message: String },
    /// The account has no credit, or may not use the model.
    #[error("{provider} wants to be paid ({message}); check the account's credit and limits there")]
    Payment { provider: String, message: String },
    /// The provider knows no such model, or the address is wrong.
    #[error(
        "{provider} knows no model {model:?} ({message}); check the model's name and models.providers.{provider}.baseUrl"
    )]
    NotFound { provider: String, model: String, message: String },
    /// We asked too often.
    #[error("{provider} says that we ask too often ({message}); try again {}, or raise the limit there", when(*retry_after))]
    RateLimited { provider: String, message: String, retry_after: Option<Duration> },
    /// The provider is busy.
    #[error("{provider} is overloaded ({message}); try again {}", when(*retry_after))]
    Overloaded { provider: String, message: String, retry_after: Option<Duration> },
    /// The conversation does not fit into the model's window. `limit` and `asked` are tokens, where told.
    #[error(
        "the conversation is too long for this model of {provider} ({message}); shorten it or start a new session"
    )]
    ContextOverflow { provider: String, message: String, limit: Option<u64>, asked: Option<u64> },
    /// The provider says that the request is wrong.
    #[error(
        "{provider} refused the request with status {status} ({message}); check the model's settings"
    )]
    Invalid { provider: String, message: String, status: u16 },
    /// The provider failed.
    #[error("{provider} failed with status {status} ({message}); try again later")]
    Server { provider: String, message: String, status: u16 },
    /// Nothing came for too long.
    #[error("{provider} took too long; try again, or raise models.providers.{provider}.timeouts")]
    Timeout {
        provider: String,
        #[source]
        source: Option<Box<egress::Error>>,
    },
    /// The answer broke off.
    #[error("{provider} broke off in the middle of its answer; try again")]
    Cut {
        provider: String,
        #[source]
        source: Option<Box<egress::Error>>,
    },
    /// The answer cannot be understood.
    #[error(
        "{provider} sent what cannot be understood: {message}; check that models.providers.{provider}.api and baseUrl fit"
    )]
    Malformed { provider: String, message: String },
    /// The provider cannot be reached.
    #[error(
        "{provider} cannot be reached; check models.providers.{provider}.baseUrl and the network"
    )]
    Transport {
        provider: String,
        #[source]
        source: Box<egress::Error>,
    },
    /// The provider's settings cannot be used.
    #[error(
        "the settings of the model provider {provider} cannot be used; correct models.providers.{provider}"
    )]
    Settings {
        provider: String,
        #[source]
        source: Box<egress::Error>,
    },
    /// The request cannot be written down.
    #[error("the request to {provider} cannot be written as JSON; report this")]
    Unwritable {
        provider: String,
        #[source]
        source: serde_json::Error,
    },
    /// Two providers have the same id.
    #[error(
        "two model providers are named {provider:?}; give each its own name below models.providers"
    )]
    DuplicateProvider { provider: String },
    /// No such model in the settings.
    #[error("no model {asked:?} is configured; {}", suggestion(nearest.as_deref()))]
    UnknownModel { asked: String, nearest: Option<String> },
    /// Several providers have a model of this name.
    #[error("{asked:?} could be any of {}; write one of these", candidates.join(", "))]
    AmbiguousModel { asked: String, candidates: Vec<String> },
    /// Our own limit for a provider is reached, and waiting longer would be in vain. Nothing was sent.
    #[error("{}", refused(provider, *limit, *used, *allowed, *retry_after))]
    ProviderLimit {
        provider: String,
        limit: LimitKind,
        used: u64,
        allowed: u64,
        /// `None`: the request is larger than the limit.
        retry_after: Option<Duration>,
    },
    /// A provider kept failing and is left alone for a while. Nothing was sent. The message is the code of
    /// its last failure.
    #[error("{provider} kept failing ({message}) and is not asked before {}s have passed; `openclaw providers` shows how it is", seconds(*retry_after))]
    CircuitOpen { provider: String, message: String, retry_after: Duration },
    /// A model cannot do what the request needs. Nothing was sent.
    #[error("{model} {lacks}; choose another model, or correct it below models.providers")]
    Unsuitable { model: String, lacks: String },
    /// Every model of a chain failed.
    #[error("all models failed: {reasons}; `openclaw providers` shows how they are")]
    AllFailed {
        /// What became of each, on one line.
        reasons: String,
        /// Whether one of them may answer later.
        transient: bool,
        retry_after: Option<Duration>,
    },
    /// A program that answers in a model's place failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

// === impl Error ===

impl Error {
    /// What a provider reported through somebody else: a status as HTTP has it, and its words, safe to show.
    #[must_use]
    pub fn reported(provider: String, model: String, status: u16, message: String) -> Self {
        let complaint = Complaint::reported(status, message.clone());
        complaint.error(provider, model, message)
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Server { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Malformed { .. }
            | Self::Transport { .. }
            | Self::CircuitOpen { .. } => true,
            Self::ProviderLimit { retry_after, .. } => retry_after.is_some(),
            Self::AllFailed { transient, .. } => *transient,
            Self::Authentication { .. }
            | Self::Payment { .. }
            | Self::NotFound { .. }
            | Self::ContextOverflow { .. }
            | Self::Invalid { .. }
            | Self::Settings { .. }
            | Self::Unwritable { .. }
            | Self::DuplicateProvider { .. }
            | Self::UnknownModel { .. }
            | Self::AmbiguousModel { .. }
            | Self::Unsuitable { .. } => false,
            Self::Program(error) => error.is_transient(),
        }
    }

    /// Whether nothing was sent: the provider knows nothing of the request, and the request is not to blame.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::ProviderLimit { retry_after, .. } => retry_after.is_some(),
            Self::CircuitOpen { .. } | Self::Program(ProgramError::Busy { .. }) => true,
            _ => false,
        }
    }

    /// When the provider said that asking again makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Overloaded { retry_after, .. }
            | Self::ProviderLimit { retry_after, .. }
            | Self::AllFailed { retry_after, .. } => *retry_after,
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                Kind::Overloaded { retry_after: retry_after.unwrap_or(DEFAULT_RETRY) }
            }
            Self::ProviderLimit { retry_after: Some(retry_after), .. }
            | Self::CircuitOpen { retry_after, .. }
            | Self::AllFailed { retry_after: Some(retry_after), .. } => {
                Kind::Overloaded { retry_after: *retry_after }
            }
            Self::ProviderLimit { retry_after: None, .. }
            | Self::Unsuitable { .. }
            | Self::ContextOverflow { .. }
            | Self::Settings { .. }
            | Self::DuplicateProvider { .. }
            | Self::AmbiguousModel { .. } => Kind::Invalid,
            Self::UnknownModel { .. } => Kind::NotFound,
            Self::Unwritable { .. } => Kind::Internal,
            Self::Authentication { .. }
            | Self::Payment { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::Server { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Malformed { .. }
            | Self::Transport { .. }
            | Self::AllFailed { retry_after: None, .. } => Kind::Upstream,
            Self::Program(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Authentication { .. } => "model-authentication",
            Self::Payment { .. } => "model-payment",
            Self::NotFound { .. } => "model-not-found",
            Self::RateLimited { .. } => "model-rate-limited",
            Self::Overloaded { .. } => "model-overloaded",
            Self::ContextOverflow { .. } => "model-context-overflow",
            Self::Invalid { .. } => "model-request-refused",
            Self::Server { .. } => "model-server-error",
            Self::Timeout { .. } => "model-timeout",
            Self::Cut { .. } => "model-answer-cut",
            Self::Malformed { .. } => "model-answer-malformed",
            Self::Transport { .. } => "model-unreachable",
            Self::Settings { .. } => "model-provider-settings",
            Self::Unwritable { .. } => "model-request-unwritable",
            Self::DuplicateProvider { .. } => "model-provider-duplicate",
            Self::UnknownModel { .. } => "model-unknown",
            Self::AmbiguousModel { .. } => "model-ambiguous",
            Self::ProviderLimit { .. } => "provider-limit",
            Self::CircuitOpen { .. } => "provider-circuit-open",
            Self::Unsuitable { .. } => "model-unsuitable",
            Self::AllFailed { .. } => "all-models-failed",
            Self::Program(error) => error.code(),
        }
    }
}

fn when(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(span) => format!("after {}s", span.as_secs_f64().ceil()),
        None => "later".to_owned(),
    }
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64().ceil()
}

fn refused(
    provider: &str,
    limit: LimitKind,
    used: u64,
    allowed: u64,
    retry_after: Option<Duration>,
) -> String {
    let setting = format!("models.providers.{provider}.limits");
    match (limit.key(), retry_after) {
        (Some(key), Some(_)) => format!(
            "the limit of {provider} is reached: {used} of {allowed} {limit}; try again {}, or raise {setting}.{key} if {provider} allows more",
            when(retry_after)
        ),
        (Some(key), None) => format!(
            "the request is larger than the limit of {provider}: {used} of {allowed} {limit}; shorten the conversation, or raise {setting}.{key} if {provider} allows more"
        ),
        (None, _) if limit == LimitKind::Pause => {
            format!("{provider} asked not to be asked; try again {}", when(retry_after))
        }
        (None, _) => format!(
            "{provider} does not keep up: {used} of {allowed} {limit}; try again {}",
            when(retry_after)
        ),
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("the nearest is {name:?}"),
        None => "write provider/model, or list it below models.providers".to_owned(),
    }
}
