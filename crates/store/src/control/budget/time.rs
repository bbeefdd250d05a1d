//! The time that budgets go by: steady while this process runs, and over a restart on the same boot.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::clock::Uptime;
use domain::steady::{Anchor, Steady};
use tokio::sync::OnceCell;

use crate::Store;
use crate::db::{on, statements};
use crate::error::Result;

statements! {
    KEPT = "SELECT uptime, at FROM budget_clock WHERE boot = $1";
    KEEP = "INSERT INTO budget_clock (boot, uptime, at) VALUES ($1, $2, $3)
        ON CONFLICT (boot) DO UPDATE SET uptime = excluded.uptime, at = excluded.at
        WHERE budget_clock.uptime <= excluded.uptime";
    FORGET = "DELETE FROM budget_clock WHERE at <= $1";
}

/// The steady clock of one store, begun when it is first asked for. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct BudgetTime(Arc<OnceCell<Mutex<Steady>>>);

/// A machine that was started so long ago and was not heard of since will not go on from there.
const REMEMBER: Duration = Duration::from_secs(40 * 24 * 60 * 60);

// === impl Store ===

impl Store {
    /// The moment that budgets go by. It is the wall clock's unless somebody set that by less than a day: then
    /// it goes on as if nobody had, and follows slowly.
    ///
    /// # Errors
    /// When the database does not answer, which holds what an earlier process knew.
    pub async fn budget_time(&self) -> Result<Timestamp> {
        let steady = self.budget_time.0.get_or_try_init(|| self.begin_budget_time()).await?;
        let (wall, uptime) = (self.clock.now(), self.clock.uptime());
        Ok(steady.lock().unwrap_or_else(PoisonError::into_inner).read(wall, uptime))
    }

    async fn begin_budget_time(&self) -> Result<Mutex<Steady>> {
        let boot = self.clock.uptime().boot;
        let kept: Option<(i64, i64)> = self
            .control
            .db
            .read("reading the time of budgets", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(KEPT).bind(boot).fetch_optional(c).await)?)
                })
            })
            .await?;
        let kept = kept.map(|(span, at)| Anchor {
            at: Timestamp(at),
            uptime: Uptime { boot, span: Duration::from_millis(span.unsigned_abs()) },
        });
        Ok(Mutex::new(Steady::begin(self.clock.now(), self.clock.uptime(), kept)))
    }

    /// Keeps the moment for the next process on this boot.
    pub(crate) async fn keep_budget_time(&self) -> Result<()> {
        self.budget_time().await?;
        let Some(steady) = self.budget_time.0.get() else { return Ok(()) };
        let anchor = steady.lock().unwrap_or_else(PoisonError::into_inner).anchor();
        let Anchor { at, uptime } = anchor;
        let span = i64::try_from(uptime.span.as_millis()).unwrap_or(i64::MAX);
        self.control
            .db
            .write("keeping the time of budgets", move |conn| {
                Box::pin(async move {
                    on!(conn, c => sqlx::query(KEEP)
                        .bind(uptime.boot).bind(span).bind(at.0).execute(c).await.map(drop))?;
                    on!(conn, c => sqlx::query(FORGET)
                        .bind(at.before(REMEMBER).0).execute(c).await.map(drop))?;
                    Ok(())
                })
            })
            .await
    }
}
