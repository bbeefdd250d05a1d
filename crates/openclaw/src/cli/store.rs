//! Commands that work on the database, whether or not a gateway is running.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{ArgGroup, Args, Subcommand};
use domain::tenant::Tier;
use domain::{MessageId, SessionKey, TenantSlug};
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
    /// Refuse a tenant everywhere until it is reinstated: its token, and every message to its agent.
    Suspend {
        /// Its name.
        slug: TenantSlug,
    },
    /// Serve a suspended tenant again; what waited is answered.
    Reinstate {
        /// Its name.
        slug: TenantSlug,
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

// === impl LinkArgs ===

impl LinkArgs {
    /// How long the link can be opened.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }
}
