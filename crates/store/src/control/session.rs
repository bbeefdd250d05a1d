//! Sessions as rows: looking at them. What changes one stands in [`life`], claiming one for a turn in `claim`.

pub(crate) mod life;

use domain::session::SessionState;
use domain::{SessionId, SessionKey, TenantSlug, Timestamp};
use uuid::Uuid;

use super::Control;
use crate::Store;
use crate::db::{on, statements};
use crate::error::Result;

statements! {
    BY_KEY = "SELECT s.id, t.slug, s.account, s.conversation, s.state, s.title, s.epoch, s.created_at, s.last_at,
            s.expires_at,
            (SELECT COUNT(*) FROM inbox i WHERE i.session_id = s.id AND i.state IN ('waiting', 'running')),
            (SELECT COUNT(*) FROM inbox i WHERE i.session_id = s.id AND i.state = 'parked')
        FROM session s JOIN tenant t ON t.id = s.tenant_id
        WHERE t.slug = $1 AND s.account = $2 AND s.conversation = $3";
    LIST = "SELECT s.id, t.slug, s.account, s.conversation, s.state, s.title, s.epoch, s.created_at, s.last_at,
            s.expires_at,
            (SELECT COUNT(*) FROM inbox i WHERE i.session_id = s.id AND i.state IN ('waiting', 'running')),
            (SELECT COUNT(*) FROM inbox i WHERE i.session_id = s.id AND i.state = 'parked')
        FROM session s JOIN tenant t ON t.id = s.tenant_id
        WHERE ($1 = '' OR t.slug = $1) AND s.last_at < $2
        ORDER BY s.last_at DESC, s.id LIMIT $3";
}

pub use life::Cleaned;

/// What a conversation is doing now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Session {
    /// Its row.
    pub id: SessionId,
    /// Which conversation.
    pub key: SessionKey,
    /// What it is doing.
    pub state: SessionState,
    /// How the conversation began since it was last reset, on one line.
    pub title: Option<String>,
    /// How often it was reset; a prompt holds only what was said since.
    pub epoch: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When somebody last spoke.
    pub last_at: Timestamp,
    /// When it expires if nobody speaks.
    pub expires_at: Timestamp,
    /// Messages that wait or are being answered.
    pub waiting: u64,
    /// Messages that were parked.
    pub parked: u64,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Of one tenant only.
    pub tenant: Option<TenantSlug>,
    /// Where somebody last spoke before this moment.
    pub before: Option<Timestamp>,
    /// At most this many; zero means 100.
    pub limit: u32,
}

type Row = (Uuid, String, String, String, String, Option<String>, i64, i64, i64, i64, i64, i64);

// === impl Store ===

impl Store {
    /// Sessions, the one where somebody spoke last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, filter: SessionFilter) -> Result<Vec<Session>> {
        let tenant = filter.tenant.map(|slug| slug.to_string()).unwrap_or_default();
        let before = filter.before.map_or(i64::MAX, |before| before.0);
        let limit = i64::from(if filter.limit == 0 { 100 } else { filter.limit });
        let rows: Vec<Row> = self
            .control
            .db
            .read("listing sessions", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(LIST)
                        .bind(tenant).bind(before).bind(limit).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// The session of a conversation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<Session>> {
        self.control.session(key).await
    }
}

// === impl Control ===

impl Control {
    pub(crate) async fn session(&self, key: &SessionKey) -> Result<Option<Session>> {
        let key = key.clone();
        let row: Option<Row> = self
            .db
            .read("looking up a session", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BY_KEY)
                        .bind(key.tenant.as_str())
                        .bind(key.account)
                        .bind(key.conversation)
                        .fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.and_then(from_row))
    }
}

fn from_row(row: Row) -> Option<Session> {
    let (
        id,
        slug,
        account,
        conversation,
        state,
        title,
        epoch,
        created,
        last,
        expires,
        waiting,
        parked,
    ) = row;
    Some(Session {
        id: SessionId(id),
        key: SessionKey::new(slug.parse().ok()?, &account, &conversation).ok()?,
        state: state.parse().ok()?,
        title,
        epoch,
        created_at: Timestamp(created),
        last_at: Timestamp(last),
        expires_at: Timestamp(expires),
        waiting: waiting.unsigned_abs(),
        parked: parked.unsigned_abs(),
    })
}
