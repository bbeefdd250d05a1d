//! `chat.*`: speaking, stopping, reading what was said.

use channels::web::Said;
use domain::event::Usage;
use domain::{MessageId, PartialAnswer, Refusal, Role, RunId, SessionKey, Timestamp, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Line, LineOutcome};

use super::sessions::{About, Defaults};
use super::{Call, Payload, payload};
use crate::Error;
use crate::protocol::identity::Identity;

const MOST_LINES: u32 = 1_000;
const USUAL_LINES: u32 = 200;

/// How far back a message id is looked for, in lines.
const SEARCHED_LINES: usize = 20_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendParams {
    session_key: String,
    message: String,
    idempotency_key: String,
    #[serde(default)]
    attachments: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryParams {
    session_key: String,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    before: Option<Before>,
}

/// A place in the transcript: its number, or the message that stands there.
#[derive(Deserialize)]
#[serde(untagged)]
enum Before {
    Seq(i64),
    Message(MessageId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortParams {
    session_key: String,
    #[serde(default)]
    run_id: Option<RunId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    session_key: SessionKey,
    session_info: About,
    defaults: Defaults,
    messages: Vec<Told>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight_run: Option<InFlight>,
}

/// An answer that is being given, as other programs than our own page take it up again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InFlight {
    run_id: RunId,
    text: String,
}

/// One line of a conversation as a client sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    role: Role,
    content: [Part; 1],
    timestamp: Timestamp,
    run_id: RunId,
    state: LineOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(rename = "__openclaw")]
    identity: Identity,
}

#[derive(Serialize)]
struct Part {
    r#type: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Reason {
    code: String,
    message: String,
}

/// `chat.send {sessionKey, message, idempotencyKey}` -> `{runId, status}`, once the message is on disk.
pub(super) async fn send(call: Call) -> Result<Payload, Error> {
    let params: SendParams = call.request.params()?;
    if !params.attachments.is_empty() {
        let problem = "are not taken yet; send the text alone".to_owned();
        return Err(Error::Field { field: "attachments", problem });
    }
    let inbound = channels::web::inbound(Said {
        session: call.session(&params.session_key).await?,
        peer: call.access.peer(),
        key: params.idempotency_key,
        text: params.message,
    })?;
    let run = inbound.run.clone();
    match call.context.gateway.intake.offer(inbound).await {
        Verdict::Admitted { duplicate, .. } => {
            let status = if duplicate { "duplicate" } else { "started" };
            payload(&json!({ "runId": run, "status": status }))
        }
        Verdict::Refused(Refusal::NoTenant(_)) => Err(Error::NoSession),
        Verdict::Refused(refusal) => Err(refusal.into()),
    }
}

/// `chat.abort {sessionKey, runId?}` -> `{aborted, runIds}`
pub(super) async fn abort(call: Call) -> Result<Payload, Error> {
    let params: AbortParams = call.request.params()?;
    let (session, _) = call.existing(&params.session_key).await?;
    let runs = call.context.gateway.turns.abort(&session, params.run_id.as_ref());
    payload(&json!({ "ok": true, "aborted": !runs.is_empty(), "runIds": runs }))
}

/// `chat.history {sessionKey, limit?, before?}` -> `{sessionKey, sessionInfo, defaults, messages, hasMore}`,
/// oldest first. `before` is a message's `seq` or its `id`.
///
/// Without it an answer that is being given stands there too, as far as it goes, with the state `running`:
/// it has the words of every `chat` event that came before this response, and the `offset` of those that
/// come after it says where they go on. Other programs than our own page find it in `inFlightRun {runId,
/// text}`: to them a message is a whole one.
pub(super) async fn history(call: Call) -> Result<Payload, Error> {
    let params: HistoryParams = call.request.params()?;
    let (session_key, session) = call.existing(&params.session_key).await?;
    let limit = params.limit.unwrap_or(USUAL_LINES).clamp(1, MOST_LINES);
    let before = match params.before {
        None => None,
        Some(Before::Seq(seq)) => Some(seq),
        Some(Before::Message(id)) => Some(call.place_of(&session_key, id).await?),
    };
    let mut lines = call.context.gateway.store.history(&session_key, before, limit + 1).await?;
    let told = lines.iter().filter(|line| line.seq.is_some()).count();
    let has_more = told > limit as usize;
    if has_more {
        lines.remove(0);
    }
    let mut messages: Vec<_> = lines.into_iter().map(Told::from).collect();
    let mut in_flight_run = None;
    // Last, with nothing to wait for after it: events that are told until then are in it.
    let partial = call.context.gateway.turns.said(&session_key).filter(|_| before.is_none());
    if let Some((place, partial)) = partial.and_then(|partial| under_way(&messages, partial)) {
        messages[place].state = LineOutcome::Running;
        match call.is_page {
            true => messages.insert(place + 1, Told::from(partial)),
            false => in_flight_run = Some(InFlight { run_id: partial.run, text: partial.text }),
        }
    }
    let defaults = Defaults::of(&call);
    let session_info = About::of(&session_key, session.as_ref());
    payload(&History { session_key, session_info, defaults, messages, has_more, in_flight_run })
}

/// An answer that is being given, and the place of the message that it answers. When that message is not
/// under way in these lines, the answer was stored or given up while they were read.
fn under_way(messages: &[Told], partial: PartialAnswer) -> Option<(usize, PartialAnswer)> {
    let asked = |line: &Told| line.run_id == partial.run && line.is_due();
    let place = messages.iter().rposition(asked).filter(|_| !partial.text.is_empty())?;
    Some((place, partial))
}

// === impl Call ===

impl Call {
    /// The place of a message in its transcript. One that is not there, because it waits, stands behind
    /// all that are.
    async fn place_of(&self, key: &SessionKey, id: MessageId) -> Result<i64, Error> {
        let (mut before, mut searched) = (None, 0);
        while searched < SEARCHED_LINES {
            let lines = self.context.gateway.store.history(key, before, MOST_LINES).await?;
            if let Some(line) = lines.iter().find(|line| line.id == id) {
                return Ok(line.seq.unwrap_or(i64::MAX));
            }
            before = lines.iter().find_map(|line| line.seq);
            if before.is_none() {
                break;
            }
            searched += lines.len();
        }
        let problem = "is no message of this session".to_owned();
        Err(Error::Field { field: "before", problem })
    }
}

// === impl Told ===

impl Told {
    /// Whether it waits for its turn, or has it.
    fn is_due(&self) -> bool {
        matches!(self.state, LineOutcome::Waiting | LineOutcome::Running)
    }
}

impl From<PartialAnswer> for Told {
    fn from(answer: PartialAnswer) -> Self {
        Self {
            identity: Identity { id: answer.id, seq: None, run_id: answer.run.clone() },
            id: answer.id,
            seq: None,
            role: Role::Assistant,
            content: [Part { r#type: "text", text: answer.text }],
            timestamp: answer.since,
            run_id: answer.run,
            state: LineOutcome::Running,
            error: None,
            model: None,
            usage: None,
        }
    }
}

impl From<Line> for Told {
    fn from(line: Line) -> Self {
        Self {
            identity: Identity { id: line.id, seq: line.seq, run_id: line.run.clone() },
            id: line.id,
            seq: line.seq,
            role: line.role,
            content: [Part { r#type: "text", text: line.text }],
            timestamp: line.at,
            run_id: line.run,
            state: line.outcome,
            error: line.error.map(|(code, message)| Reason { code, message }),
            model: line.model,
            usage: line.usage,
        }
    }
}
