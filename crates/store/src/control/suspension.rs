//! What must stop because a tenant, a session or a person was suspended, by whichever process.

use domain::{SessionId, SessionKey};
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};

statements! {
    HELD = "SELECT s.id, t.slug, s.account, s.conversation
        FROM session s JOIN tenant t ON t.id = s.tenant_id
        WHERE s.owner = $1 AND (t.status <> 'active' OR s.state = 'suspended'
            OR EXISTS (SELECT 1 FROM inbox i JOIN person p
                ON p.tenant_id = i.tenant_id AND p.account = i.account AND p.peer = i.peer
                WHERE i.session_id = s.id AND i.state IN ('waiting', 'running') AND i.state = 'running'
                    AND p.status = 'suspended'))";
    WAITS = "SELECT COUNT(*) FROM person p WHERE p.status = 'suspended' AND EXISTS (
            SELECT 1 FROM inbox i WHERE i.state IN ('waiting', 'running') AND i.state = 'waiting'
                AND i.tenant_id = p.tenant_id AND i.account = p.account AND i.peer = p.peer)";
    PARK = "UPDATE inbox SET state = 'parked', error_code = 'person-suspended',
            error_text = 'the person who wrote it is suspended; reinstate the person, then replay it'
        WHERE state IN ('waiting', 'running') AND state = 'waiting'
            AND EXISTS (SELECT 1 FROM person p WHERE p.status = 'suspended'
            AND p.tenant_id = inbox.tenant_id AND p.account = inbox.account AND p.peer = inbox.peer)";
}

/// A session in which a turn runs that must stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// Its row.
    pub session: SessionId,
    /// Which conversation.
    pub key: SessionKey,
}

// === impl Store ===

impl Store {
    /// Sessions that this instance holds although their tenant, they themselves or somebody who is being
    /// answered there is suspended: what runs in them is to be stopped.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn suspended(&self, owner: Uuid) -> Result<Vec<Suspended>> {
        let rows: Vec<(Uuid, String, String, String)> = self
            .control
            .db
            .read("looking for what is suspended", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(HELD).bind(owner).fetch_all(c).await)?)
                })
            })
            .await?;
        let read = |(id, slug, account, conversation): (Uuid, String, String, String)| {
            let key = SessionKey::new(slug.parse().ok()?, &account, &conversation).ok()?;
            Some(Suspended { session: SessionId(id), key })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Parks what waits of suspended persons: a turn of theirs that was stopped gave it back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn park_suspended(&self) -> Result<()> {
        let waits: i64 = self
            .control
            .db
            .read("looking for what is suspended", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_scalar(WAITS).fetch_one(c).await)?)
                })
            })
            .await?;
        if waits == 0 {
            return Ok(());
        }
        self.control
            .db
            .write("parking what is suspended", |conn| Box::pin(async move { park(conn).await }))
            .await
    }
}

pub(super) async fn park(conn: &mut Conn<'_>) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(PARK).execute(c).await.map(drop))?;
    Ok(())
}
