//! `openclaw audit`: who changed what.

use std::io;
use std::time::Duration;

use domain::Timestamp;
use serde::Serialize;
use store::{AuditFilter, AuditRow, Store};

use crate::cli::AuditArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// How often new rows are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// Rows of one look.
const AT_ONCE: u32 = 1_000;

/// Shows the latest rows, and goes on with new ones when asked to.
pub async fn run(arguments: &AuditArgs, context: &Context) -> Result<(), Error> {
    let store = Installation::find()?.store().await?;
    let filter = AuditFilter {
        tenant: arguments.tenant.clone(),
        since: arguments.since.map(|span| context.now().before(span)),
        after: None,
        limit: arguments.limit,
    };
    let rows = store.audit(filter).await?;
    let followed = if arguments.follow {
        follow(&store, arguments, rows, context).await
    } else {
        context.print(&Listed { rows, now: context.now() })
    };
    store.close().await;
    followed
}

async fn follow(
    store: &Store,
    arguments: &AuditArgs,
    rows: Vec<AuditRow>,
    context: &Context,
) -> Result<(), Error> {
    let mut last = match rows.last() {
        Some(row) => row.seq,
        None => newest(store).await?,
    };
    for row in rows {
        context.print(&Row(row))?;
    }
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = tokio::signal::ctrl_c() => return Err(Error::Interrupted),
        }
        let (tenant, after) = (arguments.tenant.clone(), Some(last));
        let filter = AuditFilter { tenant, after, since: None, limit: AT_ONCE };
        for row in store.audit(filter).await? {
            last = row.seq;
            context.print(&Row(row))?;
        }
    }
}

/// The number of the newest row of all.
async fn newest(store: &Store) -> Result<i64, Error> {
    let rows = store.audit(AuditFilter { limit: 1, ..AuditFilter::default() }).await?;
    Ok(rows.last().map_or(0, |row| row.seq))
}

#[derive(Serialize)]
struct Listed {
    rows: Vec<AuditRow>,
    #[serde(skip)]
    now: Timestamp,
}

/// One row of what has no end.
#[derive(Serialize)]
struct Row(AuditRow);

fn about(row: &AuditRow) -> String {
    let payload = row.payload.as_object().into_iter().flatten();
    let words = payload.filter(|(name, value)| *name != "tenantId" && !value.is_null());
    let words: Vec<String> = words.map(|(name, value)| format!("{name}={value}")).collect();
    words.join(" ")
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["WHEN", "WHO", "WHAT", "TENANT", "ABOUT"]);
        for row in &self.rows {
            table.row([
                ago(self.now, row.at),
                row.actor.clone(),
                row.action.clone(),
                row.tenant.clone().unwrap_or_default(),
                about(row),
            ]);
        }
        table.show(screen, "Nothing was changed yet.")
    }
}

// === impl Row ===

impl Show for Row {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let AuditRow { actor, action, subject, .. } = &self.0;
        screen.line(&format!("{} {actor} {action} {subject} {}", self.0.at.0, about(&self.0)))
    }
}
