//! The inbox as people see it: what waits, runs or was parked, and what they may do about it.

use domain::message::Said;
use domain::{MessageId, Occurrence, RunId, SessionId, SessionKey, TenantSlug, Timestamp};
use sqlx::types::Json;
use uuid::Uuid;

use super::Control;
use crate::Store;
use crate::db::{on, statements};
use crate::error::{Error, Result};

statements! {
    // Most rows are answered ones, kept to recognise a duplicate. Each part reads an index that does not
    // hold them; the last is read only when it is rows like them that are asked for.
    LIST = "SELECT i.id, t.slug, i.session_id, i.account, s.conversation, i.run, i.peer, i.text, i.context,
            i.state, i.attempts, i.received_at, i.due_at, i.error_code, i.error_text
        FROM inbox i JOIN tenant t ON t.id = i.tenant_id JOIN session s ON s.id = i.session_id
        WHERE ($1 = '' OR t.slug = $1) AND i.seq IN (
            SELECT seq FROM inbox WHERE state IN ('waiting', 'running') AND $2 IN ('', state)
            UNION ALL SELECT seq FROM inbox WHERE state = 'parked' AND $2 IN ('', 'parked')
            UNION ALL SELECT seq FROM inbox
                WHERE finished_at IS NOT NULL AND $2 IN ('done', 'dropped') AND state = $2)
        ORDER BY i.seq LIMIT $3";
    BY_ID = "SELECT i.id, t.slug, i.session_id, i.account, s.conversation, i.run, i.peer, i.text, i.context,
            i.state, i.attempts, i.received_at, i.due_at, i.error_code, i.error_text
        FROM inbox i JOIN tenant t ON t.id = i.tenant_id JOIN session s ON s.id = i.session_id
        WHERE i.id = $1";
    UNANSWERED = "SELECT i.id, t.slug, i.session_id, i.account, s.conversation, i.run, i.peer, i.text,
            i.context, i.state, i.attempts, i.received_at, i.due_at, i.error_code, i.error_text
        FROM inbox i JOIN tenant t ON t.id = i.tenant_id JOIN session s ON s.id = i.session_id
        WHERE i.seq IN (
            SELECT seq FROM inbox WHERE session_id = $1 AND state IN ('waiting', 'running')
            UNION ALL SELECT seq FROM inbox WHERE session_id = $1 AND state = 'parked')
        ORDER BY i.seq LIMIT 500";
    REPLAY = "UPDATE inbox SET state = 'waiting', attempts = 0, due_at = $2, error_code = NULL,
            error_text = NULL, finished_at = NULL
        WHERE id = $1 AND state = 'parked'
        RETURNING (SELECT t.slug FROM tenant t WHERE t.id = inbox.tenant_id)";
    REPLAY_ALL = "UPDATE inbox SET state = 'waiting', attempts = 0, due_at = $1, error_code = NULL,
            error_text = NULL, finished_at = NULL
        WHERE state = 'parked'";
    DROP_MESSAGE = "UPDATE inbox SET state = 'dropped', finished_at = $2, context = NULL
        WHERE id = $1 AND state IN ('waiting', 'parked')
        RETURNING (SELECT t.slug FROM tenant t WHERE t.id = inbox.tenant_id)";
    COUNTS = "SELECT
            COALESCE(SUM(CASE WHEN unfinished.state = 'waiting' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN unfinished.state = 'running' THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN unfinished.state = 'parked' THEN 1 ELSE 0 END), 0)
        FROM (
            SELECT tenant_id, state FROM inbox WHERE state IN ('waiting', 'running')
            UNION ALL SELECT tenant_id, state FROM inbox WHERE state = 'parked'
        ) unfinished JOIN tenant t ON t.id = unfinished.tenant_id
        WHERE ($1 = '' OR t.slug = $1)";
}

/// Where a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InboxState {
    /// For its turn.
    Waiting,
    /// A turn is answering it.
    Running,
    /// It was answered, or what had been said when a person stopped it is stored.
    Done,
    /// It failed too often; it stays until somebody replays or drops it.
    Parked,
    /// Somebody dropped it.
    Dropped,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InboxRow {
    /// Its id.
    pub id: MessageId,
    /// Which conversation.
    pub session: SessionKey,
    /// That conversation's row.
    #[serde(skip)]
    pub session_id: SessionId,
    /// The caller's name for it.
    pub run: RunId,
    /// Who wrote.
    pub peer: String,
    /// The words; empty once they are in the tenant's transcript.
    pub text: String,
    /// What was said before, when the caller keeps the history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Said>,
    /// Where it is on its way.
    pub state: InboxState,
    /// Turns that were begun for it.
    pub attempts: u32,
    /// When it was stored.
    pub received_at: Timestamp,
    /// When it may be tried.
    pub due_at: Timestamp,
    /// Why the last turn failed: stable code and one line.
    pub error: Option<(String, String)>,
}

/// Which messages to list.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// Of one tenant only.
    pub tenant: Option<TenantSlug>,
    /// In one state only; `None` is all that is not over: neither done nor dropped.
    pub state: Option<InboxState>,
    /// At most this many; zero means 100.
    pub limit: u32,
}

/// How many messages are on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// For their turn.
    pub waiting: u64,
    /// Being answered.
    pub running: u64,
    /// Parked until somebody looks.
    pub parked: u64,
}

pub(super) type Row = (
    Uuid,
    String,
    Uuid,
    String,
    String,
    String,
    String,
    String,
    Option<Json<Vec<Said>>>,
    String,
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
);

