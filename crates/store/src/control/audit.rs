//! The audit: who changed what, in the transaction that changes it, and what happened that is worth knowing
//! later. It holds no words that anybody said and no secrets.
//!
//! It is also how one process learns what another one changed: [`Store::changes`] follows it.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::platform_event::Record;
use domain::{Actor, Occurrence, PlatformEvent, TenantSlug, Timestamp};
use futures::future::BoxFuture;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};

statements! {
    INSERT = "INSERT INTO audit (at, actor, action, tenant, subject, payload, correlation_id, origin)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    LATEST = "SELECT seq, at, actor, action, tenant, subject, payload, correlation_id FROM audit
        WHERE ($1 = '' OR tenant = $1) AND at >= $2 ORDER BY seq DESC LIMIT $3";
    AFTER = "SELECT seq, at, actor, action, tenant, subject, payload, correlation_id FROM audit
        WHERE seq > $1 AND ($2 = '' OR tenant = $2) ORDER BY seq LIMIT $3";
    LAST = "SELECT COALESCE(MAX(seq), 0) FROM audit";
    FOREIGN = "SELECT seq, at, action, payload, correlation_id FROM audit
        WHERE seq > $1 AND origin <> $2 ORDER BY seq LIMIT 1000";
}

/// How long a row is kept.
pub(super) const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Rows that may be committed later than one with a higher number, by transactions that overlap.
const OVERLAP: i64 = 256;

/// One row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its number; later rows have higher ones.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor`] is written.
    pub actor: String,
    /// What: the event's name on the wire.
    pub action: String,
    /// Whose it is about.
    pub tenant: Option<String>,
    /// The session, person, message, device or worker it is about; else the tenant.
    pub subject: String,
    /// The event's payload.
    pub payload: Value,
    /// What belongs together.
    pub correlation_id: Uuid,
}

/// Which rows to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// About one tenant only.
    pub tenant: Option<TenantSlug>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Only rows with a higher number, the oldest first; `None`: the latest ones.
    pub after: Option<i64>,
    /// At most this many; zero means 100.
    pub limit: u32,
}

/// How far somebody has followed what other processes change.
#[derive(Debug)]
pub struct Followed {
    floor: i64,
    seen: BTreeSet<i64>,
}

/// Who writes a row.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) actor: Actor,
    /// The process.
    pub(crate) origin: Uuid,
}

type Row = (i64, i64, String, String, Option<String>, String, Json<Value>, Uuid);
type ForeignRow = (i64, i64, String, Json<Value>, Uuid);

// === impl Store ===

