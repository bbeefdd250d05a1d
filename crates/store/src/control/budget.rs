//! Budgets: what a call holds before it is made, of every limit that it must keep or of none.
//!
//! Owns admission: each limit is one conditional statement, so that any number of processes together never
//! take more than there is. How a reservation ends is in [`settle`] and [`lapse`], what it used in [`booking`].

pub(crate) mod account;
pub(crate) mod booking;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod lapse;
pub(crate) mod settle;
pub(crate) mod time;

use std::time::Duration;

use domain::budget::{Balance, BudgetExceeded, Limit, Line, MOST, Refused, Subject, Window};
use domain::{PersonKey, SessionId, TenantSlug, Timestamp};
use sqlx::types::Json;
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};
use crate::text::storable;

statements! {
    // A window that is over gives way to the one that begins now; one that a clock far ahead began is
    // brought back. The pure form of all this is `domain::budget::Balance::admit`.
    HOLD = "UPDATE budget SET
            used = CASE WHEN window_until <= $6 THEN 0 ELSE used END,
            warned = CASE WHEN window_until <= $6 THEN 0 ELSE warned END,
            approved = CASE WHEN window_until <= $6 THEN 0 ELSE approved END,
            window_from = CASE WHEN window_until <= $6 OR window_until > $9 THEN $7 ELSE window_from END,
            window_until = CASE WHEN window_until <= $6 OR window_until > $9 THEN $8 ELSE window_until END,
            reserved = reserved + $10
        WHERE tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
            AND account = $2 AND peer = $3 AND unit = $4 AND period = $5
            AND CASE WHEN window_until <= $6 THEN 0 ELSE used END + reserved + $10
                <= COALESCE(limit_override, $11)
            AND (window_until <= $6 OR approved > 0 OR $12 > 100
                OR used * 100 < COALESCE(limit_override, $11) * $12)
        RETURNING id";
    FIND = "SELECT used, reserved, window_from, window_until, approved, limit_override FROM budget
        WHERE tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
            AND account = $2 AND peer = $3 AND unit = $4 AND period = $5";
    BEGIN = "INSERT INTO budget (id, tenant_id, account, peer, unit, period, used, reserved, window_from,
            window_until, warned, approved, limit_override)
        SELECT $6, t.id, $2, $3, $4, $5, 0, $7, $8, $9, 0, 0, NULL FROM tenant t WHERE t.slug = $1
        ON CONFLICT (tenant_id, account, peer, unit, period) DO NOTHING";
    GIVE_BACK = "UPDATE budget SET reserved = reserved - $2 WHERE id = $1";
    RESERVE = "INSERT INTO reservation
            (id, tenant_id, account, peer, instance, session_id, state, sent, parts, expires_at)
        SELECT $1, t.id, $3, $4, $5, $6, 'held', 0, $7, $8 FROM tenant t WHERE t.slug = $2";
}

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub struct Hold {
    /// For whom.
    pub tenant: TenantSlug,
    /// By which instance; when it starts again, what it held is let go.
    pub instance: Uuid,
    /// In which session, if in any. Prolonging the session's lease notes that the call has left.
    pub session: Option<SessionId>,
    /// Every limit that it must keep.
    pub lines: Vec<Line>,
    /// Now, as [`Store::budget_time`] says.
    pub at: Timestamp,
    /// How long after that nobody works on it any more, whatever happened.
    pub longest: Duration,
}

/// What a call holds until it is settled or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reservation(pub Uuid);

/// What a reservation holds of one budget.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Part {
    budget: Uuid,
    tenant: String,
    account: String,
    peer: String,
    unit: String,
    period: String,
    amount: i64,
    limit: i64,
    warn: i64,
}

/// Where a budget is found.
struct Place<'a> {
    tenant: &'a str,
    account: &'a str,
    peer: &'a str,
    unit: String,
    period: &'static str,
}

type BalanceRow = (i64, i64, i64, i64, i64, Option<i64>);