// === impl InboxState ===

impl InboxState {
    /// The word used in SQL, JSON and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Dropped => "dropped",
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Parked, Self::Dropped]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

// === impl Store ===

impl Store {
    /// Messages, oldest first; those that are not answered yet unless the filter names a state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn inbox(&self, filter: InboxFilter) -> Result<Vec<InboxRow>> {
        let tenant = filter.tenant.map(|slug| slug.to_string()).unwrap_or_default();
        let state = filter.state.map(InboxState::as_str).unwrap_or_default();
        let limit = i64::from(if filter.limit == 0 { 100 } else { filter.limit });
        let rows: Vec<Row> = self
            .control
            .db
            .read("listing the inbox", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(LIST)
                        .bind(tenant).bind(state).bind(limit).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none with that id.
    pub async fn inbox_row(&self, id: MessageId) -> Result<InboxRow> {
        let row: Option<Row> = self
            .control
            .db
            .read("looking up a message", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(c).await)?)
                })
            })
            .await?;
        row.and_then(from_row)
            .ok_or_else(|| Error::Missing { what: "message", name: id.to_string() })
    }

    /// Lets a parked message have its turn again, as if it had never failed.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is not parked.
    pub async fn replay(&self, id: MessageId) -> Result<()> {
        let now = self.clock.now();
        let changed = self
            .change("replaying a message", move |conn| {
                Box::pin(async move {
                    let slug: Option<String> = on!(conn, c => sqlx::query_scalar(REPLAY)
                        .bind(id.0).bind(now.0).fetch_optional(c).await)?;
                    let tenant = slug.as_ref().and_then(|slug| slug.parse().ok());
                    let told = |tenant_id| Occurrence::InboxReplayed { tenant_id, message_id: id };
                    Ok((slug.is_some(), tenant.map(told).into_iter().collect()))
                })
            })
            .await?;
        self.must_have_changed(id, changed, "only a parked message can be replayed").await
    }

    /// Lets every parked message have its turn again; how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replay_all(&self) -> Result<u64> {
        let now = self.clock.now();
        self.change("replaying parked messages", move |conn| {
            Box::pin(async move {
                let count = on!(conn, c => sqlx::query(REPLAY_ALL).bind(now.0)
                    .execute(c).await.map(|done| done.rows_affected()))?;
                let told = (count > 0).then_some(Occurrence::InboxReplayedAll { count });
                Ok((count, told.into_iter().collect()))
            })
        })
        .await
    }

    /// Gives a message up: it will not be answered.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when a turn is answering it or has done so.
    pub async fn drop_message(&self, id: MessageId) -> Result<()> {
        let now = self.clock.now();
        let changed = self
            .change("dropping a message", move |conn| {
                Box::pin(async move {
                    let slug: Option<String> = on!(conn, c => sqlx::query_scalar(DROP_MESSAGE)
                        .bind(id.0).bind(now.0).fetch_optional(c).await)?;
                    let tenant = slug.as_ref().and_then(|slug| slug.parse().ok());
                    let told = |tenant_id| Occurrence::InboxDropped { tenant_id, message_id: id };
                    Ok((slug.is_some(), tenant.map(told).into_iter().collect()))
                })
            })
            .await?;
        self.must_have_changed(id, changed, "only a message that waits or is parked can be dropped")
            .await
    }

    /// How many messages are on their way, of one tenant or of all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counts(&self, tenant: Option<&TenantSlug>) -> Result<Counts> {
        let tenant = tenant.map(ToString::to_string).unwrap_or_default();
        let (waiting, running, parked): (i64, i64, i64) = self
            .control
            .db
            .read("counting messages", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(COUNTS).bind(tenant).fetch_one(c).await)?)
                })
            })
            .await?;
        Ok(Counts {
            waiting: waiting.unsigned_abs(),
            running: running.unsigned_abs(),
            parked: parked.unsigned_abs(),
        })
    }

    async fn must_have_changed(
        &self,
        id: MessageId,
        changed: bool,
        needs: &'static str,
    ) -> Result<()> {
        if changed {
            return Ok(());
        }
        let row = self.inbox_row(id).await?;
        let state = row.state.as_str().to_owned();
        Err(Error::State { what: "message", name: id.to_string(), state, needs })
    }
}

// === impl Control ===

impl Control {
    /// What of a session waits, runs or is parked, in order of arrival.
    pub(crate) async fn unanswered(&self, session: SessionId) -> Result<Vec<InboxRow>> {
        let rows: Vec<Row> = self
            .db
            .read("reading what waits", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(UNANSWERED).bind(session.0).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }
}

pub(super) fn from_row(row: Row) -> Option<InboxRow> {
    let (id, slug, session_id, account, conversation, run, peer, text, context, state, ..) = &row;
    let (.., attempts, received_at, due_at, error_code, error_text) = &row;
    Some(InboxRow {
        id: MessageId(*id),
        session: SessionKey::new(slug.parse().ok()?, account, conversation).ok()?,
        session_id: SessionId(*session_id),
        run: RunId(run.clone()),
        peer: peer.clone(),
        text: text.clone(),
        context: context.as_ref().map(|context| context.0.clone()).unwrap_or_default(),
        state: InboxState::read(state)?,
        attempts: u32::try_from(*attempts).unwrap_or(u32::MAX),
        received_at: Timestamp(*received_at),
        due_at: Timestamp(*due_at),
        error: error_code.clone().zip(error_text.clone()),
    })
}
