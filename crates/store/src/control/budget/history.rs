//! What was used: by whom, of which model, when. Kept for forty days, in quarters of an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::budget::Subject;
use domain::event::Usage;
use domain::{TenantSlug, Timestamp};
use uuid::Uuid;

use super::settle::Spent;
use super::{number, subject};
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};

statements! {
    ADD = "INSERT INTO usage_history
            (tenant_id, began_at, account, peer, model, currency, calls, input, cached, output, money)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (tenant_id, began_at, account, peer, model, currency) DO UPDATE SET
            calls = usage_history.calls + excluded.calls,
            input = usage_history.input + excluded.input,
            cached = usage_history.cached + excluded.cached,
            output = usage_history.output + excluded.output,
            money = usage_history.money + excluded.money";
    SINCE = "SELECT h.began_at, h.account, h.peer, h.model, h.currency, h.calls, h.input, h.cached,
            h.output, h.money
        FROM usage_history h JOIN tenant t ON t.id = h.tenant_id
        WHERE t.slug = $1 AND h.began_at >= $2
        ORDER BY h.began_at DESC, h.account, h.peer, h.model, h.currency LIMIT $3";
    FORGET = "DELETE FROM usage_history WHERE began_at <= $1";
}

/// What one subject used of one model in a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// When the quarter began.
    pub began_at: Timestamp,
    /// Who asked; the tenant itself where no person is known.
    pub subject: Subject,
    /// Which model.
    pub model: String,
    /// How many calls.
    pub calls: u64,
    /// Their tokens.
    pub usage: Usage,
    /// Letters of the currency; empty where no price is known.
    pub currency: String,
    /// What they cost, in millionths of it.
    pub money: u64,
}

type Row = (i64, String, String, String, String, i64, i64, i64, i64, i64);

const QUARTER: i64 = 15 * 60 * 1_000;
/// How long use is remembered: a month, and some days to look at it.
pub(super) const REMEMBER: Duration = Duration::from_secs(40 * 24 * 60 * 60);

// === impl Store ===

impl Store {
    /// What a tenant used since a moment, the latest first; at most `most` rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn usage_since(
        &self,
        tenant: &TenantSlug,
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<UsageRow>> {
        let tenant = tenant.to_string();
        let rows: Vec<Row> = self
            .control
            .db
            .read("reading what was used", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(SINCE)
                        .bind(tenant).bind(since.0).bind(i64::from(most)).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().map(from_row).collect())
    }
}

/// Tenant, quarter, account, peer, model, currency.
pub(super) type Slot = (Uuid, i64, String, String, String, String);

/// What is added to one slot.
#[derive(Default)]
pub(super) struct Sum {
    calls: i64,
    usage: Usage,
    money: u64,
}

/// Adds one call.
pub(super) fn add(
    sums: &mut BTreeMap<Slot, Sum>,
    tenant: Uuid,
    (account, peer): (String, String),
    spent: Spent,
    at: Timestamp,
) {
    let Spent { model, usage, money } = spent;
    let quarter = at.0 - at.0.rem_euclid(QUARTER);
    let currency = money.map_or_else(String::new, |(currency, _)| currency.to_string());
    let sum = sums.entry((tenant, quarter, account, peer, model, currency)).or_default();
    sum.calls += 1;
    sum.usage.input = sum.usage.input.saturating_add(usage.input);
    sum.usage.cached = sum.usage.cached.saturating_add(usage.cached);
    sum.usage.output = sum.usage.output.saturating_add(usage.output);
    sum.money = sum.money.saturating_add(money.map_or(0, |(_, amount)| amount));
}

/// Writes what was added up, in one order.
pub(super) async fn write(conn: &mut Conn<'_>, sums: BTreeMap<Slot, Sum>) -> Result<(), Failure> {
    for ((tenant, quarter, account, peer, model, currency), Sum { calls, usage, money }) in sums {
        on!(conn, c => sqlx::query(ADD)
            .bind(tenant)
            .bind(quarter)
            .bind(account)
            .bind(peer)
            .bind(model)
            .bind(currency)
            .bind(calls)
            .bind(number(usage.input))
            .bind(number(usage.cached))
            .bind(number(usage.output))
            .bind(number(money))
            .execute(c).await.map(drop))?;
    }
    Ok(())
}

pub(super) async fn forget(conn: &mut Conn<'_>, long_ago: Timestamp) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(FORGET).bind(long_ago.0).execute(c).await.map(drop))?;
    Ok(())
}

fn from_row(row: Row) -> UsageRow {
    let (began_at, account, peer, model, currency, calls, input, cached, output, money) = row;
    UsageRow {
        began_at: Timestamp(began_at),
        subject: subject(account, peer),
        model,
        calls: calls.unsigned_abs(),
        usage: Usage {
            input: input.unsigned_abs(),
            cached: cached.unsigned_abs(),
            output: output.unsigned_abs(),
        },
        currency,
        money: money.unsigned_abs(),
    }
}
