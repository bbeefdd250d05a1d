//! What becomes of reservations whose process died, or whose call nobody ended.
//!
//! A process that died says nothing of what its calls used. Those that were still under way when it last prolonged
//! its leases had certainly left, and a provider bills what it began: they are charged in full, since a budget that
//! can be overspent by crashing is none. Those that had not been under way for so long may never have left, so they
//! are given back: a process that crashes at its first step must not eat the tenant's day. Should such a call end
//! after all, on an instance that was only slow, what it says replaces what was assumed.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::budget::Warning;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Part, booking};
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};

statements! {
    LAPSE = "UPDATE reservation SET state = 'lapsed'
        WHERE id = $1 AND state = 'held' AND ended_at IS NULL RETURNING sent, parts";
    OF_INSTANCE = "SELECT id FROM reservation
        WHERE instance = $1 AND state = 'held' AND ended_at IS NULL LIMIT $2";
    OVERDUE = "SELECT id FROM reservation
        WHERE state = 'held' AND ended_at IS NULL AND expires_at <= $1 LIMIT $2";
    FORGET_LAPSED = "DELETE FROM reservation
        WHERE state = 'lapsed' AND ended_at IS NULL AND expires_at <= $1";
}

type Lapsed = (i64, Json<Vec<Part>>);

/// Reservations that are let go in one round.
const ROUND: i64 = 1_000;
/// How long what was let go is remembered, in case its call ends after all.
const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

// === impl Store ===

impl Store {
    /// Lets go what an instance held that is known to make no call, because it has just started.
    pub(crate) async fn let_go_reservations(&self, instance: Uuid) -> Result<()> {
        self.book().await?;
        loop {
            let held: Vec<Uuid> = self
                .control
                .db
                .read("looking for reservations", |conn| {
                    Box::pin(async move {
                        Ok(on!(conn, c => sqlx::query_scalar(OF_INSTANCE)
                            .bind(instance).bind(ROUND).fetch_all(c).await)?)
                    })
                })
                .await?;
            if held.is_empty() {
                return Ok(());
            }
            self.lapse(held).await?;
        }
    }

    /// Lets go what is overdue, and forgets what was let go a day ago. Returns how many calls that were.
    pub(crate) async fn let_go_overdue(&self, at: Timestamp) -> Result<u64> {
        self.book().await?;
        let overdue: Vec<Uuid> = self
            .control
            .db
            .read("looking for reservations", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_scalar(OVERDUE)
                        .bind(at.0).bind(ROUND).fetch_all(c).await)?)
                })
            })
            .await?;
        let lapsed = self.lapse(overdue).await?;
        let long_ago = at.before(REMEMBER);
        self.control
            .db
            .write("forgetting reservations", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(FORGET_LAPSED)
                        .bind(long_ago.0).execute(c).await.map(drop))?)
                })
            })
            .await?;
        Ok(lapsed)
    }

    /// One transaction each: two processes that do this at once then never wait for each other crosswise.
    async fn lapse(&self, reservations: Vec<Uuid>) -> Result<u64> {
        let mut done = 0;
        for id in reservations {
            let lapsed = self
                .control
                .db
                .write("letting a reservation go", move |conn| Box::pin(lapse(conn, id)))
                .await?;
            done += u64::from(lapsed.is_some());
            self.warn(lapsed.unwrap_or_default());
        }
        Ok(done)
    }
}

/// `None` when it has ended in the meantime.
async fn lapse(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Vec<Warning>>, Failure> {
    let lapsed: Option<Lapsed> =
        on!(conn, c => sqlx::query_as(LAPSE).bind(id).fetch_optional(c).await)?;
    let Some((sent, Json(parts))) = lapsed else { return Ok(None) };
    let mut charges = BTreeMap::new();
    for part in parts {
        let (held, used) = (part.amount, if sent > 0 { part.amount } else { 0 });
        booking::add(&mut charges, part, held, used);
    }
    booking::charge(conn, charges).await.map(Some)
}
