//! One turn at a time in a session, whoever runs it.
//!
//! A claim is a lease on a session's row with a fence: a number that grows with each claim. What a turn
//! wants to store at its end is stored only if its fence is still the row's, so an instance that was
//! paused longer than its lease cannot overwrite what another one did in the meantime.

use std::time::Duration;

use domain::{Answer, MessageId, SessionId, SessionKey, Timestamp, session};
use uuid::Uuid;

use super::inbox::{InboxRow, Row as InboxSqlRow, from_row as inbox_row};
use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Error, Failure, Result};
use crate::text::storable;

statements! {
    // Only when nobody holds the session, its tenant is served, and its oldest unanswered message is due.
    CLAIM = "UPDATE session SET owner = $2, lease_until = $4, fence = fence + 1, state = 'processing'
        WHERE id = $1 AND (owner IS NULL OR lease_until <= $3) AND state <> 'suspended'
            AND EXISTS (SELECT 1 FROM tenant t WHERE t.id = session.tenant_id AND t.status = 'active')
            AND (SELECT i.due_at FROM inbox i
                WHERE i.session_id = session.id AND i.state IN ('waiting', 'running')
                ORDER BY i.seq LIMIT 1) <= $3
        RETURNING fence, epoch";
    // A bare bind as the limit makes SQLite compile the statement anew for every value; a sum does not.
    UNFINISHED = "SELECT i.id, t.slug, i.session_id, i.account, s.conversation, i.run, i.peer, i.text,
            i.context, i.state, i.attempts, i.received_at, i.due_at, i.error_code, i.error_text
        FROM inbox i JOIN tenant t ON t.id = i.tenant_id JOIN session s ON s.id = i.session_id
        WHERE i.session_id = $1 AND i.state IN ('waiting', 'running')
        ORDER BY i.seq LIMIT $2 + 0";
    // A message that a vanished instance was answering goes back to the queue unless it is taken now.
    BEGIN = "UPDATE inbox SET
            state = CASE WHEN seq <= (SELECT seq FROM inbox WHERE id = $2) THEN 'running' ELSE 'waiting' END,
            attempts = CASE WHEN seq <= (SELECT seq FROM inbox WHERE id = $2) THEN attempts + 1 ELSE attempts END
        WHERE session_id = $1 AND state IN ('waiting', 'running')
            AND (state = 'running' OR seq <= (SELECT seq FROM inbox WHERE id = $2))";
    FINISH_SESSION = "UPDATE session SET owner = NULL, lease_until = NULL, last_at = $4, expires_at = $5,
            state = CASE WHEN state = 'processing' THEN 'active' ELSE state END
        WHERE id = $1 AND owner = $2 AND fence = $3";
    // Both states are named wherever one is meant: only so does SQLite see that the index of what is not
    // finished serves, and it would read every message of nine days otherwise.
    DONE = "UPDATE inbox SET state = 'done', finished_at = $2, text = '', context = NULL,
            error_code = NULL, error_text = NULL
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    // What an earlier attempt answered together with what this one holds.
    DONE_TOO = "UPDATE inbox SET state = 'done', finished_at = $3, text = '', context = NULL,
            error_code = NULL, error_text = NULL
        WHERE session_id = $1 AND run = $2 AND state IN ('waiting', 'running')";
    RETRY = "UPDATE inbox SET state = 'waiting', due_at = $2, error_code = $3, error_text = $4
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    PARK = "UPDATE inbox SET state = 'parked', error_code = $2, error_text = $3
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    POSTPONE = "UPDATE inbox SET state = 'waiting', due_at = $2, error_code = $3, error_text = $4,
            attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    RELEASE = "UPDATE inbox SET state = 'waiting', attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    NEXT_DUE = "SELECT due_at FROM inbox WHERE session_id = $1 AND state IN ('waiting', 'running')
        ORDER BY seq LIMIT 1";
    RENEW = "UPDATE session SET lease_until = $4 WHERE id = $1 AND owner = $2 AND fence = $3";
    LET_GO = "UPDATE session SET owner = NULL, lease_until = NULL,
            state = CASE WHEN state = 'processing' THEN 'active' ELSE state END
        WHERE owner = $1";
    // A session's oldest unanswered message says when: what came later waits for it.
    READY = "SELECT i.session_id, i.account, i.due_at
        FROM inbox i JOIN session s ON s.id = i.session_id
        WHERE i.seq IN (SELECT seq FROM inbox WHERE state IN ('waiting', 'running'))
            AND (s.owner IS NULL OR s.lease_until <= $1) AND s.state <> 'suspended'
            AND EXISTS (SELECT 1 FROM tenant t WHERE t.id = s.tenant_id AND t.status = 'active')
            AND NOT EXISTS (SELECT 1 FROM inbox e WHERE e.session_id = i.session_id
                AND e.state IN ('waiting', 'running') AND e.seq < i.seq)
        ORDER BY i.seq LIMIT $2";
}

