//! Taking a message in: one transaction that finds or makes its session, refuses a duplicate, and stores
//! it. When it has returned, the message may be acknowledged.

use domain::message::Said;
use domain::tenant::Tier;
use domain::text::one_line;
use domain::{
    MessageId, Occurrence, PlatformEvent, RunId, SessionId, SessionKey, Timestamp, session,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::person::Sighting;
use crate::Store;
use crate::db::{Conn, Script, on, script, statements};
use crate::error::{Failure, Result};
use crate::text::storable;

statements! {
    // The row lock that this takes also orders messages of one session on a server with many writers. In the
    // place of a session that was suspended with its tenant this puts a new one.
    TOUCH_SESSION = "INSERT INTO session
            (id, tenant_id, account, conversation, state, title, epoch, created_at, last_at, expires_at,
            fence)
        SELECT $1, t.id, $3, $4, 'active', $7, 0, $5, $5, $6, 0
            FROM tenant t WHERE t.slug = $2 AND t.status = 'active'
                AND NOT EXISTS (SELECT 1 FROM person p WHERE p.tenant_id = t.id AND p.account = $3
                    AND p.peer = $8 AND p.status <> 'active')
        ON CONFLICT (tenant_id, account, conversation) DO UPDATE SET
            title = COALESCE(session.title, excluded.title),
            last_at = excluded.last_at,
            expires_at = CASE WHEN session.state IN ('active', 'processing')
                    AND session.expires_at > excluded.expires_at
                THEN session.expires_at ELSE excluded.expires_at END,
            created_at = CASE WHEN session.state IN ('expired', 'suspended') THEN excluded.created_at
                ELSE session.created_at END,
            id = CASE WHEN session.state = 'suspended' THEN excluded.id ELSE session.id END,
            owner = CASE WHEN session.state = 'suspended' THEN NULL ELSE session.owner END,
            suspended_with = NULL,
            state = CASE WHEN session.state IN ('idle', 'expired', 'suspended') THEN 'active'
                ELSE session.state END
            WHERE session.state <> 'suspended' OR session.suspended_with = 'tenant'
        RETURNING id, tenant_id, created_at,
            (SELECT t.tier FROM tenant t WHERE t.id = session.tenant_id),
            (SELECT t.last_active_at FROM tenant t WHERE t.id = session.tenant_id),
            (SELECT p.tier FROM person p
                WHERE p.tenant_id = session.tenant_id AND p.account = $3 AND p.peer = $8),
            (SELECT p.last_active_at FROM person p
                WHERE p.tenant_id = session.tenant_id AND p.account = $3 AND p.peer = $8)";
    // Takes the same lock before the messages are counted.
    HOLD_SESSION = "UPDATE session SET last_at = last_at
        WHERE account = $2 AND conversation = $3
            AND tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
        RETURNING id, tenant_id";
    WHY_NOT = "SELECT t.status, (SELECT p.status FROM person p
            WHERE p.tenant_id = t.id AND p.account = $2 AND p.peer = $3)
        FROM tenant t WHERE t.slug = $1";
    WAITING = "SELECT COUNT(*) FROM inbox WHERE session_id = $1 AND state IN ('waiting', 'running')";
    INSERT = "INSERT INTO inbox
            (id, tenant_id, session_id, account, run, peer, text, context, state, attempts, received_at, due_at)
        SELECT $1, s.tenant_id, s.id, s.account, $5, $6, $7, $8, 'waiting', 0, $9, $9
            FROM session s JOIN tenant t ON t.id = s.tenant_id
            WHERE t.slug = $2 AND t.status = 'active' AND s.account = $3 AND s.conversation = $4
                AND s.state <> 'suspended'
                AND NOT EXISTS (SELECT 1 FROM person p WHERE p.tenant_id = t.id AND p.account = $3
                    AND p.peer = $6 AND p.status <> 'active')
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
    /// The tenant is suspended.
    TenantSuspended,
    /// The one who wrote is suspended by the tenant's operator.
    PersonSuspended,
    /// The session is suspended.
    SessionSuspended,
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
    /// How much the one who wrote may use: their own tier, else the tenant's.
    pub person_tier: Tier,
}

/// A session that takes a message: its row, its tenant, when it began; the tenant's tier and when that was last
/// heard of; the same of the one who wrote.
type Touched = (Uuid, Uuid, i64, String, Option<i64>, Option<String>, Option<i64>);

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
        let (admission, occurred) = self
            .control
            .db
            .write("taking a message in", move |conn| Box::pin(admit(conn, new, now, fresh)))
            .await?;
        for what in occurred {
            self.tell(PlatformEvent::new(what, now, fresh.1));
        }
        Ok(admission)
    }
}

