//! Taking a message in: one transaction that finds or makes its session, refuses a duplicate, and stores
//! it. When it has returned, the message may be acknowledged.

use domain::message::Said;
use domain::tenant::Tier;
use domain::text::one_line;
use domain::{MessageId, RunId, SessionId, SessionKey, Timestamp, session};
use sqlx::types::Json;
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, Script, on, script, statements};
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
    // Takes the same lock before the messages are counted.
    HOLD_SESSION = "UPDATE session SET last_at = last_at
        WHERE account = $2 AND conversation = $3
            AND tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
        RETURNING id, tenant_id";
    TENANT_EXISTS = "SELECT COUNT(*) FROM tenant WHERE slug = $1";
    WAITING = "SELECT COUNT(*) FROM inbox WHERE session_id = $1 AND state IN ('waiting', 'running')";
    INSERT = "INSERT INTO inbox
            (id, tenant_id, session_id, account, run, peer, text, context, state, attempts, received_at, due_at)
        SELECT $1, s.tenant_id, s.id, s.account, $5, $6, $7, $8, 'waiting', 0, $9, $9
            FROM session s JOIN tenant t ON t.id = s.tenant_id
            WHERE t.slug = $2 AND t.status = 'active' AND s.account = $3 AND s.conversation = $4
                AND s.state <> 'suspended'
        ON CONFLICT (tenant_id, account, run) DO NOTHING RETURNING seq";
    FIND = "SELECT id, received_at FROM inbox WHERE tenant_id = $1 AND account = $2 AND run = $3";
}

static TAKE_IN: Script = Script::new(&[TOUCH_SESSION, INSERT]);

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

/// The session, its tenant, what it is doing, and the tenant's tier.
type Touched = (Uuid, Uuid, String, String);

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
    if let Some(waiting) = full(conn, &new).await? {
        return Ok(Admission::Full(waiting));
    }
    let SessionKey { tenant, account, conversation } = new.session;
    let title = one_line(new.text.trim(), TITLE);
    let context: Vec<Said> =
        new.context.into_iter().map(|said| Said { text: storable(said.text), ..said }).collect();
    let context = (!context.is_empty()).then_some(Json(context));
    let (touched, inserted): (Option<Touched>, Option<(i64,)>) = script!(conn, TAKE_IN, [
        (
            session_id,
            tenant.as_str(),
            account.as_str(),
            conversation.as_str(),
            now.0,
            now.after(session::TIME_TO_LIVE).0,
            title,
        ),
        (
            message_id,
            tenant.as_str(),
            account.as_str(),
            conversation.as_str(),
            new.run.0.as_str(),
            storable(new.peer),
            storable(new.text),
            context,
            now.0,
        ),
    ], ran => Ok((ran.first(0)?, ran.first(1)?)))?;
    let Some((session_id, tenant_id, state, tier)) = touched else {
        let found: i64 = on!(conn, c => sqlx::query_scalar(TENANT_EXISTS).bind(tenant.as_str()).fetch_one(c).await)?;
        return Ok(if found == 0 { Admission::NoTenant } else { Admission::Suspended });
    };
    if state == "suspended" {
        return Ok(Admission::Suspended);
    }
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

/// How many messages wait, when there is no room for this one.
async fn full(conn: &mut Conn<'_>, new: &NewMessage) -> Result<Option<u64>, Failure> {
    let Some(room) = new.room else { return Ok(None) };
    let SessionKey { tenant, account, conversation } = &new.session;
    let session: Option<(Uuid, Uuid)> = on!(conn, c => sqlx::query_as(HOLD_SESSION)
        .bind(tenant.as_str()).bind(account.as_str()).bind(conversation.as_str())
        .fetch_optional(c).await)?;
    let Some((session_id, tenant_id)) = session else { return Ok(None) };
    let waiting: i64 =
        on!(conn, c => sqlx::query_scalar(WAITING).bind(session_id).fetch_one(c).await)?;
    let waiting = waiting.unsigned_abs();
    let is_full = waiting >= room && find(conn, tenant_id, account, &new.run).await?.is_none();
    Ok(is_full.then_some(waiting))
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
