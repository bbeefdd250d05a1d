//! A tenant's transcript: every word said in it, in the order in which turns ended.

use domain::event::Usage;
use domain::{MessageId, Role, RunId, SessionKey, Timestamp};
use sqlx::types::Json;
use uuid::Uuid;

use crate::control::inbox::{InboxRow, InboxState};
use crate::db::{Conn, Db, on, statements};
use crate::error::{Failure, Result};
use crate::text::storable;

statements! {
    INSERT = "INSERT INTO message
            (id, account, conversation, epoch, role, run, peer, text, at, answers, outcome, model, usage)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    // What nearly every turn is: one message and its answer.
    INSERT_TWO = "INSERT INTO message
            (id, account, conversation, epoch, role, run, peer, text, at, answers, outcome, model, usage)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13),
            ($14, $2, $3, $4, $15, $16, $17, $18, $19, $20, $21, $22, $23)
        ON CONFLICT DO NOTHING RETURNING id";
    // A bare bind as the limit makes SQLite compile the statement anew for every value; a sum does not.
    READ = "SELECT seq, id, role, run, peer, text, at, outcome, model, usage FROM message
        WHERE account = $1 AND conversation = $2 AND epoch = $3 AND seq < $4
        ORDER BY seq DESC LIMIT $5 + 0";
    ANSWER = "SELECT seq, id, role, run, peer, text, at, outcome, model, usage FROM message
        WHERE answers = $1";
    // A turn is written as a whole, so what it answers stands between the answer before and its own.
    ANSWER_TOGETHER = "SELECT a.seq, a.id, a.role, a.run, a.peer, a.text, a.at, a.outcome, a.model, a.usage
        FROM message q JOIN message a
            ON a.account = q.account AND a.conversation = q.conversation AND a.epoch = q.epoch
        WHERE q.id = $1 AND a.role = 'assistant' AND a.seq > q.seq
        ORDER BY a.seq LIMIT 1";
    ANSWERED_RUNS = "SELECT q.run FROM message a JOIN message q
            ON q.account = a.account AND q.conversation = a.conversation AND q.epoch = a.epoch
        WHERE a.answers = $1 AND q.role = 'user' AND q.seq < a.seq AND q.seq > COALESCE(
            (SELECT MAX(e.seq) FROM message e WHERE e.account = a.account
                AND e.conversation = a.conversation AND e.epoch = a.epoch
                AND e.role = 'assistant' AND e.seq < a.seq), 0)
        ORDER BY q.seq";
}

/// How a line came to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineOutcome {
    /// Said, or answered.
    Done,
    /// A person stopped it.
    Aborted,
    /// It was left out of the prompt because too many waited.
    Dropped,
    /// It waits for its turn.
    Waiting,
    /// A turn is answering it.
    Running,
    /// It failed too often.
    Parked,
}

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its place in the transcript; `None` while it waits.
    pub seq: Option<i64>,
    /// The message.
    pub id: MessageId,
    /// Who spoke.
    pub role: Role,
    /// The run it belongs to.
    pub run: RunId,
    /// Who wrote, when it was a person.
    pub peer: String,
    /// The words.
    pub text: String,
    /// When it was said.
    pub at: Timestamp,
    /// How it came to be what it is.
    pub outcome: LineOutcome,
    /// Why it failed: stable code and one line.
    pub error: Option<(String, String)>,
    /// The model that said it.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Option<Usage>,
}

/// A line to write.
#[derive(Debug, Clone)]
pub struct NewLine {
    /// The message.
    pub id: MessageId,
    /// Who spoke.
    pub role: Role,
    /// The run it belongs to.
    pub run: RunId,
    /// Who wrote, when it was a person.
    pub peer: String,
    /// The words.
    pub text: String,
    /// When it was said.
    pub at: Timestamp,
    /// The message whose answer this is.
    pub answers: Option<MessageId>,
    /// How it came to be what it is.
    pub outcome: LineOutcome,
    /// The model that said it.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Option<Usage>,
}

