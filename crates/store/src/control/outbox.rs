//! What is to be sent: written down together with the end of the turn, removed when it is out.

use domain::{Answer, MessageId, SessionId, SessionKey, Timestamp};
use sqlx::types::Json;
use uuid::Uuid;

use crate::Store;
use crate::db::{Conn, on, statements};
use crate::error::{Failure, Result};
use crate::text::storable;

statements! {
    INSERT = "INSERT INTO outbox
            (id, tenant_id, account, conversation, answers, event, state, attempts, created_at, due_at)
        SELECT $1, s.tenant_id, s.account, s.conversation, $2, $3, 'waiting', 0, $4, $4
            FROM session s WHERE s.id = $5
        ON CONFLICT (answers) DO NOTHING";
    WAITING = "SELECT o.id, t.slug, o.account, o.conversation, o.event, o.created_at
        FROM outbox o JOIN tenant t ON t.id = o.tenant_id
        WHERE o.state = 'waiting' AND o.due_at <= $1 ORDER BY o.seq LIMIT $2";
    SENT = "DELETE FROM outbox WHERE id = $1";
}

/// An answer that waits to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboundRow {
    /// The row.
    pub id: Uuid,
    /// Where to send it.
    pub session: SessionKey,
    /// What to send.
    pub answer: Answer,
    /// When the turn ended.
    pub created_at: Timestamp,
}

type Row = (Uuid, String, String, String, Json<Answer>, i64);

// === impl Store ===

impl Store {
    /// What waits to be sent, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn outbox(&self, most: u32) -> Result<Vec<OutboundRow>> {
        let now = self.clock.now();
        let rows: Vec<Row> = self
            .control
            .db
            .read("reading the outbox", |conn| {
                Box::pin(async move {
                    Ok(on!(conn, c => sqlx::query_as(WAITING)
                        .bind(now.0).bind(i64::from(most)).fetch_all(c).await)?)
                })
            })
            .await?;
        Ok(rows.into_iter().filter_map(from_row).collect())
    }

    /// Notes that an answer is out.
    ///
    /// # Errors
    /// When the database does not answer; then it will be sent again by the next start.
    pub async fn sent(&self, id: MessageId) -> Result<()> {
        self.control
            .db
            .write_at_once("noting what was sent", move |conn| {
                Box::pin(async move {
                    on!(conn, c => sqlx::query(SENT).bind(id.0).execute(c).await.map(drop))?;
                    Ok(())
                })
            })
            .await
    }
}

pub(super) async fn insert(
    conn: &mut Conn<'_>,
    session: SessionId,
    answer: Answer,
    now: Timestamp,
) -> Result<(), Failure> {
    let answer = Answer { text: storable(answer.text), model: storable(answer.model), ..answer };
    on!(conn, c => sqlx::query(INSERT)
        .bind(answer.id.0)
        .bind(answer.answers.0)
        .bind(Json(&answer))
        .bind(now.0)
        .bind(session.0)
        .execute(c).await.map(drop))?;
    Ok(())
}

fn from_row((id, slug, account, conversation, answer, created_at): Row) -> Option<OutboundRow> {
    Some(OutboundRow {
        id,
        session: SessionKey::new(slug.parse().ok()?, &account, &conversation).ok()?,
        answer: answer.0,
        created_at: Timestamp(created_at),
    })
}
