//! One turn at a time in a session, whoever runs it.
//!
//! A claim is a lease on a session's row with a fence: a number that grows with each claim. What a turn
//! wants to store at its end is stored only if its fence is still the row's, so an instance that was
//! paused longer than its lease cannot overwrite what another one did in the meantime.

use std::time::Duration;

use domain::message::Said;
use domain::tenant::Tier;
use domain::{Answer, MessageId, RunId, SessionId, SessionKey, Timestamp, session};
use sqlx::types::Json;
use uuid::Uuid;

use super::budget::settle::{Settlement, mark_sent, settle_in};
use super::inbox::{InboxRow, InboxState};
use crate::Store;
use crate::db::{Conn, Script, on, script, statements};
use crate::error::{Error, Failure, Result};
use crate::text::storable;

statements! {
    // Only when nobody holds the session, its tenant and whoever wrote in it are served, and its oldest
    // unanswered message is due.
    CLAIM = "UPDATE session SET owner = $2, lease_until = $4, fence = fence + 1, state = 'processing'
        WHERE id = $1 AND (owner IS NULL OR lease_until <= $3) AND state <> 'suspended'
            AND EXISTS (SELECT 1 FROM tenant t WHERE t.id = session.tenant_id AND t.status = 'active')
            AND (SELECT i.due_at FROM inbox i
                WHERE i.session_id = session.id AND i.state IN ('waiting', 'running')
                ORDER BY i.seq LIMIT 1) <= $3
            AND NOT EXISTS (SELECT 1 FROM inbox i JOIN person p ON p.tenant_id = i.tenant_id
                    AND p.account = i.account AND p.peer = i.peer AND p.status = 'suspended'
                WHERE i.session_id = session.id AND i.state IN ('waiting', 'running'))
        RETURNING fence, epoch, account, conversation,
            (SELECT t.slug FROM tenant t WHERE t.id = session.tenant_id),
            (SELECT t.tier FROM tenant t WHERE t.id = session.tenant_id),
            (SELECT p.tier FROM inbox i JOIN person p ON p.tenant_id = i.tenant_id
                    AND p.account = i.account AND p.peer = i.peer
                WHERE i.session_id = session.id AND i.state IN ('waiting', 'running')
                ORDER BY i.seq LIMIT 1)";
    // A message that a vanished instance was answering goes back to the queue unless it is taken now.
    REQUEUE = "UPDATE inbox SET state = 'waiting'
        WHERE session_id = $1 AND state IN ('waiting', 'running') AND state = 'running'";
    // One that failed before is taken alone. A bare bind as the limit makes SQLite compile the statement anew
    // for every value; a sum does not.
    TAKE = "UPDATE inbox SET state = 'running', attempts = attempts + 1
        WHERE seq IN (SELECT i.seq FROM inbox i
                WHERE i.session_id = $1 AND i.state IN ('waiting', 'running')
                ORDER BY i.seq LIMIT $2 + 0)
            AND (seq = (SELECT MIN(f.seq) FROM inbox f
                    WHERE f.session_id = $1 AND f.state IN ('waiting', 'running'))
                OR NOT EXISTS (SELECT 1 FROM inbox e
                    WHERE e.session_id = $1 AND e.state IN ('waiting', 'running')
                        AND e.seq <= inbox.seq AND e.attempts > 0))
        RETURNING seq, id, run, peer, text, context, attempts, received_at, due_at, error_code, error_text";
    FINISH_SESSION = "UPDATE session SET owner = NULL, lease_until = NULL, last_at = $4,
            expires_at = CASE WHEN expires_at > $5 THEN expires_at ELSE $5 END,
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
    READY = "SELECT i.session_id, t.slug, t.tier, i.account, s.conversation, i.due_at
        FROM inbox i JOIN session s ON s.id = i.session_id JOIN tenant t ON t.id = i.tenant_id
        WHERE i.seq IN (SELECT seq FROM inbox WHERE state IN ('waiting', 'running'))
            AND (s.owner IS NULL OR s.lease_until <= $1) AND s.state <> 'suspended'
            AND t.status = 'active'
            AND NOT EXISTS (SELECT 1 FROM inbox e WHERE e.session_id = i.session_id
                AND e.state IN ('waiting', 'running') AND e.seq < i.seq)
        ORDER BY i.seq LIMIT $2";
}

