//! What somebody said to a tenant, and the one door it comes in through.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backpressure::Pressure;
use crate::budget::BudgetExceeded;
use crate::event::Usage;
use crate::{Coded, Kind, MessageId, RunId, SessionKey, Timestamp};

/// Longest text of one message, in bytes. Longer ones are refused, never cut.
pub const LONGEST_TEXT: usize = 256 * 1024;

/// Who spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person, or the program that writes in a person's place.
    User,
    /// The tenant's agent.
    Assistant,
    /// Instructions that the caller of the API gave for this conversation.
    System,
}

/// One thing said earlier, given by a caller who keeps the history itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who said it.
    pub role: Role,
    /// The words.
    pub text: String,
}

/// One message as a channel hands it in: verified, parsed, not yet stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Tenant, account and conversation.
    pub session: SessionKey,
    /// The platform's immutable id of the one who wrote; never a display name.
    pub peer: String,
    /// The platform's id of this message. Together with tenant and account it is unique for ever, which
    /// is what makes a redelivery harmless.
    pub run: RunId,
    /// The words.
    pub text: String,
    /// What was said before, when the caller keeps the history; empty when we do.
    pub context: Vec<Said>,
    /// How long to wait for more before answering. `None`: as configured for the account.
    pub debounce: Option<Duration>,
}

/// The answer of one turn: stored, and now to be delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its id.
    pub id: MessageId,
    /// The message whose answer it is; there is one answer to a message.
    pub answers: MessageId,
    /// The run whose name the turn carried.
    pub run: RunId,
    /// Runs that were answered by the same turn.
    pub merged: Vec<RunId>,
    /// The words.
    pub text: String,
    /// Whether a person stopped it before it was complete.
    pub aborted: bool,
    /// The model that gave it.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
}

/// What became of an answer that a channel was to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is out.
    Sent,
    /// It is certainly not out; the same may be tried again after this time.
    Failed {
        /// When.
        retry_after: Duration,
        /// One line about why.
        reason: String,
    },
}

/// What [`Channel::deliver`] returns.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = Delivery> + Send + 'a>>;

/// The way out to one kind of platform.
pub trait Channel: Send + Sync + 'static {
    /// Whether it serves this account.
    fn serves(&self, account: &str) -> bool;

    /// Whether delivering only tells those who are connected to this process. Such an answer needs no row
    /// until it is out: whoever was not there reads the transcript, where it stands already.
    fn is_live(&self) -> bool {
        false
    }

    /// Delivers an answer that was given at the moment `at`.
    fn deliver<'a>(
        &'a self,
        session: &'a SessionKey,
        answer: &'a Answer,
        at: Timestamp,
    ) -> Delivering<'a>;
}

/// What became of a message that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Stored for good: it will be answered or visibly parked, whatever happens to the process.
    Admitted {
        /// Its id.
        message: MessageId,
        /// When it was stored.
        received: Timestamp,
        /// Whether it had been stored before; then nothing new happens.
        duplicate: bool,
    },
    /// Not stored.
    Refused(Refusal),
}

