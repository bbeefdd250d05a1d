//! What time does to rows: sessions expire, old duplicates are forgotten, overdue budgets are let go.

use std::time::Duration;

use domain::{Occurrence, PlatformEvent};

use super::audit;
use super::session::life::expire;
use crate::Store;
use crate::db::{on, statements};
use crate::error::Result;

statements! {
    // Conversations that were held for one request only leave no session behind. What is still wanted is
    // looked for once, not once for each session.
    FORGET_SESSIONS = "DELETE FROM session WHERE state = 'expired' AND account = 'api'
        AND conversation LIKE 'once:%'
        AND id NOT IN (SELECT i.session_id FROM inbox i WHERE i.state <> 'done')";
    FORGET_MESSAGES = "DELETE FROM inbox WHERE finished_at <= $1";
    FORGET_LINKS = "DELETE FROM link WHERE expires_at <= $1";
    FORGET_SAMPLES = "DELETE FROM sample WHERE at <= $1";
    FORGET_AUDIT = "DELETE FROM audit WHERE at <= $1";
    // Whoever writes again is known again; what an operator decided about a person stays.
    FORGET_PERSONS = "DELETE FROM person WHERE last_active_at <= $1 AND tier IS NULL AND status = 'active'";
}

/// Platforms redeliver a message for up to seven days; its row is what recognises it.
const REMEMBER: Duration = Duration::from_secs(9 * 24 * 60 * 60);
/// A week of history and the day before it, so that the same hour of last week can be looked at.
const HISTORY: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// What one round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Sessions that expired.
    pub expired: u64,
    /// Answered messages whose row is gone.
    pub forgotten: u64,
    /// Calls that nobody ended, whose budget was let go.
    pub lapsed: u64,
}

// === impl Store ===

impl Store {
    /// Expires sessions whose time is over and forgets what need not be remembered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn upkeep(&self) -> Result<Upkeep> {
        let now = self.clock.now();
        let long_ago = now.before(REMEMBER);
        let history = now.before(HISTORY);
        let lapsed = self.tidy_budgets().await?;
        let (expired, forgotten) = self
            .control
            .db
            .write("tidying up", move |conn| {
                Box::pin(async move {
                    let expired = expire(conn, "", now).await?;
                    on!(conn, c => sqlx::query(FORGET_SESSIONS).execute(c).await.map(drop))?;
                    let forgotten = on!(conn, c => sqlx::query(FORGET_MESSAGES).bind(long_ago.0)
                        .execute(c).await.map(|done| done.rows_affected()))?;
                    on!(conn, c => sqlx::query(FORGET_LINKS).bind(long_ago.0).execute(c).await.map(drop))?;
                    on!(conn, c => sqlx::query(FORGET_SAMPLES).bind(history.0).execute(c).await.map(drop))?;
                    let kept = now.before(audit::KEPT).0;
                    on!(conn, c => sqlx::query(FORGET_AUDIT).bind(kept).execute(c).await.map(drop))?;
                    on!(conn, c => sqlx::query(FORGET_PERSONS).bind(kept).execute(c).await.map(drop))?;
                    Ok((expired, forgotten))
                })
            })
            .await?;
        let count = expired.len() as u64;
        for session_id in expired {
            let what =
                Occurrence::SessionExpired { tenant_id: session_id.tenant.clone(), session_id };
            self.tell(PlatformEvent::new(what, now, self.ids.uuid(now)));
        }
        Ok(Upkeep { expired: count, forgotten, lapsed })
    }
}