static CLAIMING: Script = Script::new(&[CLAIM, REQUEUE, TAKE]);
static ENDING: Script = Script::new(&[FINISH_SESSION, DONE, NEXT_DUE]);

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
    /// The tier of its tenant.
    pub tier: Tier,
    /// How much the one who wrote the first of the messages may use: their own tier, else the tenant's.
    pub person_tier: Tier,
}

/// A session with unanswered messages that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Which session.
    pub session: SessionId,
    /// Which conversation.
    pub key: SessionKey,
    /// The tier of its tenant.
    pub tier: Tier,
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

type Held = (i64, i64, String, String, String, String, Option<String>);

type Taken = (
    i64,
    Uuid,
    String,
    String,
    String,
    Option<Json<Vec<Said>>>,
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
);

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
        let claimed = self
            .control
            .db
            .write("claiming a session", move |conn| {
                Box::pin(claim(conn, session, owner, now, now.after(lease), most))
            })
            .await;
        match claimed {
            Ok(claimed) => Ok(Some(claimed)),
            Err(Error::Fenced) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends a turn. Returns when the session's next message is due, if one waits.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another instance has claimed the session since; then nothing is changed.
    pub async fn finish(&self, claim: Claim, outcome: Outcome) -> Result<Option<Timestamp>> {
        self.finish_and_settle(claim, outcome, None).await
    }

    /// Ends a turn and, in the same transaction, the reservation of its budget.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another instance has claimed the session since; then nothing of the turn is
    /// stored, but what it used is: its provider has been paid for it.
    pub async fn finish_and_settle(
        &self,
        claim: Claim,
        outcome: Outcome,
        settlement: Option<Settlement>,
    ) -> Result<Option<Timestamp>> {
        let now = self.clock.now();
        let settled = settlement.clone();
        let finished = self
            .control
            .db
            .write("ending a turn", move |conn| {
                Box::pin(async move {
                    let next_due = finish(conn, claim, outcome, now).await?;
                    if let Some(settlement) = settled {
                        settle_in(conn, settlement, now).await?;
                    }
                    Ok(next_due)
                })
            })
            .await;
        match (&finished, settlement) {
            (Ok(_), Some(_)) => self.book_soon(),
            (Err(Error::Fenced), Some(settlement)) => self.settle(settlement).await?,
            _ => {}
        }
        finished
    }

    /// Prolongs the leases of these claims, and no others: a session that an instance holds without knowing
    /// it, because the answer to its claim got lost, must become free again. What the claims reserved counts
    /// from now on as sent.
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
                        mark_sent(conn, session.0, owner).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Gives up every lease of an instance that is known to run no turn, because it has just started, and lets
    /// go what its calls had reserved.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn let_go(&self, owner: Uuid) -> Result<()> {
        self.let_go_reservations(owner).await?;
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
        let rows: Vec<(Uuid, String, String, String, String, i64)> = self
            .control
            .db
            .read("looking for work", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(READY)
                        .bind(now.0).bind(i64::from(most)).fetch_all(c).await)?)
                })
            })
            .await?;
        // A row that does not read back was written by a newer version, which will answer it.
        let ready = |(id, slug, tier, account, conversation, due): (
            _,
            String,
            String,
            String,
            String,
            _,
        )| {
            let key = SessionKey::new(slug.parse().ok()?, &account, &conversation).ok()?;
            let tier = tier.parse().ok()?;
            Some(Ready { session: SessionId(id), key, tier, due_at: Timestamp(due) })
        };
        Ok(rows.into_iter().filter_map(ready).collect())
    }
}