/// An answer as it stands in the transcript after a turn was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The answer.
    pub answer: Line,
    /// Every run that it answers, when an earlier attempt wrote it; none when it is new.
    pub earlier: Option<Vec<RunId>>,
}

/// One tenant's database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transcript {
    db: Db,
}

/// Binds the columns of a line from its run on.
macro_rules! bind_rest {
    ($query:expr, $line:expr) => {
        $query
            .bind($line.run.0)
            .bind(storable($line.peer))
            .bind(storable($line.text))
            .bind($line.at.0)
            .bind($line.answers.map(|answers| answers.0))
            .bind(outcome_word($line.outcome))
            .bind($line.model.map(storable))
            .bind($line.usage.map(Json))
    };
}

type Row =
    (i64, Uuid, String, String, String, String, i64, String, Option<String>, Option<Json<Usage>>);

// === impl Transcript ===

impl Transcript {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(crate) async fn close(&self) {
        self.db.close().await;
    }

    /// The newest `limit` lines before `before`, oldest first.
    pub(crate) async fn read(
        &self,
        key: &SessionKey,
        epoch: i64,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Line>> {
        let key = key.clone();
        let rows: Vec<Row> = self
            .db
            .read("reading a transcript", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(READ)
                        .bind(key.account)
                        .bind(key.conversation)
                        .bind(epoch)
                        .bind(before.unwrap_or(i64::MAX))
                        .bind(i64::from(limit))
                        .fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().rev().filter_map(from_row).collect())
    }

    /// Also one that was given to several messages together.
    pub(crate) async fn answer_to(&self, message: MessageId) -> Result<Option<Line>> {
        let row: Option<Row> = self
            .db
            .read("looking for an answer", |conn| {
                Box::pin(async move {
                    let own: Option<Row> = on!(conn, c => sqlx::query_as(ANSWER)
                        .bind(message.0).fetch_optional(c).await)?;
                    if own.is_some() {
                        return Ok(own);
                    }
                    Ok(on!(conn, c => sqlx::query_as(ANSWER_TOGETHER)
                        .bind(message.0).fetch_optional(c).await)?)
                })
            })
            .await?;
        Ok(row.and_then(from_row))
    }

    /// Writes a turn, once. Returns the answer that is there afterwards.
    pub(crate) async fn record(
        &self,
        key: SessionKey,
        epoch: i64,
        said: Vec<NewLine>,
        answer: Option<NewLine>,
    ) -> Result<Option<Recorded>> {
        self.db
            .write("writing a transcript", move |conn| {
                Box::pin(record(conn, key, epoch, said, answer))
            })
            .await
    }

    /// The same for one message and its answer, which is one statement.
    pub(crate) async fn record_two(
        &self,
        key: SessionKey,
        epoch: i64,
        said: NewLine,
        answer: NewLine,
    ) -> Result<Option<Recorded>> {
        self.db
            .write_at_once("writing a transcript", move |conn| {
                Box::pin(record_two(conn, key, epoch, said, answer))
            })
            .await
    }
}

async fn record(
    conn: &mut Conn<'_>,
    key: SessionKey,
    epoch: i64,
    said: Vec<NewLine>,
    answer: Option<NewLine>,
) -> Result<Option<Recorded>, Failure> {
    for line in said {
        insert(conn, &key, epoch, line).await?;
    }
    let Some(answer) = answer else { return Ok(None) };
    match insert(conn, &key, epoch, answer.clone()).await? {
        true => Ok(Some(Recorded { answer: answer.into(), earlier: None })),
        false => earlier(conn, answer).await,
    }
}

async fn record_two(
    conn: &mut Conn<'_>,
    key: SessionKey,
    epoch: i64,
    said: NewLine,
    answer: NewLine,
) -> Result<Option<Recorded>, Failure> {
    let written = answer.clone();
    let new: Vec<Uuid> = on!(conn, c => {
        let query = sqlx::query_scalar(INSERT_TWO)
            .bind(said.id.0)
            .bind(key.account.as_str())
            .bind(key.conversation.as_str())
            .bind(epoch)
            .bind(role_word(said.role));
        let query = bind_rest!(query, said);
        let query = query.bind(answer.id.0).bind(role_word(answer.role));
        bind_rest!(query, answer).fetch_all(c).await
    })?;
    match new.contains(&written.id.0) {
        true => Ok(Some(Recorded { answer: written.into(), earlier: None })),
        false => earlier(conn, written).await,
    }
}

/// The answer that was there already.
async fn earlier(conn: &mut Conn<'_>, answer: NewLine) -> Result<Option<Recorded>, Failure> {
    let Some(answers) = answer.answers else {
        return Ok(Some(Recorded { answer: answer.into(), earlier: None }));
    };
    let row: Option<Row> =
        on!(conn, c => sqlx::query_as(ANSWER).bind(answers.0).fetch_optional(c).await)?;
    let runs: Vec<String> =
        on!(conn, c => sqlx::query_scalar(ANSWERED_RUNS).bind(answers.0).fetch_all(c).await)?;
    let earlier = Some(runs.into_iter().map(RunId).collect());
    Ok(row.and_then(from_row).map(|answer| Recorded { answer, earlier }))
}

/// Whether the line was new.
async fn insert(
    conn: &mut Conn<'_>,
    key: &SessionKey,
    epoch: i64,
    line: NewLine,
) -> Result<bool, Failure> {
    Ok(on!(conn, c => {
        let query = sqlx::query(INSERT)
        .bind(line.id.0)
        .bind(key.account.as_str())
        .bind(key.conversation.as_str())
        .bind(epoch)
        .bind(role_word(line.role));
        bind_rest!(query, line).execute(c).await.map(|done| done.rows_affected() == 1)
    })?)
}

fn from_row(row: Row) -> Option<Line> {
    let (seq, id, role, run, peer, text, at, outcome, model, usage) = row;
    Some(Line {
        seq: Some(seq),
        id: MessageId(id),
        role: match role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return None,
        },
        run: RunId(run),
        peer,
        text,
        at: Timestamp(at),
        outcome: match outcome.as_str() {
            "done" => LineOutcome::Done,
            "aborted" => LineOutcome::Aborted,
            "dropped" => LineOutcome::Dropped,
            _ => return None,
        },
        error: None,
        model,
        usage: usage.map(|usage| usage.0),
    })
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

/// What waits is not in the transcript, so only three words occur.
fn outcome_word(outcome: LineOutcome) -> &'static str {
    match outcome {
        LineOutcome::Aborted => "aborted",
        LineOutcome::Dropped => "dropped",
        LineOutcome::Done | LineOutcome::Waiting | LineOutcome::Running | LineOutcome::Parked => {
            "done"
        }
    }
}

// === impl Line ===

impl From<NewLine> for Line {
    fn from(new: NewLine) -> Self {
        Self {
            seq: None,
            id: new.id,
            role: new.role,
            run: new.run,
            peer: new.peer,
            text: new.text,
            at: new.at,
            outcome: new.outcome,
            error: None,
            model: new.model,
            usage: new.usage,
        }
    }
}

impl From<InboxRow> for Line {
    fn from(row: InboxRow) -> Self {
        Self {
            seq: None,
            id: row.id,
            role: Role::User,
            run: row.run,
            peer: row.peer,
            text: row.text,
            at: row.received_at,
            outcome: match row.state {
                InboxState::Waiting => LineOutcome::Waiting,
                InboxState::Running => LineOutcome::Running,
                InboxState::Parked => LineOutcome::Parked,
                InboxState::Done => LineOutcome::Done,
                InboxState::Dropped => LineOutcome::Dropped,
            },
            error: row.error,
            model: None,
            usage: None,
        }
    }
}
