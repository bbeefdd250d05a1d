//! The control database: what routes and meters. One file for each aggregate.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod budget;
pub(crate) mod claim;
pub(crate) mod inbox;
pub(crate) mod intake;
pub(crate) mod outbox;
pub(crate) mod person;
pub(crate) mod sample;
pub(crate) mod session;
pub(crate) mod suspension;
pub(crate) mod tenant;
pub(crate) mod upkeep;

use crate::alarm::Alarm;
use crate::db::{Db, EngineKind, Footprint, on, statements};
use crate::error::{Error, Result};
use crate::location::Location;

statements! {
    PING = "INSERT INTO pulse (id, beats) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET beats = pulse.beats + 1";
}

/// `SQLite` before this version can corrupt a database in WAL mode (sqlite.org/wal.html, WAL-reset bug).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// The control database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) db: Db,
}

/// Every statement of the control database.
pub(crate) fn statements() -> Vec<&'static str> {
    [
        ALL,
        access::ALL,
        audit::ALL,
        budget::ALL,
        budget::account::ALL,
        budget::booking::ALL,
        budget::history::ALL,
        budget::lapse::ALL,
        budget::settle::ALL,
        budget::time::ALL,
        claim::ALL,
        inbox::ALL,
        intake::ALL,
        outbox::ALL,
        person::ALL,
        sample::ALL,
        session::ALL,
        session::life::ALL,
        suspension::ALL,
        tenant::ALL,
        tenant::life::ALL,
        upkeep::ALL,
    ]
    .concat()
}

// === impl Control ===

impl Control {
    pub(crate) async fn open(
        location: &Location,
        footprint: Footprint,
        alarm: &Alarm,
    ) -> Result<Self> {
        let db = location.open_control(footprint, alarm).await?;
        if db.engine() == EngineKind::Sqlite {
            check_engine(&db).await?;
        }
        Ok(Self { db })
    }

    /// Commits a transaction that changes one number, so that it needs room on the disk as any other does.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.db
            .write_at_once("asking whether the database answers", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(PING).execute(c).await.map(drop))?)
                })
            })
            .await
    }
}

async fn check_engine(db: &Db) -> Result<()> {
    let found: String = db
        .read("asking for its version", |conn| {
            Box::pin(async move {
                Ok(on!(conn, c => sqlx::query_scalar("SELECT sqlite_version()").fetch_one(c).await)?)
            })
        })
        .await?;
    let numbers: Vec<u32> = found.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() < OLDEST_SQLITE.as_slice() {
        return Err(Error::Engine { found });
    }
    Ok(())
}
