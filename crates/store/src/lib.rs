//! Everything that must survive: one control database, and one database for each tenant.
//!
//! Owns every SQL statement of the product. Nothing above this crate knows which engine runs, and
//! nothing in it decides what a message means.

mod alarm;
mod control;
mod db;
mod error;
mod location;
mod task;
mod tenants;
mod text;
mod token;
mod transcript;

use std::sync::Arc;

use domain::{Actor, Clock, Ids, SessionKey, TenantSlug, Witness};

pub use control::access::{Device, NewDevice};
pub use control::audit::{AuditFilter, AuditRow, Followed};
pub use control::budget::account::{BudgetRow, NewLimit};
pub use control::budget::history::UsageRow;
pub use control::budget::settle::{Settlement, Spent};
pub use control::budget::{Hold, Reservation};
pub use control::claim::{Claim, Claimed, Outcome, Ready};
pub use control::inbox::{Counts, InboxFilter, InboxRow, InboxState};
pub use control::intake::{Admission, Admitted, NewMessage};
pub use control::outbox::OutboundRow;
pub use control::person::{Person, PersonFilter};
pub use control::session::{Cleaned, Session, SessionFilter};
pub use control::suspension::Suspended;
pub use control::tenant::Tenant;
pub use control::upkeep::Upkeep;
pub use db::EngineKind;
pub use error::{Error, Result};
pub use location::Location;
pub use transcript::{Line, LineOutcome, NewLine, Recorded};

use alarm::Alarm;
use control::Control;
use control::audit::Author;
use control::budget::booking::Books;
use control::budget::group::Waiting;
use control::budget::time::BudgetTime;
use db::Footprint;
use tenants::Tenants;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    control: Control,
    tenants: Tenants,
    budget_time: BudgetTime,
    waiting: Waiting,
    books: Books,
    alarm: Alarm,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    author: Author,
    witness: Option<Arc<dyn Witness>>,
}

/// Every SQL statement of the product, so that a test can prepare each on both engines.
pub struct Statements {
    /// Those of the control database.
    pub control: Vec<&'static str>,
    /// Those of a tenant's database.
    pub tenant: Vec<&'static str>,
}

// === impl Store ===

impl Store {
    /// Opens the control database, creating it and bringing its schema up to date when needed.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Migrate`] or [`Error::Engine`].
    pub async fn open(
        location: Location,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self> {
        Self::open_with(location, Footprint::CONTROL, clock, ids).await
    }

    /// Like [`Self::open`], for a process that does one thing and ends: while another process writes it
    /// waits for up to 30 seconds rather than 5.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub async fn open_patiently(
        location: Location,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self> {
        Self::open_with(location, Footprint::COMMAND, clock, ids).await
    }

    async fn open_with(
        location: Location,
        footprint: Footprint,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self> {
        let alarm = Alarm::new();
        let control = Control::open(&location, footprint, &alarm).await?;
        let tenants = Tenants::new(location, alarm.clone(), Arc::clone(&clock));
        let author = Author { actor: Actor::System, origin: ids.uuid(clock.now()) };
        Ok(Self {
            control,
            tenants,
            budget_time: BudgetTime::default(),
            waiting: Waiting::default(),
            books: Books::default(),
            alarm,
            clock,
            ids,
            author,
            witness: None,
        })
    }

    /// The same store in the hands of somebody: what is changed through it is written down as theirs.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        let author = Author { actor, ..self.author.clone() };
        Self { author, ..self.clone() }
    }

    /// The same store, which tells what happens once it is on disk.
    #[must_use]
    pub fn witnessed_by(&self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self.clone() }
    }

    /// Which engine runs.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        self.control.db.engine()
    }

    /// Whether a transaction can be committed now.
    ///
    /// # Errors
    /// Whatever a write would fail with.
    pub async fn ping(&self) -> Result<()> {
        self.control.ping().await
    }

    /// Returns when the disk of any database has failed in a way after which nothing may be acknowledged:
    /// the process must end. Never returns otherwise.
    pub async fn disk_failed(&self) {
        self.alarm.ringing().await;
    }

    /// Closes databases of tenants that nobody used for a minute.
    pub async fn close_idle(&self) {
        self.tenants.close_idle().await;
    }

    /// Commits what was begun and closes everything.
    pub async fn close(&self) {
        self.tenants.close().await;
        self.control.db.close().await;
    }

    /// What was said in a conversation since it was last reset, oldest first: the transcript, then what
    /// waits, runs or is parked.
    ///
    /// `before` is a [`Line::seq`]; only earlier lines are returned, and nothing that waits. At most
    /// `limit` lines, the newest ones.
    ///
    /// # Errors
    /// When a database does not answer. A conversation that does not exist has no lines.
    pub async fn history(
        &self,
        key: &SessionKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Line>> {
        let Some(session) = self.control.session(key).await? else { return Ok(Vec::new()) };
        // A message is written to the transcript a moment before it leaves the inbox. Looking there first
        // finds it in one of the two or in both, never in neither.
        let waiting = match before {
            None => self.control.unanswered(session.id).await?,
            Some(_) => Vec::new(),
        };
        let transcript = self.tenants.open(&key.tenant).await?;
        let mut lines = transcript.read(key, session.epoch, before, limit).await?;
        let told: std::collections::HashSet<_> = lines.iter().map(|line| line.id).collect();
        lines.extend(waiting.into_iter().filter(|row| !told.contains(&row.id)).map(Line::from));
        Ok(lines)
    }

    /// What was said in a conversation since it was last reset, for a prompt: the transcript alone.
    ///
    /// # Errors
    /// When the tenant's database does not answer.
    pub async fn transcript(&self, key: &SessionKey, epoch: i64, limit: u32) -> Result<Vec<Line>> {
        self.tenants.open(&key.tenant).await?.read(key, epoch, None, limit).await
    }

    /// Writes one turn into the tenant's transcript. Doing it twice is the same as doing it once: when
    /// an answer to the same message is there already, that one is returned and nothing is written.
    ///
    /// # Errors
    /// When the tenant's database does not answer.
    pub async fn record(
        &self,
        key: &SessionKey,
        epoch: i64,
        said: Vec<NewLine>,
        answer: Option<NewLine>,
    ) -> Result<Option<Recorded>> {
        let transcript = self.tenants.open(&key.tenant).await?;
        match (<[NewLine; 1]>::try_from(said), answer) {
            (Ok([said]), Some(answer)) => {
                transcript.record_two(key.clone(), epoch, said, answer).await
            }
            (Ok(said), answer) => transcript.record(key.clone(), epoch, said.into(), answer).await,
            (Err(said), answer) => transcript.record(key.clone(), epoch, said, answer).await,
        }
    }

    /// The answer that was recorded for a message, alone or together with others, if there is one.
    ///
    /// # Errors
    /// When the tenant's database does not answer.
    pub async fn answer_to(
        &self,
        tenant: &TenantSlug,
        message: domain::MessageId,
    ) -> Result<Option<Line>> {
        self.tenants.open(tenant).await?.answer_to(message).await
    }
}

/// Every SQL statement of the product.
#[must_use]
pub fn statements() -> Statements {
    Statements { control: control::statements(), tenant: transcript::ALL.to_vec() }
}
