//! How a call says what it used.
//!
//! It is written into the call's own row, at best in the transaction that ends the turn, and touches nothing that
//! others wait for. Until it is booked the call holds what it held, so nothing is spent twice.

use domain::Timestamp;
use domain::budget::Currency;
use domain::event::Usage;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use super::Reservation;
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};
use crate::text::storable;

statements! {
    END = "UPDATE reservation SET ended_at = $2, spent = $3 WHERE id = $1 AND ended_at IS NULL";
    MARK_SENT = "UPDATE reservation SET sent = 1
        WHERE session_id = $1 AND instance = $2 AND state = 'held' AND sent = 0";
}

/// The end of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which one.
    pub reservation: Reservation,
    /// What was used; `None` gives everything back.
    pub spent: Option<Spent>,
}

/// What a call used, as its provider counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The model that was asked.
    pub model: String,
    /// Its tokens.
    pub usage: Usage,
    /// What they cost in millionths of a currency; `None` when nobody knows the price. A money budget is then
    /// charged what was held.
    pub money: Option<(Currency, u64)>,
}

// === impl Store ===

impl Store {
    /// Ends a reservation. Doing it twice is the same as doing it once.
    ///
    /// # Errors
    /// When the database does not answer; then it is let go later, as after a crash.
    pub async fn settle(&self, settlement: Settlement) -> Result<()> {
        let now = self.clock.now();
        self.control
            .db
            .write("settling a budget", move |conn| Box::pin(settle_in(conn, settlement, now)))
            .await?;
        self.book().await
    }

    /// Gives back everything that a call held that was not made.
    ///
    /// # Errors
    /// See [`Self::settle`].
    pub async fn release(&self, reservation: Reservation) -> Result<()> {
        self.settle(Settlement { reservation, spent: None }).await
    }
}

/// Ends a reservation inside the transaction that ends what it was for.
pub(crate) async fn settle_in(
    conn: &mut Conn<'_>,
    settlement: Settlement,
    now: Timestamp,
) -> Result<(), Failure> {
    let Settlement { reservation, spent } = settlement;
    let spent = spent.map(|spent| Json(Spent { model: storable(spent.model), ..spent }));
    on!(conn, c => sqlx::query(END)
        .bind(reservation.0).bind(now.0).bind(spent).execute(c).await.map(drop))?;
    Ok(())
}

/// Notes that the calls of a session have left: they are still under way.
pub(crate) async fn mark_sent(
    conn: &mut Conn<'_>,
    session: Uuid,
    instance: Uuid,
) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(MARK_SENT).bind(session).bind(instance).execute(c).await.map(drop))?;
    Ok(())
}