async fn claim(
    conn: &mut Conn<'_>,
    session: SessionId,
    owner: Uuid,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Claimed, Failure> {
    let (held, taken): (Option<Held>, Vec<Taken>) = script!(conn, CLAIMING, [
        (session.0, owner, now.0, until.0),
        (session.0),
        (session.0, most),
    ], ran => Ok((ran.first(0)?, ran.all(2)?)))?;
    // Not ours: what the other statements did is undone with the claim.
    let Some((fence, epoch, account, conversation, slug, tier, own_tier)) = held else {
        return Err(Error::Fenced.into());
    };
    let missing = || Error::Missing { what: "message of session", name: session.to_string() };
    let tenant = slug.parse().map_err(|_| missing())?;
    let key = SessionKey::new(tenant, &account, &conversation).map_err(|_| missing())?;
    let mut taken = taken;
    taken.sort_unstable_by_key(|(seq, ..)| *seq);
    let messages: Vec<InboxRow> =
        taken.into_iter().map(|row| from_row(row, session, &key)).collect();
    if messages.is_empty() {
        return Err(missing().into());
    }
    // As where a message is taken in: the smallest is never too much.
    let tier: Tier = tier.parse().unwrap_or_default();
    let person_tier = own_tier.map_or(tier, |own| own.parse().unwrap_or_default());
    let claim = Claim { session, owner, fence };
    Ok(Claimed { claim, key, epoch, messages, tier, person_tier })
}

/// A message as it was before this turn took it.
fn from_row(row: Taken, session_id: SessionId, session: &SessionKey) -> InboxRow {
    let (_, id, run, peer, text, context, attempts, received_at, due_at, code, error) = row;
    InboxRow {
        id: MessageId(id),
        session: session.clone(),
        session_id,
        run: RunId(run),
        peer,
        text,
        context: context.map(|context| context.0).unwrap_or_default(),
        state: InboxState::Running,
        attempts: u32::try_from(attempts - 1).unwrap_or_default(),
        received_at: Timestamp(received_at),
        due_at: Timestamp(due_at),
        error: code.zip(error),
    }
}

/// Ends the claim and its messages. Returns when the session's next message is due.
async fn done(
    conn: &mut Conn<'_>,
    claim: Claim,
    answer: Option<&Answer>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let (id, expires) = (claim.session.0, now.after(session::TIME_TO_LIVE).0);
    let (held, done, next): (u64, u64, Option<(i64,)>) = script!(conn, ENDING, [
        (id, claim.owner, claim.fence, now.0, expires),
        (id, now.0),
        (id),
    ], ran => Ok((ran.changed(0), ran.changed(1), ran.first(2)?)))?;
    if held != 1 {
        return Err(Error::Fenced.into());
    }
    let Some(answer) = answer.filter(|answer| done <= answer.merged.len() as u64) else {
        return Ok(next.map(|(due,)| Timestamp(due)));
    };
    for run in answer.merged.iter().chain([&answer.run]) {
        on!(conn, c => sqlx::query(DONE_TOO)
            .bind(id).bind(run.0.as_str()).bind(now.0).execute(c).await.map(drop))?;
    }
    next_due(conn, id).await
}

async fn next_due(conn: &mut Conn<'_>, session: Uuid) -> Result<Option<Timestamp>, Failure> {
    let next: Option<i64> =
        on!(conn, c => sqlx::query_scalar(NEXT_DUE).bind(session).fetch_optional(c).await)?;
    Ok(next.map(Timestamp))
}

async fn finish(
    conn: &mut Conn<'_>,
    claim: Claim,
    outcome: Outcome,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let id = claim.session.0;
    match outcome {
        Outcome::Told { answer } => return done(conn, claim, Some(&answer), now).await,
        Outcome::Done { answer } => {
            let next = done(conn, claim, answer.as_ref(), now).await?;
            if let Some(answer) = answer {
                super::outbox::insert(conn, claim.session, answer, now).await?;
            }
            return Ok(next);
        }
        Outcome::Retry { due_at, code, text } => {
            give_up(conn, claim, now).await?;
            on!(conn, c => sqlx::query(RETRY)
                .bind(id).bind(due_at.0).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Postpone { due_at, code, text } => {
            give_up(conn, claim, now).await?;
            on!(conn, c => sqlx::query(POSTPONE)
                .bind(id).bind(due_at.0).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Park { code, text } => {
            give_up(conn, claim, now).await?;
            on!(conn, c => sqlx::query(PARK).bind(id).bind(code).bind(storable(text)).execute(c).await.map(drop))?;
        }
        Outcome::Release => {
            give_up(conn, claim, now).await?;
            on!(conn, c => sqlx::query(RELEASE).bind(id).execute(c).await.map(drop))?;
        }
    }
    next_due(conn, id).await
}

async fn give_up(conn: &mut Conn<'_>, claim: Claim, now: Timestamp) -> Result<(), Failure> {
    let held = on!(conn, c => sqlx::query(FINISH_SESSION)
        .bind(claim.session.0)
        .bind(claim.owner)
        .bind(claim.fence)
        .bind(now.0)
        .bind(now.after(session::TIME_TO_LIVE).0)
        .execute(c).await.map(|done| done.rows_affected() == 1))?;
    if held { Ok(()) } else { Err(Error::Fenced.into()) }
}
