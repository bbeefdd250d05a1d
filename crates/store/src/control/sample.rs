//! The history: one row for each minute of each instance, kept for eight days.
//!
//! A minute that is written twice, as after a quick restart, keeps what was written last.

use domain::{Sample, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::db::{on, statements};
use crate::error::Result;

statements! {
    PUT = "INSERT INTO sample (at, instance, level, saturation, active, idle, queue_depth, queue_age_ms,
            throughput, errors, p95_ms, p99_ms, refused, memory)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (at, instance) DO UPDATE SET
            level = excluded.level, saturation = excluded.saturation, active = excluded.active,
            idle = excluded.idle, queue_depth = excluded.queue_depth,
            queue_age_ms = excluded.queue_age_ms, throughput = excluded.throughput,
            errors = excluded.errors, p95_ms = excluded.p95_ms, p99_ms = excluded.p99_ms,
            refused = excluded.refused, memory = excluded.memory";
    BETWEEN = "SELECT at, instance, level, saturation, active, idle, queue_depth, queue_age_ms, throughput,
            errors, p95_ms, p99_ms, refused, memory
        FROM sample WHERE at >= $1 AND at < $2 ORDER BY at, instance";
}

/// A share of one is stored in so many parts, because both engines have the same whole numbers.
const PARTS: f64 = 1_000.0;

type Row = (i64, Uuid, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

// === impl Store ===

impl Store {
    /// Keeps one minute of one instance; another sample of the same minute takes its place.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_sample(&self, instance: Uuid, sample: Sample) -> Result<()> {
        let row = to_row(instance, sample.of_its_minute());
        self.control
            .db
            .write("keeping the figures of a minute", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query(PUT)
                        .bind(row.0).bind(row.1).bind(row.2).bind(row.3).bind(row.4)
                        .bind(row.5).bind(row.6).bind(row.7).bind(row.8).bind(row.9)
                        .bind(row.10).bind(row.11).bind(row.12).bind(row.13)
                        .execute(c).await.map(drop))?)
                })
            })
            .await
    }

    /// The minutes that began at `since` or later but before `until`, oldest first, each with the instance
    /// that it is of.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Vec<(Uuid, Sample)>> {
        let rows: Vec<Row> = self
            .control
            .db
            .read("reading the history", move |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(BETWEEN)
                        .bind(since.0).bind(until.0).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().map(from_row).collect())
    }
}

fn to_row(instance: Uuid, sample: Sample) -> Row {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    (
        sample.at.0,
        instance,
        parts(sample.level),
        parts(sample.saturation),
        sample.active.into(),
        sample.idle.into(),
        sample.queue_depth.into(),
        whole(sample.queue_age_ms),
        sample.throughput.into(),
        sample.errors.into(),
        whole(sample.p95_ms),
        whole(sample.p99_ms),
        sample.refused.into(),
        whole(sample.memory),
    )
}

fn from_row(row: Row) -> (Uuid, Sample) {
    let count =
        |number: i64| u32::try_from(number).unwrap_or(if number < 0 { 0 } else { u32::MAX });
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    let share = |parts: i64| f64::from(count(parts)) / PARTS;
    let sample = Sample {
        at: Timestamp(row.0),
        level: share(row.2),
        saturation: share(row.3),
        active: count(row.4),
        idle: count(row.5),
        queue_depth: count(row.6),
        queue_age_ms: whole(row.7),
        throughput: count(row.8),
        errors: count(row.9),
        p95_ms: whole(row.10),
        p99_ms: whole(row.11),
        refused: count(row.12),
        memory: whole(row.13),
    };
    (row.1, sample)
}

#[expect(clippy::cast_possible_truncation, reason = "the share is between 0 and 1; no number is 0")]
fn parts(share: f64) -> i64 {
    (share.clamp(0.0, 1.0) * PARTS).round() as i64
}
