//! What can go wrong with the store, told apart by what the reader must do.
//!
//! Owns the meaning of both engines' error codes; refuses to let them leave this crate.

use std::sync::Arc;
use std::time::Duration;

use domain::{Coded, Kind};

/// A failed action of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database could not be opened or created.
    #[error(
        "cannot open the database {name}; check that it exists and that this user may write it"
    )]
    Open {
        /// File or database name, without credentials.
        name: String,
        /// What the engine said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring the schema of {name} up to date; nothing was changed")]
    Migrate {
        /// File or database name, without credentials.
        name: String,
        /// What the engine said.
        #[source]
        source: Arc<sqlx::migrate::MigrateError>,
    },
    /// The linked `SQLite` has a known corruption bug.
    #[error("SQLite {found} can corrupt a database in WAL mode; build with 3.51.3 or newer")]
    Engine {
        /// The version found.
        found: String,
    },
    /// There is no room left on the disk.
    #[error("the disk is full; nothing was stored. Free some space: service returns by itself")]
    Full,
    /// The disk failed while writing. What was written since the last commit is uncertain.
    #[error(
        "the disk failed while {action}; this instance stops acknowledging and must be restarted"
    )]
    Disk {
        /// What was being done.
        action: &'static str,
    },
    /// The database does not answer.
    #[error("the database does not answer while {action}; service returns when it does")]
    Unavailable {
        /// What was being done.
        action: &'static str,
    },
    /// A statement failed for a reason that is our own fault.
    #[error("a statement failed while {action}")]
    Statement {
        /// What was being done.
        action: &'static str,
        /// What the engine said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// Somebody else works on this session now; what was computed must be thrown away.
    #[error("another instance has taken over this session; this turn's result is discarded")]
    Fenced,
    /// It exists already.
    #[error("there is already a {what} called {name:?}; choose another name")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It does not exist.
    #[error("there is no {what} {name:?}")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It exists, but is not in a state in which this can be done.
    #[error("the {what} {name:?} is {state}; {needs}")]
    State {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What it is.
        state: String,
        /// What it would have to be.
        needs: &'static str,
    },
}

/// What the store's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the work inside one transaction stopped: the engine refused, or we did.
pub(crate) enum Failure {
    Engine(sqlx::Error),
    Ours(Error),
}

const RETRY: Duration = Duration::from_secs(2);
const RETRY_WHEN_FULL: Duration = Duration::from_secs(30);

/// `SQLite` primary result codes (sqlite.org/rescode.html); an extended code holds one in its low byte.
mod sqlite {
    pub const BUSY: i32 = 5;
    pub const IOERR: i32 = 10;
    pub const FULL: i32 = 13;
    /// The shared-memory file could not grow: the disk is full.
    pub const IOERR_SHMSIZE: i32 = 4874;
}

// === impl Error ===

impl Error {
    /// Sorts an engine's error by what must be done about it.
    pub(crate) fn from_engine(action: &'static str, source: sqlx::Error) -> Self {
        let code = source.as_database_error().and_then(|error| error.code()).map(String::from);
        if let Some(code) = code {
            // PostgreSQL's codes have five characters, SQLite's are numbers of at most four.
            return match code.parse::<i32>() {
                Ok(number) if code.len() < 5 => Self::from_sqlite(action, number, source),
                _ => Self::from_postgres(action, &code, source),
            };
        }
        match source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable { action },
            other => Self::Statement { action, source: Arc::new(other) },
        }
    }

    fn from_sqlite(action: &'static str, number: i32, source: sqlx::Error) -> Self {
        match number {
            sqlite::IOERR_SHMSIZE => Self::Full,
            _ => match number & 0xff {
                sqlite::FULL => Self::Full,
                sqlite::IOERR => Self::Disk { action },
                sqlite::BUSY => Self::Unavailable { action },
                _ => Self::Statement { action, source: Arc::new(source) },
            },
        }
    }

    /// `PostgreSQL` codes: 53100 disk full; class 08 connection, 53 resources, 57 operator intervention,
    /// 25006 read-only transaction (a stand-by): all of them pass.
    fn from_postgres(action: &'static str, code: &str, source: sqlx::Error) -> Self {
        match code {
            "53100" => Self::Full,
            "25006" | "3D000" => Self::Unavailable { action },
            _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
                Self::Unavailable { action }
            }
            _ => Self::Statement { action, source: Arc::new(source) },
        }
    }

    /// Whether trying the same again later can succeed without anybody changing anything here.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable { .. })
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn during(self, action: &'static str) -> Error {
        match self {
            Self::Engine(source) => Error::from_engine(action, source),
            Self::Ours(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(source: sqlx::Error) -> Self {
        Self::Engine(source)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Full => Kind::Overloaded { retry_after: RETRY_WHEN_FULL },
            Self::Unavailable { .. } | Self::Disk { .. } => Kind::Overloaded { retry_after: RETRY },
            Self::Exists { .. } | Self::State { .. } | Self::Fenced => Kind::Conflict,
            Self::Missing { .. } => Kind::NotFound,
            Self::Open { .. }
            | Self::Migrate { .. }
            | Self::Engine { .. }
            | Self::Statement { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "store-open",
            Self::Migrate { .. } => "store-migrate",
            Self::Engine { .. } => "store-engine",
            Self::Full => "store-full",
            Self::Disk { .. } => "store-disk",
            Self::Unavailable { .. } => "store-unavailable",
            Self::Statement { .. } => "store-statement",
            Self::Fenced => "session-fenced",
            Self::Exists { .. } => "already-exists",
            Self::Missing { .. } => "not-found",
            Self::State { .. } => "wrong-state",
        }
    }
}
