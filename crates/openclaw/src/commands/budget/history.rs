//! What was used: a line for each day and model.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use config::settings::Budgets;
use domain::budget::{Period, Unit};
use domain::event::Usage;
use serde::Serialize;
use store::Store;

use crate::cli::Whose;
use crate::error::Error;
use crate::output::{Screen, Show, Table};

/// What was used, the latest day first.
#[derive(Serialize)]
pub struct History {
    days: Vec<Line>,
}

/// What was used of one model in one day. Money is in millionths of the currency.
#[derive(Serialize)]
struct Line {
    day: String,
    model: String,
    calls: u64,
    #[serde(flatten)]
    usage: Usage,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    money: u64,
}

/// Rows of a quarter of an hour that are added up: forty days of a tenant that never sleeps.
const MOST_ROWS: u32 = 200_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Adds up what was used in so many days, by the tenant's own midnights.
pub async fn gather(
    store: &Store,
    budgets: &Budgets,
    whose: &Whose,
    days: u32,
) -> Result<History, Error> {
    let now = store.budget_time().await?;
    let tenant = &whose.tenant;
    let since = now.before(DAY * (days - 1));
    let since = budgets.window(tenant, Period::Day, since).from;
    let mut lines: BTreeMap<(String, String, String), Line> = BTreeMap::new();
    for row in store.usage_since(tenant, since, MOST_ROWS).await? {
        if whose.person.is_some() && row.subject != whose.subject() {
            continue;
        }
        let day = budgets.date(tenant, row.began_at);
        let key = (day.clone(), row.model.clone(), row.currency.clone());
        let line = lines.entry(key).or_insert_with(|| Line {
            day,
            model: row.model.clone(),
            calls: 0,
            usage: Usage::default(),
            currency: row.currency.clone(),
            money: 0,
        });
        line.calls += row.calls;
        line.usage.input += row.usage.input;
        line.usage.cached += row.usage.cached;
        line.usage.output += row.usage.output;
        line.money += row.money;
    }
    Ok(History { days: lines.into_values().rev().collect() })
}

// === impl History ===

impl Show for History {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table =
            Table::new(&["DAY", "MODEL", "CALLS", "READ", "FROM CACHE", "WRITTEN", "COST"]);
        for line in &self.days {
            let cost = line.currency.parse().map(Unit::Money).map(|unit| unit.amount(line.money));
            table.row([
                line.day.clone(),
                line.model.clone(),
                line.calls.to_string(),
                line.usage.input.to_string(),
                line.usage.cached.to_string(),
                line.usage.output.to_string(),
                cost.unwrap_or_default(),
            ]);
        }
        table.show(screen, "Nothing was used.")
    }
}
