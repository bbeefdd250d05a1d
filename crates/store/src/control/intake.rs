//! Taking a message in: one transaction that finds or makes its session, refuses a duplicate, and stores
//! it. When it has returned, the message may be acknowledged.

use domain::message::Said;
use domain::tenant::Tier;
use domain::text::one_line;
use domain::{MessageId, RunId, SessionId, SessionKey, Timestamp, session};
use sqlx::types::Json;
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};
use crate::text::storable;

statements! {
    // The row lock that this takes also orders messages of one session on a server with many writers.
    TOUCH_SESSION = "INSERT INTO session
            (id, tenant_id, account, conversation, state, title, epoch, created_at, last_at, expires_at,
            fence)
        SELECT $1, t.id, $3, $4, 'active', $7, 0, $5, $5, $6, 0
            FROM tenant t WHERE t.slug = $2 AND t.status = 'active'
        ON CONFLICT (tenant_id, account, conversation) DO UPDATE SET
            title = COALESCE(session.title, excluded.title),
            last_at = excluded.last_at,
            expires_at = excluded.expires_at,
            created_at = CASE WHEN session.state = 'expired' THEN excluded.created_at
                ELSE session.created_at END,
            state = CASE WHEN session.state IN ('idle', 'expired') THEN 'active' ELSE session.state END
        RETURNING id, tenant_id, state, (SELECT t.tier FROM tenant t WHERE t.id = session.tenant_id)";
    TENANT_EXISTS = "SELECT COUNT(*) FROM tenant WHERE slug = $1";
    WAITING = "SELECT COUNT(*) FROM inbox WHERE session_id = $1 AND state IN ('waiting', 'running')";
    INSERT = "INSERT INTO inbox
            (id, tenant_id, session_id, account, run, peer, text, context, state, attempts, received_at, due_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', 0, $9, $9)
        ON CONFLICT (tenant_id, account, run) DO NOTHING RETURNING seq";
    FIND = "SELECT id, received_at FROM inbox WHERE tenant_id = $1 AND account = $2 AND run = $3";
}

/// Longest title of a session, in bytes.
const TITLE: usize = 120;

/// A message to store.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Where it was said.
    pub session: SessionKey,
    /// The platform's id of the one who wrote.
    pub peer: String,
    /// The caller's name for it; unique within the tenant's account.
    pub run: RunId,
    /// The words.
    pub text: String,
    /// What was said before, when the caller keeps the history.
    pub context: Vec<Said>,
    /// How many messages may wait in the session before this one is refused; `None`: any number.
    pub room: Option<u64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is stored, now or since earlier.
    Admitted(Admitted),
    /// There is no such tenant.
    NoTenant,
    /// The tenant or the session is suspended.
    Suspended,
    /// This many wait already.
    Full(u64),
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its id.
    pub message: MessageId,
    /// Its session's row.
    pub session: SessionId,
    /// When it was stored.
    pub received_at: Timestamp,
    /// Whether it had been stored before.
    pub duplicate: bool,
    /// The tier of its tenant.
    pub tier: Tier,
}

// === impl Store ===

impl Store {
    /// Stores a message, once however often it is handed in.
    ///
    /// # Errors
    /// When the database does not answer; then nothing was stored, or it was stored and handing it in
    /// again will find it.
    pub async fn admit(&self, new: NewMessage) -> Result<Admission> {
        let now = self.clock.now();
        let fresh = (self.ids.uuid(now), self.ids.uuid(now));
        self.control
            .db
            .write("taking a message in", move |conn| Box::pin(admit(conn, new, now, fresh)))
            .await
    }
}

async fn admit(
    conn: &mut Conn<'_>,
    new: NewMessage,
    now: Timestamp,
    (session_id, message_id): (Uuid, Uuid),
) -> Result<Admission, Failure> {
    let SessionKey { tenant, account, conversation } = new.session;
    let touched: Option<(Uuid, Uuid, String, String)> = on!(conn, c => sqlx::query_as(TOUCH_SESSION)
        .bind(session_id)
        .bind(tenant.as_str())
        .bind(account.as_str())
        .bind(conversation.as_str())
        .bind(now.0)
        .bind(now.after(session::TIME_TO_LIVE).0)
        .bind(one_line(new.text.trim(), TITLE))
        .fetch_optional(c).await)?;
    let Some((session_id, tenant_id, state, tier)) = touched else {
        let found: i64 = on!(conn, c => sqlx::query_scalar(TENANT_EXISTS).bind(tenant.as_str()).fetch_one(c).await)?;
        return Ok(if found == 0 { Admission::NoTenant } else { Admission::Suspended });
    };
    if state == "suspended" {
        return Ok(Admission::Suspended);
    }
    if let Some(room) = new.room {
        let waiting: i64 =
            on!(conn, c => sqlx::query_scalar(WAITING).bind(session_id).fetch_one(c).await)?;
        if waiting.unsigned_abs() >= room
            && find(conn, tenant_id, &account, &new.run).await?.is_none()
        {
            return Ok(Admission::Full(waiting.unsigned_abs()));
        }
    }
    let context: Vec<Said> =
        new.context.into_iter().map(|said| Said { text: storable(said.text), ..said }).collect();
    let context = (!context.is_empty()).then_some(Json(context));
    let inserted: Option<i64> = on!(conn, c => sqlx::query_scalar(INSERT)
        .bind(message_id)
        .bind(tenant_id)
        .bind(session_id)
        .bind(account.as_str())
        .bind(new.run.0.as_str())
        .bind(storable(new.peer))
        .bind(storable(new.text))
        .bind(context)
        .bind(now.0)
        .fetch_optional(c).await)?;
    let duplicate = inserted.is_none();
    let (message, received_at) = match duplicate {
        false => (message_id, now.0),
        true => find(conn, tenant_id, &account, &new.run).await?.ok_or(sqlx::Error::RowNotFound)?,
    };
    Ok(Admission::Admitted(Admitted {
        message: MessageId(message),
        session: SessionId(session_id),
        received_at: Timestamp(received_at),
        duplicate,
        // A word that a newer version wrote: whatever it allows, the smallest is never too much.
        tier: tier.parse().unwrap_or_default(),
    }))
}

async fn find(
    conn: &mut Conn<'_>,
    tenant_id: Uuid,
    account: &str,
    run: &RunId,
) -> Result<Option<(Uuid, i64)>, Failure> {
    Ok(on!(conn, c => sqlx::query_as(FIND)
        .bind(tenant_id).bind(account).bind(run.0.as_str()).fetch_optional(c).await)?)
}