/// Most messages that one turn answers. More would not fit a prompt.
const BATCH: i64 = 200;

/// The right to run one turn in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Which session.
    pub session: SessionId,
    /// Which instance.
    pub owner: Uuid,
    /// Which claim.
    pub fence: i64,
}

/// A claimed session and what is to be answered.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The right to answer it.
    pub claim: Claim,
    /// Which conversation.
    pub key: SessionKey,
    /// How often it was reset.
    pub epoch: i64,
    /// What to answer, in order of arrival; at least one.
    pub messages: Vec<InboxRow>,
}

/// A session with unanswered messages that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Which session.
    pub session: SessionId,
    /// The account it belongs to.
    pub account: String,
    /// When it may be tried.
    pub due_at: Timestamp,
}

/// How a turn ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// With an answer, or with nothing to say; either way the messages are done.
    Done {
        /// What is to be sent: a row keeps it until it is out.
        answer: Option<Answer>,
    },
    /// With an answer that stands in the transcript and is sent to nobody else.
    Told {
        /// What was answered.
        answer: Answer,
    },
    /// In a failure that may pass.
    Retry {
        /// When to try again.
        due_at: Timestamp,
        /// Stable code.
        code: String,
        /// One line.
        text: String,
    },
    /// In a failure that may pass and is not the messages' fault: it counts as no attempt.
    Postpone {
        /// When to try again.
        due_at: Timestamp,
        /// Stable code.
        code: String,
        /// One line.
        text: String,
    },
    /// In a failure that will not pass by itself, or that came too often.
    Park {
        /// Stable code.
        code: String,
        /// One line.
        text: String,
    },
    /// It did not end: it was interrupted for a reason that is not the messages' fault.
    Release,
}

// === impl Store ===

impl Store {
    /// Claims a session for one turn, with up to `most` of its waiting messages.
    ///
    /// A message that failed before is taken alone, so that it cannot take others down with it. `None`
    /// when somebody else holds the session or nothing in it is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(
        &self,
        session: SessionId,
        owner: Uuid,
        lease: Duration,
        most: Option<u32>,
    ) -> Result<Option<Claimed>> {
        let now = self.clock.now();
        let most = most.map_or(BATCH, i64::from).clamp(1, BATCH);
        self.control
            .db
            .write("claiming a session", move |conn| {
                Box::pin(claim(conn, session, owner, now, now.after(lease), most))
            })
            .await
    }

    /// Ends a turn. Returns when the session's next message is due, if one waits.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another instance has claimed the session since; then nothing is changed.
    pub async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<Option<Timestamp>> {
        let now = self.clock.now();
        self.control
            .db
            .write("ending a turn", move |conn| Box::pin(finish(conn, claim, outcome, now)))
            .await
    }

    /// Prolongs the leases of these claims, and no others: a session that an instance holds without knowing
    /// it, because the answer to its claim got lost, must become free again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew(&self, claims: Vec<Claim>, lease: Duration) -> Result<()> {
        let until = self.clock.now().after(lease);
        self.control
            .db
            .write("renewing leases", move |conn| {
                Box::pin(async move {
                    for Claim { session, owner, fence } in claims {
                        on!(conn, c => sqlx::query(RENEW)
                            .bind(session.0)
                            .bind(owner)
                            .bind(fence)
                            .bind(until.0)
                            .execute(c).await.map(drop))?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Gives up every lease of an instance that is known to run no turn, because it has just started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn let_go(&self, owner: Uuid) -> Result<()> {
        self.control
            .db
            .write("giving up leases", move |conn| {
                Box::pin(async move {
                    on!(conn, c => sqlx::query(LET_GO).bind(owner).execute(c).await.map(drop))?;
                    Ok(())
                })
            })
            .await
    }

    /// Sessions with unanswered messages that nobody holds, and when each may be tried.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ready(&self, most: u32) -> Result<Vec<Ready>> {
        let now = self.clock.now();
        let rows: Vec<(Uuid, String, i64)> = self
            .control
            .db
            .read("looking for work", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(READY)
                        .bind(now.0).bind(i64::from(most)).fetch_all(c).await)?)
                })
            })
            .await?;
        let ready =
            |(id, account, due)| Ready { session: SessionId(id), account, due_at: Timestamp(due) };
        Ok(rows.into_iter().map(ready).collect())
    }
}

