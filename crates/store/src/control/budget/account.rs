//! Budgets as an operator sees and changes them, beside a gateway that may be running.

use domain::budget::{Balance, Limit, Period, Subject, Unit};
use domain::{Occurrence, TenantSlug};
use uuid::Uuid;

use super::{UNLIMITED, balance, history, limit_number, no_tenant, stored, subject};
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};

statements! {
    LIST = "SELECT b.account, b.peer, b.unit, b.period, b.used, b.reserved, b.window_from, b.window_until,
            b.approved, b.limit_override
        FROM budget b JOIN tenant t ON t.id = b.tenant_id
        WHERE t.slug = $1 ORDER BY b.account, b.peer, b.unit, b.period";
    // A change begins the warning anew: it is another limit.
    SET = "INSERT INTO budget (id, tenant_id, account, peer, unit, period, used, reserved, window_from,
            window_until, warned, approved, limit_override)
        SELECT $6, t.id, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, $7 FROM tenant t WHERE t.slug = $1
        ON CONFLICT (tenant_id, account, peer, unit, period)
            DO UPDATE SET limit_override = excluded.limit_override, warned = 0";
    // What calls under way hold is theirs until they end.
    RESET = "UPDATE budget SET used = 0, window_from = 0, window_until = 0, warned = 0, approved = 0
        WHERE tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1) AND account = $2 AND peer = $3";
    APPROVE = "UPDATE budget SET approved = 1
        WHERE tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1) AND account = $2 AND peer = $3
            AND window_until > $4";
    OLD_LIMIT = "SELECT limit_override FROM budget
        WHERE tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
            AND account = $2 AND peer = $3 AND unit = $4 AND period = $5";
    // What waits for an approval has its turn as if it had never been tried.
    REPLAY = "UPDATE inbox SET state = 'waiting', attempts = 0, due_at = $4, error_code = NULL,
            error_text = NULL, finished_at = NULL
        WHERE state = 'parked' AND error_code = 'budget-approval-needed'
            AND tenant_id = (SELECT t.id FROM tenant t WHERE t.slug = $1)
            AND ($2 = '' OR (account = $2 AND peer = $3))";
    FORGET = "DELETE FROM budget
        WHERE window_until <= $1 AND reserved = 0 AND limit_override IS NULL";
}

/// One budget of a tenant, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRow {
    /// Whose.
    pub subject: Subject,
    /// Of what.
    pub unit: Unit,
    /// In which span.
    pub period: Period,
    /// What has been taken out of it; [`Balance::at`] says how it stands at a moment.
    pub balance: Balance,
}

/// A limit to be set by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// Of what.
    pub unit: Unit,
    /// In which span.
    pub period: Period,
    /// How much; `None` for what is configured.
    pub limit: Option<Limit>,
}

type Row = (String, String, String, String, i64, i64, i64, i64, i64, Option<i64>);

// === impl Store ===

impl Store {
    /// Every budget of a tenant and its persons that was ever used or set, the tenant's own first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn budgets(&self, tenant: &TenantSlug) -> Result<Vec<BudgetRow>> {
        let tenant = tenant.to_string();
        let rows: Vec<Row> = self
            .control
            .db
            .read("reading budgets", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(LIST).bind(tenant).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// Sets limits in place of the configured ones, from the next call on.
    ///
    /// # Errors
    /// [`crate::Error::Missing`] when there is no such tenant.
    pub async fn set_budget(
        &self,
        tenant: &TenantSlug,
        subject: &Subject,
        limits: Vec<NewLimit>,
    ) -> Result<()> {
        let (slug, name, now) = (tenant.clone(), names(subject), self.clock.now());
        let limits: Vec<(Uuid, NewLimit)> =
            limits.into_iter().map(|limit| (self.ids.uuid(now), limit)).collect();
        let person = person(subject);
        self.change("setting a budget", move |conn| {
            Box::pin(async move {
                let old = set(conn, &slug, name, limits.clone()).await?;
                let changed =
                    old.into_iter().zip(limits).map(|(old, (_, new))| Occurrence::BudgetChanged {
                        tenant_id: slug.clone(),
                        person: person.clone(),
                        unit: new.unit.to_string(),
                        period: new.period.as_str().to_owned(),
                        old_limit: old.map(limit_words),
                        new_limit: new.limit.map(limit_number).map(limit_words),
                    });
                Ok(((), changed.collect()))
            })
        })
        .await
    }

    /// Begins the budgets of one subject anew: nothing is used, and the next call begins a window. Returns
    /// how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reset_budget(&self, tenant: &TenantSlug, subject: &Subject) -> Result<u64> {
        let (tenant_id, (account, peer)) = (tenant.clone(), names(subject));
        let person = person(subject);
        self.change("resetting a budget", move |conn| {
            Box::pin(async move {
                let budgets = on!(conn, c => sqlx::query(RESET)
                    .bind(tenant_id.as_str()).bind(account).bind(peer)
                    .execute(c).await.map(|done| done.rows_affected()))?;
                Ok((budgets, vec![Occurrence::BudgetReset { tenant_id, person, budgets }]))
            })
        })
        .await
    }