/// Stands for [`Limit::Unlimited`] in a row: so much that nothing reaches it, and little enough that a hundred
/// times as much can be counted.
const UNLIMITED: i64 = 9_000_000_000_000_000;
/// A percentage that is never reached.
const NEVER: i64 = 101;
/// Between looking at a budget and taking from it another process may have changed it.
const ATTEMPTS: u32 = 3;
/// A window may end so much later than one that begins now; see `domain::budget::Balance::at`.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

// === impl Store ===

impl Store {
    /// Holds what a call can use at most, of every budget it must keep or of none.
    ///
    /// # Errors
    /// [`Error::Budget`] when one does not allow it. Any other error too means that the call must not be
    /// made: what is not written down is not spent.
    pub async fn reserve(&self, mut hold: Hold) -> Result<Reservation> {
        // The same order in every transaction, so that two never wait for each other crosswise.
        hold.lines
            .sort_by(|a, b| (&a.subject, a.unit, a.period).cmp(&(&b.subject, b.unit, b.period)));
        match self.reserve_together(hold.clone()).await {
            // What is missing may be held by calls that have ended and are not booked yet.
            Err(Error::Budget(exceeded)) if exceeded.standing.reserved > 0 => {
                self.book().await?;
                self.reserve_together(hold).await
            }
            told => told,
        }
    }
}

/// Admits one call; what was taken for it is given back when one of its budgets does not allow it, as the
/// transaction goes on with others.
async fn admit(
    conn: &mut Conn<'_>,
    id: Uuid,
    hold: &Hold,
    fresh: &[Uuid],
) -> Result<Result<(), Error>, Failure> {
    let mut parts = Vec::with_capacity(hold.lines.len());
    for (line, fresh) in hold.lines.iter().zip(fresh) {
        match take(conn, hold, line, *fresh).await {
            Ok(part) => parts.push(part),
            Err(Failure::Ours(refused)) => {
                for Part { budget, amount, .. } in parts {
                    on!(conn, c => sqlx::query(GIVE_BACK)
                        .bind(budget).bind(amount).execute(c).await.map(drop))?;
                }
                return Ok(Err(refused));
            }
            Err(failure) => return Err(failure),
        }
    }
    let person = hold.lines.iter().find_map(|line| line.subject.person());
    let (account, peer) = person.map_or_else(Default::default, stored);
    let stored = on!(conn, c => sqlx::query(RESERVE)
        .bind(id)
        .bind(hold.tenant.as_str())
        .bind(account)
        .bind(peer)
        .bind(hold.instance)
        .bind(hold.session.map(|session| session.0))
        .bind(Json(&parts))
        .bind(hold.at.after(hold.longest).0)
        .execute(c).await.map(|done| done.rows_affected() == 1))?;
    Ok(if stored { Ok(()) } else { Err(no_tenant(&hold.tenant)) })
}

/// Takes the amount out of one budget, which is made when it is not there.
async fn take(conn: &mut Conn<'_>, hold: &Hold, line: &Line, fresh: Uuid) -> Result<Part, Failure> {
    let (account, peer) = line.subject.person().map_or_else(Default::default, stored);
    let (tenant, unit) = (hold.tenant.as_str(), line.unit.to_string());
    let place =
        Place { tenant, account: &account, peer: &peer, unit, period: line.period.as_str() };
    let part = |budget| Part {
        budget,
        tenant: tenant.to_owned(),
        account: account.clone(),
        peer: peer.clone(),
        unit: place.unit.clone(),
        period: line.period.as_str().to_owned(),
        amount: number(line.amount),
        limit: limit_number(line.limit),
        warn: i64::from(line.thresholds.warn),
    };
    let mut refused = None;
    for _ in 0..ATTEMPTS {
        if let Some(budget) = held(conn, &place, line, hold.at).await? {
            return Ok(part(budget));
        }
        let found = find(conn, &place).await?;
        let balance = found.unwrap_or_else(Balance::unused);
        match balance.admit(line, hold.at) {
            Err(why) => {
                refused = Some(why);
                break;
            }
            // It was there all along, and somebody has just given back what was missing: once more.
            Ok(_) if found.is_some() => {
                refused = Some(Refused::Exceeded(balance.standing(line.limit)));
            }
            Ok(_) => {
                if begun(conn, &place, line, fresh).await? {
                    return Ok(part(fresh));
                }
            }
        }
    }
    match refused {
        Some(why) => Err(Error::Budget(Box::new(told(hold, line, why))).into()),
        None => Err(no_tenant(&hold.tenant).into()),
    }
}

