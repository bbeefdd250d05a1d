//! Several statements whose binds are all known before the first of them runs.
//!
//! Owns the way they go to the engine: to a file's thread in one message, as every message costs two changes
//! of thread; to a server one after the other. Refuses statements that need what an earlier one returned.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use sqlx::{AssertSqlSafe, Either, FromRow, Row};

use super::Opening;

/// Statements that run one after the other. A `static`: on `SQLite` they are joined once and stay compiled.
pub(crate) struct Script {
    statements: &'static [&'static str],
    /// One text for each way to begin.
    joined: [OnceLock<Arc<str>>; 4],
}

/// What each statement of a script returned.
pub(crate) struct Ran<R> {
    steps: Vec<Step<R>>,
}

struct Step<R> {
    rows: Vec<R>,
    changed: u64,
}

/// The results of a query of several statements, in the order in which they come.
type Results<'s, Q, R> = BoxStream<'s, Result<Either<Q, R>, sqlx::Error>>;

/// Runs a [`Script`] on whichever engine `$conn` is, each statement with its binds, and makes of what it
/// returned, `$ran`, whatever `$body` says.
macro_rules! script {
    ($conn:expr, $script:expr, [$(($($bind:expr),* $(,)?)),* $(,)?], $ran:ident => $body:expr) => {{
        let script: &$crate::db::Script = &$script;
        match $conn {
            $crate::db::Conn::Sqlite(file) => {
                let (connection, opening) = file.unopened();
                let query = sqlx::query(script.joined(opening))$($(.bind($bind))*)*;
                let results = sqlx::Executor::fetch_many(connection, query);
                let skipped = $crate::db::Opening::statements(opening);
                let changed = |done: &sqlx::sqlite::SqliteQueryResult| done.rows_affected();
                $crate::db::Ran::gather(results, skipped, changed).await.and_then(|$ran| $body)
            }
            $crate::db::Conn::Postgres(connection) => {
                let mut $ran = $crate::db::Ran::none();
                let mut statements = script.statements();
                let changed = |done: &sqlx::postgres::PgQueryResult| done.rows_affected();
                let running = async {
                    $(
                        let query = sqlx::query(statements.next().unwrap_or_default())$(.bind($bind))*;
                        let results = sqlx::Executor::fetch_many(&mut **connection, query);
                        $ran.append($crate::db::Ran::gather(results, 0, changed).await?);
                    )*
                    Ok::<_, sqlx::Error>($ran)
                };
                running.await.and_then(|$ran| $body)
            }
        }
    }};
}
pub(crate) use script;

// === impl Script ===

impl Script {
    pub(crate) const fn new(statements: &'static [&'static str]) -> Self {
        Self { statements, joined: [const { OnceLock::new() }; 4] }
    }

    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.statements.iter().copied()
    }

    /// All of them as one text, behind what opens the transaction. Each statement counts its binds from `$1`;
    /// in the text they go on where those of the one before ended.
    pub(crate) fn joined(&self, opening: Option<Opening>) -> AssertSqlSafe<Arc<str>> {
        let slot = opening.map_or(0, |opening| opening as usize);
        let text = self.joined.get(slot).map(|text| {
            let joined = || {
                let opened =
                    opening.map_or(String::new(), |opening| format!("{}; ", opening.sql()));
                (opened + &joined(self.statements)).into()
            };
            Arc::clone(text.get_or_init(joined))
        });
        // Made of constants alone.
        AssertSqlSafe(text.unwrap_or_default())
    }
}

/// The statements in one text, binds numbered throughout.
fn joined(statements: &[&str]) -> String {
    let (mut text, mut before) = (String::new(), 0);
    for statement in statements {
        let (mut pieces, mut most) = (statement.split('$'), 0);
        text += pieces.next().unwrap_or_default();
        for piece in pieces {
            let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = piece.split_at(digits);
            let number: usize = number.parse().unwrap_or_default();
            most = most.max(number);
            // Writing to a string cannot fail.
            let _ = write!(text, "${}{rest}", before + number);
        }
        before += most;
        text += "; ";
    }
    text
}

// === impl Ran ===

impl<R: Row> Ran<R> {
    pub(crate) fn none() -> Self {
        Self { steps: Vec::new() }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.steps.append(&mut other.steps);
    }

    /// Takes what comes, without the ends of the first `skipped` statements.
    pub(crate) async fn gather<Q>(
        mut results: Results<'_, Q, R>,
        mut skipped: usize,
        changed: impl Fn(&Q) -> u64,
    ) -> Result<Self, sqlx::Error> {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => rows.push(row),
                Either::Left(_) if skipped > 0 => skipped -= 1,
                Either::Left(done) => {
                    steps.push(Step { rows: std::mem::take(&mut rows), changed: changed(&done) });
                }
            }
        }
        Ok(Self { steps })
    }

    /// Rows that a statement changed; statements count from 0.
    pub(crate) fn changed(&self, statement: usize) -> u64 {
        self.steps.get(statement).map_or(0, |step| step.changed)
    }

    /// The first row of a statement.
    pub(crate) fn first<T>(&self, statement: usize) -> Result<Option<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, R>,
    {
        let row = self.steps.get(statement).and_then(|step| step.rows.first());
        row.map(T::from_row).transpose()
    }

    /// Every row of a statement.
    pub(crate) fn all<T>(&self, statement: usize) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, R>,
    {
        let rows = self.steps.get(statement).map(|step| step.rows.as_slice()).unwrap_or_default();
        rows.iter().map(T::from_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_numbered_throughout() {
        let statements = ["UPDATE a SET b = $2, c = $1 WHERE d = $2", "SELECT 1", "SELECT $1, $12"];
        assert_eq!(
            joined(&statements),
            "UPDATE a SET b = $2, c = $1 WHERE d = $2; SELECT 1; SELECT $3, $14; "
        );
    }
}