    /// Approves that a subject goes on to its limits in the windows that run, and lets what waited for that
    /// have its turn. Returns how many budgets do.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn approve_budget(&self, tenant: &TenantSlug, subject: &Subject) -> Result<u64> {
        let at = self.budget_time().await?;
        let (tenant_id, (account, peer)) = (tenant.clone(), names(subject));
        let (person, now) = (person(subject), self.clock.now());
        self.change("approving a budget", move |conn| {
            Box::pin(async move {
                let budgets = on!(conn, c => sqlx::query(APPROVE)
                    .bind(tenant_id.as_str()).bind(account.as_str()).bind(peer.as_str()).bind(at.0)
                    .execute(c).await.map(|done| done.rows_affected()))?;
                let replayed = on!(conn, c => sqlx::query(REPLAY)
                    .bind(tenant_id.as_str()).bind(account).bind(peer).bind(now.0)
                    .execute(c).await.map(|done| done.rows_affected()))?;
                let approved = Occurrence::BudgetApproved { tenant_id, person, budgets, replayed };
                Ok((budgets, vec![approved]))
            })
        })
        .await
    }

    /// What time does to budgets: what is overdue is let go, what is old is forgotten.
    pub(crate) async fn tidy_budgets(&self) -> Result<u64> {
        let at = self.budget_time().await?;
        let lapsed = self.let_go_overdue(at).await?;
        self.keep_budget_time().await?;
        let long_ago = at.before(history::REMEMBER);
        self.control
            .db
            .write("forgetting what was used", move |conn| {
                Box::pin(async move {
                    history::forget(conn, long_ago).await?;
                    on!(conn, c => sqlx::query(FORGET).bind(long_ago.0).execute(c).await.map(drop))?;
                    Ok(())
                })
            })
            .await?;
        Ok(lapsed)
    }
}

/// Sets limits, and returns what was set by hand before.
async fn set(
    conn: &mut Conn<'_>,
    tenant: &TenantSlug,
    (account, peer): (String, String),
    limits: Vec<(Uuid, NewLimit)>,
) -> Result<Vec<Option<i64>>, Failure> {
    let mut before = Vec::with_capacity(limits.len());
    for (id, NewLimit { unit, period, limit }) in limits {
        let old: Option<Option<i64>> = on!(conn, c => sqlx::query_scalar(OLD_LIMIT)
            .bind(tenant.as_str())
            .bind(account.as_str())
            .bind(peer.as_str())
            .bind(unit.to_string())
            .bind(period.as_str())
            .fetch_optional(c).await)?;
        before.push(old.flatten());
        let set = on!(conn, c => sqlx::query(SET)
            .bind(tenant.as_str())
            .bind(account.as_str())
            .bind(peer.as_str())
            .bind(unit.to_string())
            .bind(period.as_str())
            .bind(id)
            .bind(limit.map(limit_number))
            .execute(c).await.map(|done| done.rows_affected() == 1))?;
        if !set {
            return Err(no_tenant(tenant).into());
        }
    }
    Ok(before)
}

/// A person as the audit names them.
fn person(subject: &Subject) -> Option<String> {
    subject.person().map(ToString::to_string)
}

fn limit_words(limit: i64) -> String {
    if limit >= UNLIMITED { "unlimited".to_owned() } else { limit.to_string() }
}

fn names(subject: &Subject) -> (String, String) {
    subject.person().map_or_else(Default::default, stored)
}

/// A row that does not read back was written by a newer version; it is not shown by this one.
fn from_row(row: Row) -> Option<BudgetRow> {
    let (account, peer, unit, period, used, reserved, from, until, approved, limit) = row;
    Some(BudgetRow {
        subject: subject(account, peer),
        unit: unit.parse().ok()?,
        period: period.parse().ok()?,
        balance: balance((used, reserved, from, until, approved, limit)),
    })
}