async fn held(
    conn: &mut Conn<'_>,
    place: &Place<'_>,
    line: &Line,
    at: Timestamp,
) -> Result<Option<Uuid>, Failure> {
    let Window { from, until } = line.window;
    Ok(on!(conn, c => sqlx::query_scalar(HOLD)
        .bind(place.tenant)
        .bind(place.account)
        .bind(place.peer)
        .bind(&place.unit)
        .bind(place.period)
        .bind(at.0)
        .bind(from.0)
        .bind(until.0)
        .bind(until.after(FAR).0)
        .bind(number(line.amount))
        .bind(limit_number(line.limit))
        .bind(line.thresholds.approve.map_or(NEVER, i64::from))
        .fetch_optional(c).await)?)
}

async fn find(conn: &mut Conn<'_>, place: &Place<'_>) -> Result<Option<Balance>, Failure> {
    let row: Option<BalanceRow> = on!(conn, c => sqlx::query_as(FIND)
        .bind(place.tenant)
        .bind(place.account)
        .bind(place.peer)
        .bind(&place.unit)
        .bind(place.period)
        .fetch_optional(c).await)?;
    Ok(row.map(balance))
}

async fn begun(
    conn: &mut Conn<'_>,
    place: &Place<'_>,
    line: &Line,
    fresh: Uuid,
) -> Result<bool, Failure> {
    Ok(on!(conn, c => sqlx::query(BEGIN)
        .bind(place.tenant)
        .bind(place.account)
        .bind(place.peer)
        .bind(&place.unit)
        .bind(place.period)
        .bind(fresh)
        .bind(number(line.amount))
        .bind(line.window.from.0)
        .bind(line.window.until.0)
        .execute(c).await.map(|done| done.rows_affected() == 1))?)
}

fn told(hold: &Hold, line: &Line, why: Refused) -> BudgetExceeded {
    let (standing, needs_approval) = match why {
        Refused::Exceeded(standing) => (standing, false),
        Refused::NeedsApproval(standing) => (standing, true),
    };
    let until = standing.resets_at.unwrap_or(line.window.until).since(hold.at);
    BudgetExceeded {
        tenant: hold.tenant.clone(),
        subject: line.subject.clone(),
        unit: line.unit,
        period: line.period,
        standing,
        asked: line.amount,
        needs_approval,
        retry_after: if needs_approval {
            until
        } else {
            BudgetExceeded::retry_after(&standing, line.amount, until)
        },
    }
}

fn no_tenant(slug: &TenantSlug) -> Error {
    Error::Missing { what: "tenant", name: slug.to_string() }
}

/// A person as rows name them.
fn stored(person: &PersonKey) -> (String, String) {
    (storable(person.account.clone()), storable(person.peer.clone()))
}

fn subject(account: String, peer: String) -> Subject {
    match peer.is_empty() {
        true => Subject::Tenant,
        false => Subject::Person(PersonKey { account, peer }),
    }
}

fn balance((used, reserved, from, until, approved, limit): BalanceRow) -> Balance {
    Balance {
        used: used.unsigned_abs(),
        reserved: reserved.unsigned_abs(),
        window: Window { from: Timestamp(from), until: Timestamp(until) },
        approved: approved > 0,
        limit: limit.map(limit_of),
    }
}

fn number(amount: u64) -> i64 {
    i64::try_from(amount.min(MOST)).unwrap_or(i64::MAX)
}

fn limit_number(limit: Limit) -> i64 {
    match limit {
        Limit::Max(most) => number(most),
        Limit::Unlimited => UNLIMITED,
    }
}

fn limit_of(number: i64) -> Limit {
    match number {
        UNLIMITED.. => Limit::Unlimited,
        most => Limit::Max(u64::try_from(most).unwrap_or(0)),
    }
}
