//! Commands that work on the database, whether or not a gateway is running.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{ArgGroup, Args, Subcommand};
use domain::tenant::Tier;
use domain::{MessageId, PersonKey, SessionKey, TenantSlug};
use store::InboxState;
use uuid::Uuid;

/// What to do with messages that wait.
#[derive(Debug, Subcommand)]
pub enum InboxCommand {
    /// List messages that are not answered yet, the oldest first.
    List {
        /// Only messages in this state: waiting, running, parked (failed too often) or dropped (given up).
        #[arg(long, value_name = "STATE", value_parser = state())]
        state: Option<InboxState>,
        /// Only this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantSlug>,
    },
    /// Show one message with everything that happened to it.
    Show {
        /// Its id.
        id: MessageId,
    },
    /// Try parked messages again.
    #[command(group = ArgGroup::new("which").required(true).args(["id", "all"]))]
    Replay {
        /// The message's id.
        id: Option<MessageId>,
        /// Every parked message.
        #[arg(long)]
        all: bool,
    },
    /// Give a message up: it is never answered.
    Drop {
        /// Its id.
        id: MessageId,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// How far to look back, and what to do with what is found.
#[derive(Debug, Args)]
pub struct TuneArgs {
    /// How many days to look back; eight are kept.
    #[arg(long, value_name = "DAYS", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=8))]
    pub days: u32,
    /// Write what is proposed into the configuration, after showing the change and asking.
    #[arg(long)]
    pub apply: bool,
    /// Do not ask.
    #[arg(long, short, requires = "apply")]
    pub yes: bool,
}

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum TenantsCommand {
    /// Create a tenant with a workspace and a database of its own.
    Create {
        /// Its name: 2 to 31 characters a-z, 0-9 and -, the first a letter.
        slug: TenantSlug,
        /// How much it may use: free, standard, premium or admin.
        #[arg(long, default_value = "free")]
        tier: Tier,
    },
    /// List all tenants.
    List,
    /// Show one tenant.
    Show {
        /// Its name.
        slug: TenantSlug,
    },
    /// Let a tenant use more or less from now on.
    Tier {
        /// Its name.
        slug: TenantSlug,
        /// How much it may use: free, standard, premium or admin.
        tier: Tier,
    },
    /// Refuse a tenant everywhere until it is reinstated: its token, and every message to its agent. What is
    /// being answered stops within a second.
    Suspend {
        /// Its name.
        slug: TenantSlug,
    },
    /// Serve a suspended tenant again, in new sessions; what waited is answered.
    Reinstate {
        /// Its name.
        slug: TenantSlug,
    },
    /// Delete a suspended tenant for good: its tokens, devices, sessions, persons and whatever waits. Its own
    /// database and its workspace stay on disk, and its name stays taken.
    Delete {
        /// Its name.
        slug: TenantSlug,
        /// Do not ask for the name again.
        #[arg(long, short)]
        yes: bool,
    },
    /// List tenants to whom nobody has written for a while.
    Inactive {
        /// For how many days.
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
    /// Give a tenant a fresh token, shown this once; the old one is worth nothing.
    Token {
        /// Its name.
        slug: TenantSlug,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What to do with persons.
#[derive(Debug, Subcommand)]
pub enum PersonsCommand {
    /// List persons, the one who wrote last first.
    List {
        /// Only those who write to this tenant.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantSlug>,
        /// No more than this many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show one person.
    Show(Whom),
    /// Give a person a tier of their own.
    Tier {
        /// Whom.
        #[command(flatten)]
        whom: Whom,
        /// How much they may use: free, standard, premium or admin; `tenant` is what their tenant may.
        #[arg(value_parser = own_tier)]
        tier: OwnTier,
    },
    /// Refuse what a person writes; what waits of theirs is parked.
    Suspend(Whom),
    /// Serve a person again; what was parked can be replayed.
    Reinstate(Whom),
}

/// Which person.
#[derive(Debug, Args)]
pub struct Whom {
    /// To which tenant the person writes.
    pub tenant: TenantSlug,
    /// The account and the platform's id of the person, for example web:anna.
    #[arg(value_name = "ACCOUNT:PEER")]
    pub person: PersonKey,
}

/// A person's own tier, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnTier(pub Option<Tier>);

/// Which rows of the audit.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only rows about this tenant.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantSlug>,
    /// Only rows of the last so many minutes, hours or days, for example 30m, 12h or 7d.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub since: Option<Duration>,
    /// No more than this many of the latest rows.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Go on with new rows as they are written, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
}

/// What to do with devices.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List the devices that are let in, the oldest first.
    List,
    /// Shut a device out: its token is worth nothing, and its connections end.
    Revoke {
        /// Its id.
        id: Uuid,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List sessions, the most recently used first.
    List {
        /// Only this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantSlug>,
        /// No more than this many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show one session and the last things said in it.
    Show {
        /// Its key, for example agent:main:main.
        key: SessionKey,
        /// How many of the last messages.
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        #[arg(value_parser = clap::value_parser!(u32).range(0..=1_000))]
        messages: u32,
    },
    /// Let a session live longer before it expires.
    Extend {
        /// Its key, for example agent:main:main.
        key: SessionKey,
        /// By how much, for example 30m, 12h or 7d.
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "1h")]
        by: Duration,
    },
    /// Stop a session for good: what comes is refused, what waits is parked. A reset puts a new one in its place.
    Suspend {
        /// Its key, for example agent:main:main.
        key: SessionKey,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete sessions that have expired and in which nothing waits. The history is kept.
    Clean {
        /// Only this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantSlug>,
    },
    /// Begin a session anew: the agent no longer knows what was said. The history is kept.
    Reset {
        /// Its key, for example agent:main:main.
        key: SessionKey,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What kind of link.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// How many minutes the link can be opened.
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
}

fn state() -> ValueParser {
    let states =
        [InboxState::Waiting, InboxState::Running, InboxState::Parked, InboxState::Dropped];
    let words = PossibleValuesParser::new(states.map(InboxState::as_str));
    let named = move |word: String| states.into_iter().find(|state| state.as_str() == word);
    words.try_map(move |word| named(word).ok_or("no state is called so")).into()
}

fn own_tier(word: &str) -> Result<OwnTier, String> {
    match word {
        "tenant" => Ok(OwnTier(None)),
        _ => word
            .parse()
            .map(|tier| OwnTier(Some(tier)))
            .map_err(|_| "none of: free, standard, premium, admin, tenant".to_owned()),
    }
}

/// A number of minutes, hours or days, at most 366 days.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number and m, h or d, for example 30m, 12h or 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    let span = Duration::from_secs(number.saturating_mul(seconds));
    let most = Duration::from_secs(366 * 24 * 60 * 60);
    if span.is_zero() || span > most { Err("between 1m and 366d".to_owned()) } else { Ok(span) }
}

// === impl LinkArgs ===

impl LinkArgs {
    /// How long the link can be opened.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }
}
