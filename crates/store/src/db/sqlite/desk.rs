//! How a piece of work begins on the writing connection of a file.
//!
//! Owns the words that open it; refuses to send them alone where they can go with the first statement.

use sqlx::SqliteConnection;

use super::execute;
use crate::error::Result;

/// A connection to a file, and what must open a transaction on it before anything else runs.
pub(crate) struct Desk<'c> {
    connection: &'c mut SqliteConnection,
    opening: Option<Opening>,
}

/// How a piece of work begins: with a transaction, or within one that others have begun. It is told to the
/// engine together with the first statement where that can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The first one of its group. It is undone with the whole transaction, in which there is nothing else.
    Transaction = 1,
    /// The second one.
    Savepoint = 2,
    /// A later one: what came before it is there to stay.
    NextSavepoint = 3,
}

// === impl Desk ===

impl<'c> Desk<'c> {
    /// A connection on which each statement is a transaction of its own.
    pub(crate) fn bare(connection: &'c mut SqliteConnection) -> Self {
        Self { connection, opening: None }
    }

    /// A connection for a piece of work that begins like this.
    pub(super) fn to_open(connection: &'c mut SqliteConnection, opening: Opening) -> Self {
        Self { connection, opening: Some(opening) }
    }

    /// Whether anything was told to the engine, so that there is something to commit or to undo.
    pub(super) fn is_open(&self) -> bool {
        self.opening.is_none()
    }

    /// The connection, with the transaction open.
    pub(crate) async fn opened(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        if let Some(opening) = self.opening.take() {
            sqlx::query(opening.sql()).execute(&mut *self.connection).await?;
        }
        Ok(self.connection)
    }

    /// The connection, and what the caller must run on it first.
    pub(crate) fn unopened(&mut self) -> (&mut SqliteConnection, Option<Opening>) {
        (self.connection, self.opening.take())
    }
}

// === impl Opening ===

impl Opening {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Transaction => "BEGIN IMMEDIATE",
            Self::Savepoint => "SAVEPOINT job",
            Self::NextSavepoint => "RELEASE job; SAVEPOINT job",
        }
    }

    /// How many statements [`Self::sql`] is.
    pub(crate) fn statements(opening: Option<Self>) -> usize {
        match opening {
            None => 0,
            Some(Self::Transaction | Self::Savepoint) => 1,
            Some(Self::NextSavepoint) => 2,
        }
    }

    /// How the next job begins when this one has gone well.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Transaction => Self::Savepoint,
            Self::Savepoint | Self::NextSavepoint => Self::NextSavepoint,
        }
    }

    /// Undoes the job that began like this; how the next one begins.
    pub(super) async fn undo(
        self,
        connection: &mut SqliteConnection,
        action: &'static str,
    ) -> Result<Self> {
        match self {
            Self::Transaction => {
                execute(connection, "ROLLBACK", action).await?;
                Ok(Self::Transaction)
            }
            Self::Savepoint | Self::NextSavepoint => {
                execute(connection, "ROLLBACK TO job", action).await?;
                Ok(Self::NextSavepoint)
            }
        }
    }
}
