//! What can go wrong with the store, told apart by what the reader must do.
//!
//! Owns the meaning of both engines' error codes; refuses to let them leave this crate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::budget::BudgetExceeded;
use domain::{Coded, Kind};
use sqlx::migrate::MigrateError;

/// A failed action of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database could not be opened or created.
    #[error(
        "cannot open the database {name}; check that its disk or its server is well, and that this user \
         may write it"
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
        source: Arc<MigrateError>,
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
    /// The audit row of a change could not be written, so the change was not made.
    #[error("the audit cannot be written, so nothing was changed; see the log, then try again")]
    Unaudited {
        /// What the engine said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// Somebody else works on this session now; what was computed must be thrown away.
    #[error("another instance has taken over this session; this turn's result is discarded")]
    Fenced,
    /// A budget does not allow it.
    #[error(transparent)]
    Budget(Box<BudgetExceeded>),
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

/// `SQLite` result codes (sqlite.org/rescode.html); an extended code holds its primary code in its low byte.
mod sqlite {
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const NOMEM: i32 = 7;
    pub const READONLY: i32 = 8;
    pub const INTERRUPT: i32 = 9;
    pub const IOERR: i32 = 10;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const PROTOCOL: i32 = 15;
    /// A write was refused, for example by a quota. Unlike a failed fsync this leaves nothing in doubt:
    /// the transaction is not in the log, and what was committed before is on disk.
    pub const IOERR_WRITE: i32 = 778;
    pub const IOERR_NOMEM: i32 = 3082;
    /// The shared-memory file could not grow: the disk is full.
    pub const IOERR_SHMSIZE: i32 = 4874;
}

// === impl Error ===

impl Error {
    /// An engine's error, by what must be done about it.
    pub(crate) fn from_engine(action: &'static str, source: sqlx::Error) -> Self {
        Self::sorted(action, &source).unwrap_or_else(|| {
            tracing::error!(action, error = %source, "a statement failed");
            Self::Statement { action, source: Arc::new(source) }
        })
    }

    /// A database that is needed now could not be opened. What passes by itself is told as such, unlike at
    /// the start of the process, where somebody looks on.
    pub(crate) fn while_running(self) -> Self {
        let action = "opening a database";
        let passing = match &self {
            Self::Open { source, .. } => Self::sorted(action, source),
            Self::Migrate { source, .. } => match source.as_ref() {
                MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                    Self::sorted(action, source)
                }
                _ => None,
            },
            _ => None,
        };
        passing.unwrap_or(self)
    }

    /// The failures that have a name of their own; the engine's words for them go to the log.
    fn sorted(action: &'static str, source: &sqlx::Error) -> Option<Self> {
        let code = source.as_database_error().and_then(|error| error.code());
        let sorted = match (code, source) {
            // PostgreSQL's codes have five characters, SQLite's are numbers of at most four.
            (Some(code), _) => match code.parse::<i32>() {
                Ok(number) if code.len() < 5 => Self::from_sqlite(action, number),
                _ => Self::from_postgres(action, &code),
            },
            (None, sqlx::Error::Io(error)) => Some(match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
                _ => Self::Unavailable { action },
            }),
            (
                None,
                sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::BeginFailed
                | sqlx::Error::WorkerCrashed
                // What a server says that is cut off in the middle of letting us in.
                | sqlx::Error::Protocol(_),
            ) => Some(Self::Unavailable { action }),
            _ => None,
        };
        if let Some(error) = &sorted {
            tracing::warn!(action, code = error.code(), error = %source, "the database refused");
        }
        sorted
    }

    fn from_sqlite(action: &'static str, number: i32) -> Option<Self> {
        match number {
            sqlite::IOERR_SHMSIZE => Some(Self::Full),
            sqlite::IOERR_WRITE | sqlite::IOERR_NOMEM => Some(Self::Unavailable { action }),
            _ => match number & 0xff {
                sqlite::FULL => Some(Self::Full),
                sqlite::IOERR => Some(Self::Disk { action }),
                sqlite::BUSY
                | sqlite::LOCKED
                | sqlite::NOMEM
                | sqlite::READONLY
                | sqlite::INTERRUPT
                | sqlite::CANTOPEN
                | sqlite::PROTOCOL => Some(Self::Unavailable { action }),
                _ => None,
            },
        }
    }

    /// `PostgreSQL` codes: 53100 disk full; class 08 connection, 53 resources, 57 operator intervention,
    /// 58 system, 25006 read-only transaction (a stand-by), 3D000 no such database, 40001 and 40P01 lost to
    /// another transaction, 55P03 lock not available: all of them pass.
    fn from_postgres(action: &'static str, code: &str) -> Option<Self> {
        match code {
            "53100" => Some(Self::Full),
            "25006" | "3D000" | "40001" | "40P01" | "55P03" => Some(Self::Unavailable { action }),
            _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Some(Self::Unavailable { action })
            }
            _ => None,
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
            Self::Unavailable { .. } | Self::Disk { .. } | Self::Unaudited { .. } => {
                Kind::Overloaded { retry_after: RETRY }
            }
            Self::Exists { .. } | Self::State { .. } | Self::Fenced => Kind::Conflict,
            Self::Missing { .. } => Kind::NotFound,
            Self::Budget(exceeded) => exceeded.kind(),
            Self::Open { .. }
            | Self::Migrate { .. }
            | Self::Engine { .. }
            | Self::Statement { .. } => Kind::Internal,
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Budget(exceeded) => exceeded.figures(),
            _ => Vec::new(),
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
            Self::Unaudited { .. } => "audit-unavailable",
            Self::Fenced => "session-fenced",
            Self::Budget(exceeded) => exceeded.code(),
            Self::Exists { .. } => "already-exists",
            Self::Missing { .. } => "not-found",
            Self::State { .. } => "wrong-state",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: Option<Error>) -> &'static str {
        error.map_or("store-statement", |error| error.code())
    }

    #[test]
    fn sqlites_codes_are_told_apart_by_what_to_do() {
        for (numbers, wanted) in [
            // FULL, IOERR_SHMSIZE
            (&[13, 4874][..], "store-full"),
            // IOERR and its FSYNC, DIR_FSYNC, READ, SHORT_READ: what is on disk is not known.
            (&[10, 1034, 1290, 266, 522], "store-disk"),
            // BUSY, BUSY_RECOVERY, LOCKED, NOMEM, READONLY, INTERRUPT, CANTOPEN, PROTOCOL, IOERR_WRITE,
            // IOERR_NOMEM
            (&[5, 261, 6, 7, 8, 9, 14, 15, 778, 3082], "store-unavailable"),
            // ERROR, CORRUPT, CONSTRAINT_FOREIGNKEY, MISUSE, NOTADB
            (&[1, 11, 787, 21, 26], "store-statement"),
        ] {
            for number in numbers {
                assert_eq!(code(Error::from_sqlite("x", *number)), wanted, "{number}");
            }
        }
    }

    #[test]
    fn postgres_codes_are_told_apart_by_what_to_do() {
        for (codes, wanted) in [
            (&["53100"][..], "store-full"),
            (
                &[
                    "08006", "53300", "57P01", "57P03", "57014", "58030", "25006", "3D000",
                    "40001", "40P01", "55P03",
                ],
                "store-unavailable",
            ),
            (&["23503", "42P01", "22021", "28P01", "XX000"], "store-statement"),
        ] {
            for sqlstate in codes {
                assert_eq!(code(Error::from_postgres("x", sqlstate)), wanted, "{sqlstate}");
            }
        }
    }

    #[test]
    fn a_server_that_breaks_off_is_away() {
        for source in [
            sqlx::Error::Io(io::ErrorKind::UnexpectedEof.into()),
            sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::BeginFailed,
        ] {
            assert_eq!(Error::from_engine("x", source).code(), "store-unavailable");
        }
        assert_eq!(Error::from_engine("x", sqlx::Error::RowNotFound).code(), "store-statement");
    }

    #[test]
    fn what_passes_is_told_as_such_while_running_and_not_at_the_start() {
        let open = |kind: io::ErrorKind| Error::Open {
            name: "x".to_owned(),
            source: Arc::new(sqlx::Error::Io(kind.into())),
        };
        for (kind, wanted) in [
            (io::ErrorKind::StorageFull, "store-full"),
            (io::ErrorKind::QuotaExceeded, "store-full"),
            (io::ErrorKind::ConnectionRefused, "store-unavailable"),
        ] {
            assert_eq!(open(kind).code(), "store-open");
            assert_eq!(open(kind).while_running().code(), wanted);
        }
        let migrate = |source| Error::Migrate { name: "x".to_owned(), source: Arc::new(source) };
        let passing = MigrateError::ExecuteMigration(sqlx::Error::PoolTimedOut, 1);
        assert_eq!(migrate(passing).while_running().code(), "store-unavailable");
        assert_eq!(
            migrate(MigrateError::VersionMissing(1)).while_running().code(),
            "store-migrate"
        );
    }
}