impl Store {
    /// Rows of the audit, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Vec<AuditRow>> {
        let tenant = filter.tenant.map(|slug| slug.to_string()).unwrap_or_default();
        let since = filter.since.map_or(i64::MIN, |since| since.0);
        let limit = i64::from(if filter.limit == 0 { 100 } else { filter.limit });
        let rows: Vec<Row> = self
            .control
            .db
            .read("reading the audit", |conn| {
                Box::pin(async move {
                    let Some(after) = filter.after else {
                        let mut rows: Vec<Row> = on!(conn, c => sqlx::query_as(LATEST)
                            .bind(tenant).bind(since).bind(limit).fetch_all(c).await)?;
                        rows.reverse();
                        return Ok(rows);
                    };
                    Ok(on!(conn, c => sqlx::query_as(AFTER)
                        .bind(after).bind(tenant).bind(limit).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().map(AuditRow::from).collect())
    }

    /// Writes down what was told and is worth knowing later; what is not is left out.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of it was written.
    pub async fn note(&self, events: Vec<PlatformEvent>) -> Result<()> {
        let author = Author { actor: Actor::System, origin: self.author.origin };
        self.control
            .db
            .write("writing the audit", move |conn| {
                Box::pin(async move {
                    for event in &events {
                        if event.what.record() == Record::Note {
                            audit_in(conn, &author, event).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Begins to follow what other processes change, from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow(&self) -> Result<Followed> {
        let last: i64 = self
            .control
            .db
            .read("reading the audit", |conn| {
                Box::pin(
                    async move { Ok(on!(conn, c => sqlx::query_scalar(LAST).fetch_one(c).await)?) },
                )
            })
            .await?;
        Ok(Followed { floor: last, seen: BTreeSet::new() })
    }

    /// What other processes changed since this was last asked, each change once.
    ///
    /// # Errors
    /// When the database does not answer; asking again goes on from the same place.
    pub async fn changes(&self, followed: &mut Followed) -> Result<Vec<PlatformEvent>> {
        let (floor, origin) = (followed.floor, self.author.origin);
        let rows: Vec<ForeignRow> = self
            .control
            .db
            .read("reading the audit", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(FOREIGN)
                        .bind(floor).bind(origin).fetch_all(c).await)?)
                })
            })
            .await?;
        let fresh = rows.into_iter().filter(|row| followed.seen.insert(row.0));
        let events: Vec<_> = fresh.filter_map(event).collect();
        if let Some(last) = followed.seen.last() {
            followed.floor = followed.floor.max(last - OVERLAP);
            followed.seen = followed.seen.split_off(&(followed.floor + 1));
        }
        Ok(events)
    }

    /// Makes a change and writes its audit rows in the same transaction; tells it when it is on disk.
    ///
    /// # Errors
    /// Whatever the work fails with, or [`Error::Unaudited`]; then nothing was changed.
    pub(crate) async fn change<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn<'_>) -> BoxFuture<'a, Result<(T, Vec<Occurrence>), Failure>>
            + Send
            + 'static,
    {
        let (author, now) = (self.author.clone(), self.clock.now());
        let correlation = self.ids.uuid(now);
        let (value, events) = self
            .control
            .db
            .write(action, move |conn| {
                Box::pin(async move {
                    let (value, occurred) = work(conn).await?;
                    let envelope = |what| PlatformEvent::new(what, now, correlation);
                    let events: Vec<_> = occurred.into_iter().map(envelope).collect();
                    for event in &events {
                        audit_in(conn, &author, event).await?;
                    }
                    Ok((value, events))
                })
            })
            .await?;
        events.into_iter().for_each(|event| self.tell(event));
        Ok(value)
    }

    /// Tells what happened to whoever wants to know.
    pub(crate) fn tell(&self, event: PlatformEvent) {
        if let Some(witness) = &self.witness {
            witness.tell(event);
        }
    }
}

/// Writes the row of a change into the transaction that makes it.
pub(crate) async fn audit_in(
    conn: &mut Conn<'_>,
    author: &Author,
    event: &PlatformEvent,
) -> Result<(), Failure> {
    let action = "writing the audit";
    let unaudited = |source: sqlx::Error| match Error::from_engine(action, source) {
        Error::Statement { source, .. } => Error::Unaudited { source },
        other => other,
    };
    let mut what = serde_json::to_value(&event.what).unwrap_or_default();
    let payload = what["payload"].take();
    let word = |name: &str| payload[name].as_str().map(str::to_owned);
    let tenant = word("tenantId");
    let person =
        word("account").zip(word("peer")).map(|(account, peer)| format!("{account}:{peer}"));
    let named =
        ["sessionId", "person", "messageId", "deviceId", "workerId", "providerId", "requestId"];
    let subject = person.or_else(|| named.into_iter().find_map(word)).or_else(|| tenant.clone());
    on!(conn, c => sqlx::query(INSERT)
        .bind(event.timestamp.0)
        .bind(author.actor.to_string())
        .bind(what["type"].as_str())
        .bind(tenant)
        .bind(subject.unwrap_or_default())
        .bind(Json(payload))
        .bind(event.correlation_id)
        .bind(author.origin)
        .execute(c).await.map(drop))
    .map_err(unaudited)?;
    Ok(())
}

/// The change that a row tells of. Rows of newer versions, and what was only noted, tell of none.
fn event((_, at, action, payload, correlation): ForeignRow) -> Option<PlatformEvent> {
    let what = serde_json::json!({ "type": action, "payload": payload.0 });
    let what: Occurrence = serde_json::from_value(what).ok()?;
    (what.record() == Record::Change).then(|| PlatformEvent::new(what, Timestamp(at), correlation))
}

impl From<Row> for AuditRow {
    fn from((seq, at, actor, action, tenant, subject, payload, correlation_id): Row) -> Self {
        let (at, payload) = (Timestamp(at), payload.0);
        Self { seq, at, actor, action, tenant, subject, payload, correlation_id }
    }
}