async fn claim(
    conn: &mut Conn<'_>,
    session: SessionId,
    owner: Uuid,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Option<Claimed>, Failure> {
    let claimed: Option<(i64, i64)> = on!(conn, c => sqlx::query_as(CLAIM)
        .bind(session.0).bind(owner).bind(now.0).bind(until.0).fetch_optional(c).await)?;
    let Some((fence, epoch)) = claimed else { return Ok(None) };
    let rows: Vec<InboxSqlRow> = on!(conn, c => sqlx::query_as(UNFINISHED)
        .bind(session.0).bind(most).fetch_all(c).await)?;
    let mut messages: Vec<InboxRow> = rows.into_iter().filter_map(inbox_row).collect();
    let failed_before = |message: &InboxRow| message.attempts > 0;
    let batch = match messages.first() {
        Some(first) if failed_before(first) => 1,
        _ => messages.iter().position(failed_before).unwrap_or(messages.len()),
    };
    messages.truncate(batch);
    let Some((first, last)) = messages.first().zip(messages.last()) else {
        return Err(Error::Missing { what: "message of session", name: session.to_string() }.into());
    };
    let key = first.session.clone();
    begin(conn, session, last.id).await?;
    Ok(Some(Claimed { claim: Claim { session, owner, fence }, key, epoch, messages }))
}

async fn begin(conn: &mut Conn<'_>, session: SessionId, last: MessageId) -> Result<(), Failure> {
    on!(conn, c => sqlx::query(BEGIN).bind(session.0).bind(last.0).execute(c).await.map(drop))?;
    Ok(())
}

async fn done(
    conn: &mut Conn<'_>,
    session: Uuid,
    answer: Option<&Answer>,
    now: Timestamp,
) -> Result<(), Failure> {
    let done = on!(conn, c => sqlx::query(DONE)
        .bind(session).bind(now.0).execute(c).await.map(|done| done.rows_affected()))?;
    let Some(answer) = answer.filter(|answer| done <= answer.merged.len() as u64) else {
        return Ok(());
    };
    for run in answer.merged.iter().chain([&answer.run]) {
        on!(conn, c => sqlx::query(DONE_TOO)
            .bind(session).bind(run.0.as_str()).bind(now.0).execute(c).await.map(drop))?;
    }
    Ok(())
}

async fn finish(
    conn: &mut Conn<'_>,
    claim: Claim,
    outcome: Outcome,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let held = on!(conn, c => sqlx::query(FINISH_SESSION)
        .bind(claim.session.0)
        .bind(claim.owner)
        .bind(claim.fence)
        .bind(now.0)
        .bind(now.after(session::TIME_TO_LIVE).0)
        .execute(c).await.map(|done| done.rows_affected() == 1))?;
    if !held {
        return Err(Error::Fenced.into());
    }
    let id = claim.session.0;
    match outcome {
        Outcome::Done { answer } => {
            done(conn, id, answer.as_ref(), now).await?;
            if let Some(answer) = answer {
                super::outbox::insert(conn, claim.session, answer, now).await?;
            }
        }
        Outcome::Told { answer } => done(conn, id, Some(&answer), now).await?,
        Outcome::Retry { due_at, code, text } => {
            on!(conn, c => sqlx::query(RETRY)
                .bind(id).bind(due_at.0).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Postpone { due_at, code, text } => {
            on!(conn, c => sqlx::query(POSTPONE)
                .bind(id).bind(due_at.0).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Park { code, text } => {
            on!(conn, c => sqlx::query(PARK).bind(id).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Release => {
            on!(conn, c => sqlx::query(RELEASE).bind(id).execute(c).await.map(drop))?;
        }
    }
    let next: Option<i64> =
        on!(conn, c => sqlx::query_scalar(NEXT_DUE).bind(id).fetch_optional(c).await)?;
    Ok(next.map(Timestamp))
}
