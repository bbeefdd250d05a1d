//! What changes a session besides its messages: reset, extension, suspension, cleaning up. Each change and its
//! audit row are one transaction.

use std::time::Duration;

use domain::session::{Life, SessionState};
use domain::{Occurrence, SessionKey, TenantSlug, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::control::tenant::life::begin_anew;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};

statements! {
    // Also keeps others from changing the session until the transaction ends.
    HOLD = "UPDATE session SET state = state WHERE account = $2 AND conversation = $3
            AND tenant_id = (SELECT id FROM tenant WHERE slug = $1 AND status <> 'deleted')
        RETURNING id, state, created_at, expires_at, last_at";
    RESET = "UPDATE session SET epoch = epoch + 1, title = NULL, last_at = $2 WHERE id = $1";
    EXTEND = "UPDATE session SET expires_at = $2 WHERE id = $1";
    SUSPEND = "UPDATE session SET state = 'suspended', suspended_with = 'session' WHERE id = $1";
    PARK = "UPDATE inbox SET state = 'parked', error_code = 'session-suspended',
            error_text = 'the session is suspended; reset it, then replay the message'
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'waiting'";
    EXPIRE = "UPDATE session SET state = 'expired' WHERE state = 'active' AND expires_at <= $1
            AND ($2 = '' OR tenant_id = (SELECT id FROM tenant WHERE slug = $2))
        RETURNING (SELECT t.slug FROM tenant t WHERE t.id = session.tenant_id), account, conversation";
    // A session that was reset keeps its row: it says where the memory of its conversation begins.
    CLEAN = "DELETE FROM session WHERE state = 'expired' AND epoch = 0
            AND ($1 = '' OR tenant_id = (SELECT id FROM tenant WHERE slug = $1))
            AND id NOT IN (SELECT i.session_id FROM inbox i WHERE i.state IN ('waiting', 'running'))
            AND id NOT IN (SELECT i.session_id FROM inbox i WHERE i.state = 'parked')";
}

/// How many sessions were cleaned up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Cleaned {
    /// Those whose time was over and that nobody had noticed yet.
    pub expired: u64,
    /// Those that were over and are gone.
    pub deleted: u64,
}

// === impl Store ===

impl Store {
    /// Begins a conversation anew: what was said before stays in the transcript but in no prompt. In the place
    /// of a suspended session this puts a new one.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such session.
    pub async fn reset_session(&self, key: &SessionKey) -> Result<()> {
        let (key, now) = (key.clone(), self.clock.now());
        let fresh = self.ids.uuid(now);
        self.change("resetting a session", move |conn| {
            Box::pin(async move {
                let (mut id, life) = hold(conn, &key).await?;
                if life.state == SessionState::Suspended {
                    begin_anew(conn, id, fresh, now).await?;
                    id = fresh;
                }
                on!(conn, c => sqlx::query(RESET).bind(id).bind(now.0).execute(c).await.map(drop))?;
                let (tenant_id, session_id) = (key.tenant.clone(), key);
                Ok(((), vec![Occurrence::SessionReset { tenant_id, session_id }]))
            })
        })
        .await
    }

    /// Lets a session live so much longer. Returns when it expires now.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is over.
    pub async fn extend_session(&self, key: &SessionKey, span: Duration) -> Result<Timestamp> {
        let key = key.clone();
        self.change("extending a session", move |conn| {
            Box::pin(async move {
                let (id, life) = hold(conn, &key).await?;
                let needs =
                    "a session that is over cannot be extended; the next message begins a new one";
                let longer = life.extend(span).map_err(|_| wrong(&key, life, needs))?;
                let expires_at = longer.expires_at;
                on!(conn, c => sqlx::query(EXTEND)
                    .bind(id).bind(expires_at.0).execute(c).await.map(drop))?;
                let (tenant_id, session_id) = (key.tenant.clone(), key);
                let told = Occurrence::SessionExtended { tenant_id, session_id, expires_at };
                Ok((expires_at, vec![told]))
            })
        })
        .await
    }

    /// Stops a session for good: what comes is refused, what waits is parked.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::State`] when it is suspended already.
    pub async fn suspend_session(&self, key: &SessionKey) -> Result<()> {
        let key = key.clone();
        self.change("suspending a session", move |conn| {
            Box::pin(async move {
                let (id, life) = hold(conn, &key).await?;
                let needs = "it is stopped already";
                life.suspend().map_err(|_| wrong(&key, life, needs))?;
                on!(conn, c => sqlx::query(SUSPEND).bind(id).execute(c).await.map(drop))?;
                on!(conn, c => sqlx::query(PARK).bind(id).execute(c).await.map(drop))?;
                let (tenant_id, session_id) = (key.tenant.clone(), key);
                Ok(((), vec![Occurrence::SessionSuspended { tenant_id, session_id }]))
            })
        })
        .await
    }

    /// Expires sessions whose time is over and deletes the expired ones in which nothing waits, of one tenant
    /// or of all. What was said in them stays in the transcript and is known again when somebody writes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clean_sessions(&self, tenant: Option<&TenantSlug>) -> Result<Cleaned> {
        let (tenant_id, now) = (tenant.cloned(), self.clock.now());
        let slug = tenant.map(ToString::to_string).unwrap_or_default();
        self.change("cleaning up sessions", move |conn| {
            Box::pin(async move {
                let expired = expire(conn, &slug, now).await?.len() as u64;
                let deleted = on!(conn, c => sqlx::query(CLEAN)
                    .bind(slug).execute(c).await.map(|done| done.rows_affected()))?;
                let told = Occurrence::SessionsCleaned { tenant_id, expired, deleted };
                Ok((Cleaned { expired, deleted }, vec![told]))
            })
        })
        .await
    }
}

/// Expires sessions whose time is over, of one tenant or, with an empty name, of all. Returns which.
pub(crate) async fn expire(
    conn: &mut Conn<'_>,
    tenant: &str,
    now: Timestamp,
) -> Result<Vec<SessionKey>, Failure> {
    let rows: Vec<(String, String, String)> = on!(conn, c => sqlx::query_as(EXPIRE)
        .bind(now.0).bind(tenant).fetch_all(c).await)?;
    let key = |(slug, account, conversation): (String, String, String)| {
        SessionKey::new(slug.parse().ok()?, &account, &conversation).ok()
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

async fn hold(conn: &mut Conn<'_>, key: &SessionKey) -> Result<(Uuid, Life), Failure> {
    let row: Option<(Uuid, String, i64, i64, i64)> = on!(conn, c => sqlx::query_as(HOLD)
        .bind(key.tenant.as_str())
        .bind(key.account.as_str())
        .bind(key.conversation.as_str())
        .fetch_optional(c).await)?;
    let held = row.and_then(|(id, state, created_at, expires_at, last_at)| {
        let life = Life {
            state: state.parse().ok()?,
            created_at: Timestamp(created_at),
            expires_at: Timestamp(expires_at),
            last_at: Some(Timestamp(last_at)),
        };
        Some((id, life))
    });
    held.ok_or_else(|| Error::Missing { what: "session", name: key.to_string() }.into())
}

fn wrong(key: &SessionKey, life: Life, needs: &'static str) -> Error {
    let (name, state) = (key.to_string(), life.state.as_str().to_owned());
    Error::State { what: "session", name, state, needs }
}