async fn admit(
    conn: &mut Conn<'_>,
    new: NewMessage,
    now: Timestamp,
    fresh: (Uuid, Uuid),
) -> Result<(Admission, Vec<Occurrence>), Failure> {
    if let Some(waiting) = full(conn, &new).await? {
        return Ok((Admission::Full(waiting), Vec::new()));
    }
    let (key, run, peer) = (new.session.clone(), new.run.clone(), storable(new.peer.clone()));
    let (touched, is_new) = take_in(conn, new, &peer, now, fresh).await?;
    let Some(touched) = touched else {
        return Ok((why_not(conn, &key, &peer).await?, Vec::new()));
    };
    let (session, tenant, created_at, tier, tenant_seen, own_tier, person_seen) = touched;
    let account = key.account.as_str();
    let sighting = Sighting { tenant, account, peer: &peer, tenant_seen, person_seen };
    sighting.note(conn, now).await?;
    let begun = (session == fresh.0, created_at == now.0);
    let (message, received_at) = match is_new {
        true => (fresh.1, now.0),
        false => find(conn, tenant, account, &run).await?.ok_or(sqlx::Error::RowNotFound)?,
    };
    // A word that a newer version wrote: whatever it allows, the smallest is never too much.
    let tier: Tier = tier.parse().unwrap_or_default();
    let admitted = Admitted {
        message: MessageId(message),
        session: SessionId(session),
        received_at: Timestamp(received_at),
        duplicate: !is_new,
        tier,
        person_tier: own_tier.map_or(tier, |own| own.parse().unwrap_or_default()),
    };
    Ok((Admission::Admitted(admitted), occurred(&key, &peer, begun, person_seen)))
}

/// Touches the session and stores the message. Returns the session, unless none takes it, and whether the
/// message is new.
async fn take_in(
    conn: &mut Conn<'_>,
    new: NewMessage,
    peer: &str,
    now: Timestamp,
    fresh: (Uuid, Uuid),
) -> Result<(Option<Touched>, bool), Failure> {
    let SessionKey { tenant, account, conversation } = new.session;
    let title = one_line(new.text.trim(), TITLE);
    let context: Vec<Said> =
        new.context.into_iter().map(|said| Said { text: storable(said.text), ..said }).collect();
    let context = (!context.is_empty()).then_some(Json(context));
    let (touched, inserted): (Option<Touched>, Option<(i64,)>) = script!(conn, TAKE_IN, [
        (
            fresh.0,
            tenant.as_str(),
            account.as_str(),
            conversation.as_str(),
            now.0,
            now.after(session::TIME_TO_LIVE).0,
            title,
            peer,
        ),
        (
            fresh.1,
            tenant.as_str(),
            account.as_str(),
            conversation.as_str(),
            new.run.0.as_str(),
            peer,
            storable(new.text),
            context,
            now.0,
        ),
    ], ran => Ok((ran.first(0)?, ran.first(1)?)))?;
    Ok((touched, inserted.is_some()))
}

/// Why no session takes the message.
async fn why_not(
    conn: &mut Conn<'_>,
    session: &SessionKey,
    peer: &str,
) -> Result<Admission, Failure> {
    let found: Option<(String, Option<String>)> = on!(conn, c => sqlx::query_as(WHY_NOT)
        .bind(session.tenant.as_str())
        .bind(session.account.as_str())
        .bind(peer)
        .fetch_optional(c).await)?;
    let words = found.as_ref().map(|(tenant, person)| (tenant.as_str(), person.as_deref()));
    Ok(match words {
        Some(("suspended", _)) => Admission::TenantSuspended,
        Some(("active", None | Some("active"))) => Admission::SessionSuspended,
        Some(("active", _)) => Admission::PersonSuspended,
        _ => Admission::NoTenant,
    })
}

/// What a message begins besides itself. `begun`: whether its session's row is new, and whether the session is.
fn occurred(
    session: &SessionKey,
    peer: &str,
    begun: (bool, bool),
    person_seen: Option<i64>,
) -> Vec<Occurrence> {
    let (tenant_id, session_id) = (session.tenant.clone(), session.clone());
    let mut occurred = Vec::new();
    match begun {
        (true, _) => occurred.push(Occurrence::SessionCreated { tenant_id, session_id }),
        (false, true) => occurred.push(Occurrence::SessionActivated { tenant_id, session_id }),
        (false, false) => {}
    }
    if person_seen.is_none() {
        let (tenant_id, account) = (session.tenant.clone(), session.account.clone());
        occurred.push(Occurrence::PersonCreated { tenant_id, account, peer: peer.to_owned() });
    }
    occurred
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
