//! What calls used, moved from their rows into the budgets and the history: many at once.
//!
//! Owns the moment at which a warning is due: a threshold is found crossed for the first time in its window by one
//! process, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Timestamp;
use domain::budget::{Period, Standing, Unit, Warning};
use domain::event::Usage;
use sqlx::types::Json;
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::settle::Spent;
use super::{Part, history, limit_of, number, subject};
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};
use crate::task;

statements! {
    TAKE = "DELETE FROM reservation WHERE id IN
            (SELECT r.id FROM reservation r WHERE r.ended_at IS NOT NULL ORDER BY r.ended_at, r.id LIMIT $1)
        RETURNING tenant_id, account, peer, state, sent, parts, spent, ended_at";
    // `warned` counts how often the threshold was found crossed; the first time is the one to tell of.
    CHARGE = "UPDATE budget SET
            reserved = CASE WHEN reserved > $2 THEN reserved - $2 ELSE 0 END,
            used = CASE WHEN used + $3 > 0 THEN used + $3 ELSE 0 END,
            warned = CASE WHEN (used + $3) * 100 >= COALESCE(limit_override, $4) * $5
                THEN warned + 1 ELSE warned END
        WHERE id = $1
        RETURNING used, reserved, window_until, warned, COALESCE(limit_override, $4)";
}

/// What is being booked, and warnings that nobody has read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Books {
    one_at_a_time: Arc<Mutex<()>>,
    is_due: Arc<AtomicBool>,
    warn: mpsc::Sender<Warning>,
    warned: Arc<Mutex<mpsc::Receiver<Warning>>>,
}

/// Whose budget, of what, in which span: the order in which every transaction takes them.
type Place = (String, String, String, Unit, Period);
type Ended = (Uuid, String, String, String, i64, Json<Vec<Part>>, Option<Json<Spent>>, i64);
type Charged = (i64, i64, i64, i64, i64);

/// What is charged to one budget.
pub(super) struct Charge {
    part: Part,
    held: i64,
    used: i64,
}

/// Calls that are booked in one transaction.
const ROUND: i64 = 256;
/// Warnings that may wait for a reader.
const WARNINGS: usize = 256;

// === impl Store ===

impl Store {
    /// The next budget whose warning threshold was crossed, for the first time in its window: told to one
    /// process of all, once. Waits until there is one.
    pub async fn budget_warning(&self) -> Warning {
        match self.books.warned.lock().await.recv().await {
            Some(warning) => warning,
            // The sender lives in this store.
            None => std::future::pending().await,
        }
    }

    /// Books everything that has ended.
    pub(crate) async fn book(&self) -> Result<()> {
        let _alone = self.books.one_at_a_time.lock().await;
        loop {
            let (booked, warnings) =
                self.control.db.write("booking what was used", |conn| Box::pin(book(conn))).await?;
            self.warn(warnings);
            if booked < ROUND.unsigned_abs() {
                return Ok(());
            }
        }
    }

    pub(super) fn warn(&self, warnings: Vec<Warning>) {
        for warning in warnings {
            if let Err(lost) = self.books.warn.try_send(warning) {
                let warning = lost.into_inner();
                tracing::warn!(?warning, "a budget is nearly used up, and nobody listens");
            }
        }
    }

    /// Has it booked soon, by a task that does so for all who ask in the meantime.
    pub(crate) fn book_soon(&self) {
        if self.books.is_due.swap(true, Ordering::SeqCst) {
            return;
        }
        let store = self.clone();
        task::spawn(async move {
            let ready = store.books.one_at_a_time.lock().await;
            store.books.is_due.store(false, Ordering::SeqCst);
            drop(ready);
            if let Err(error) = store.book().await {
                tracing::warn!(%error, "what calls used is booked later");
            }
        });
    }
}

// === impl Books ===

impl Default for Books {
    fn default() -> Self {
        let (warn, warned) = mpsc::channel(WARNINGS);
        let (one_at_a_time, is_due) = Default::default();
        Self { one_at_a_time, is_due, warn, warned: Arc::new(Mutex::new(warned)) }
    }
}

async fn book(conn: &mut Conn<'_>) -> Result<(u64, Vec<Warning>), Failure> {
    let ended: Vec<Ended> = on!(conn, c => sqlx::query_as(TAKE).bind(ROUND).fetch_all(c).await)?;
    let booked = ended.len() as u64;
    let mut charges = BTreeMap::new();
    let mut used = BTreeMap::new();
    for (tenant, account, peer, state, sent, Json(parts), spent, at) in ended {
        for part in parts {
            let spends = spent.as_ref().map_or(0, |Json(spent)| used_of(&part, spent));
            let (held, assumed) = match state.as_str() {
                "lapsed" => (0, if sent > 0 { part.amount } else { 0 }),
                _ => (part.amount, 0),
            };
            add(&mut charges, part, held, spends - assumed);
        }
        if let Some(Json(spent)) = spent {
            history::add(&mut used, tenant, (account, peer), spent, Timestamp(at));
        }
    }
    let warnings = charge(conn, charges).await?;
    history::write(conn, used).await?;
    Ok((booked, warnings))
}

/// Adds to what one budget is charged.
pub(super) fn add(charges: &mut BTreeMap<Place, Charge>, part: Part, held: i64, used: i64) {
    let (Ok(unit), Ok(period)) = (part.unit.parse(), part.period.parse()) else { return };
    let place = (part.tenant.clone(), part.account.clone(), part.peer.clone(), unit, period);
    let charge = charges.entry(place).or_insert(Charge { part, held: 0, used: 0 });
    charge.held = charge.held.saturating_add(held);
    charge.used = charge.used.saturating_add(used);
}

/// Charges budgets in the one order. Returns those that are to be warned of.
pub(super) async fn charge(
    conn: &mut Conn<'_>,
    charges: BTreeMap<Place, Charge>,
) -> Result<Vec<Warning>, Failure> {
    let mut warnings = Vec::new();
    for (place, Charge { part, held, used }) in charges {
        let row: Option<Charged> = on!(conn, c => sqlx::query_as(CHARGE)
            .bind(part.budget)
            .bind(held)
            .bind(used)
            .bind(part.limit)
            .bind(part.warn)
            .fetch_optional(c).await)?;
        warnings.extend(row.and_then(|row| crossed(place, row, part.warn)));
    }
    Ok(warnings)
}

/// What a call used of one budget.
fn used_of(part: &Part, spent: &Spent) -> i64 {
    let Usage { input, cached, output } = spent.usage;
    match (part.unit.parse(), spent.money) {
        (Ok(Unit::Tokens), _) => number(input.saturating_add(cached).saturating_add(output)),
        (Ok(Unit::Money(held)), Some((paid, amount))) if held == paid => number(amount),
        _ => part.amount,
    }
}

fn crossed(place: Place, row: Charged, warn: i64) -> Option<Warning> {
    let (used, reserved, until, warned, limit) = row;
    let limit = limit_of(limit);
    let (used, reserved) = (used.unsigned_abs(), reserved.unsigned_abs());
    let is_over = limit.is_at(u8::try_from(warn).unwrap_or(u8::MAX), used);
    if warned != 1 || !is_over {
        return None;
    }
    let (tenant, account, peer, unit, period) = place;
    Some(Warning {
        tenant: tenant.parse().ok()?,
        subject: subject(account, peer),
        unit,
        period,
        standing: Standing::new(used, reserved, limit, Some(Timestamp(until))),
    })
}