/// Why a message was not taken. Each says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such tenant, or not one the caller may know of.
    #[error("there is no tenant {0:?}; `openclaw tenants list` shows those there are")]
    NoTenant(String),
    /// The tenant is suspended.
    #[error("the tenant {0:?} is suspended; its operator can reinstate it")]
    Suspended(String),
    /// The one who wrote is suspended.
    #[error("whoever wrote this is suspended here; the tenant's operator can reinstate them")]
    PersonSuspended,
    /// The session is suspended.
    #[error("the session {0} is suspended; its operator can reset it, which begins a new one")]
    SessionSuspended(String),
    /// The text is empty or too long.
    #[error(
        "a message has 1 to {LONGEST_TEXT} bytes of text, this one has {0}; split it or shorten it"
    )]
    Text(usize),
    /// The session's queue is full and its policy is to refuse what is new.
    #[error(
        "{waiting} messages wait in this session already (messages.queue.cap is {cap}); try again after {}s",
        retry_after.as_secs()
    )]
    QueueFull {
        /// How many wait.
        waiting: u64,
        /// How many may wait.
        cap: u64,
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// Too much waits in the whole pool.
    #[error(
        "the level of backpressure is {level} %, and from {threshold} % on new work is refused: {} of {} requests \
         wait, {} of {} workers are busy; try again after {}s, or raise concurrency.maxWorkers or maxQueueSize",
        pressure.depth, pressure.most_waiting, pressure.busy, pressure.most_workers, retry_after.as_secs()
    )]
    Backpressure {
        /// What waits and what runs, against what may.
        pressure: Pressure,
        /// The level, in percent.
        level: u8,
        /// The level from which on new work is refused, in percent.
        threshold: u8,
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// Too many sessions of the tenant wait.
    #[error(
        "{waiting} sessions of the tenant {tenant:?} wait for a turn already, and its tier may have {cap}; try \
         again after {}s, or raise its tier or concurrency.perTenant.waiting",
        retry_after.as_secs()
    )]
    TenantQueue {
        /// Which tenant.
        tenant: String,
        /// How many of its sessions wait.
        waiting: usize,
        /// How many may.
        cap: usize,
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// Too many messages of the tenant came within a minute.
    #[error(
        "the tenant {tenant:?} has sent {cap} messages within a minute, as many as its tier may; try again \
         after {}s, or raise its tier or concurrency.perTenant.perMinute",
        retry_after.as_secs()
    )]
    TenantRate {
        /// Which tenant.
        tenant: String,
        /// How many it may send in 60 seconds.
        cap: usize,
        /// When the next one may be sent.
        retry_after: Duration,
    },
    /// A budget is used up: nothing would be answered before it begins anew.
    #[error(transparent)]
    Budget(Box<BudgetExceeded>),
    /// The store cannot take it now.
    #[error("the store cannot take it now ({reason}); try again after {}s", retry_after.as_secs())]
    Unavailable {
        /// The store's own stable code.
        code: &'static str,
        /// One line about what is wrong, without secrets.
        reason: String,
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The process is about to stop.
    #[error("this instance is stopping; send it again in a moment")]
    Stopping,
}

/// What [`Intake::offer`] returns.
pub type Offered<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// The one door through which every channel hands in what it received.
pub trait Intake: Send + Sync + 'static {
    /// Stores the message, or says why not. When it returns [`Verdict::Admitted`] the message is on
    /// disk: only then may a channel acknowledge it.
    fn offer(&self, inbound: Inbound) -> Offered<'_>;
}

// === impl Refusal ===

impl Coded for Refusal {
    fn kind(&self) -> Kind {
        match self {
            Self::NoTenant(_) => Kind::NotFound,
            Self::Suspended(_) | Self::PersonSuspended | Self::SessionSuspended(_) => {
                Kind::Forbidden
            }
            Self::Text(_) => Kind::Invalid,
            Self::QueueFull { retry_after, .. }
            | Self::TenantQueue { retry_after, .. }
            | Self::TenantRate { retry_after, .. } => Kind::Exhausted { retry_after: *retry_after },
            Self::Backpressure { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Kind::Overloaded { retry_after: *retry_after }
            }
            Self::Budget(exceeded) => exceeded.kind(),
            Self::Stopping => Kind::Overloaded { retry_after: Duration::from_secs(2) },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoTenant(_) => "tenant-not-found",
            Self::Suspended(_) => "tenant-suspended",
            Self::PersonSuspended => "person-suspended",
            Self::SessionSuspended(_) => "session-suspended",
            Self::Text(_) => "message-text-size",
            Self::QueueFull { .. } => "session-queue-full",
            Self::Backpressure { .. } => "backpressure-refused",
            Self::TenantQueue { .. } => "tenant-queue-full",
            Self::TenantRate { .. } => "tenant-rate-limited",
            Self::Unavailable { code, .. } => code,
            Self::Budget(exceeded) => exceeded.code(),
            Self::Stopping => "instance-stopping",
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        match self {
            Self::Backpressure { pressure, threshold, .. } => vec![
                ("level", pressure.level()),
                ("threshold", f64::from(*threshold) / 100.0),
                ("queueDepth", count(pressure.depth)),
                ("maxQueueSize", count(pressure.most_waiting)),
                ("activeWorkers", count(pressure.busy)),
                ("maxWorkers", count(pressure.most_workers)),
            ],
            Self::TenantQueue { waiting, cap, .. } => {
                vec![("waiting", count(*waiting)), ("limit", count(*cap))]
            }
            Self::Budget(exceeded) => exceeded.figures(),
            Self::TenantRate { cap, .. } => vec![("limit", count(*cap)), ("windowMs", 60_000.0)],
            _ => Vec::new(),
        }
    }
}
