//! Words for what tests do with a store.

use std::time::Duration;

use domain::event::Usage;
use domain::{Answer, MessageId, Role, RunId, SessionKey};
use store::{
    Admission, Admitted, Claimed, InboxRow, LineOutcome, NewLine, NewMessage, Outcome, Store,
};
use uuid::Uuid;

/// The instance that claims where a test does not care which.
pub const US: Uuid = Uuid::from_u128(7);
/// Another one.
pub const THEM: Uuid = Uuid::from_u128(8);
pub const LEASE: Duration = Duration::from_secs(10);

/// A conversation on the web.
pub fn key(tenant: &str, conversation: &str) -> SessionKey {
    SessionKey::new(tenant.parse().unwrap(), "web", conversation).unwrap()
}

/// A message in the tenant `main`.
pub fn message(conversation: &str, run: &str) -> NewMessage {
    message_in(key("main", conversation), run)
}

pub fn message_in(session: SessionKey, run: &str) -> NewMessage {
    NewMessage {
        session,
        peer: "anna".to_owned(),
        run: RunId(run.to_owned()),
        text: format!("words of {run}"),
        context: Vec::new(),
        room: None,
    }
}

/// Hands in a message that must be taken.
pub async fn admit(store: &Store, new: NewMessage) -> Admitted {
    match store.admit(new).await.unwrap() {
        Admission::Admitted(admitted) => admitted,
        other => panic!("{other:?}"),
    }
}

/// Claims the session of a message, whose turn it must be.
pub async fn claim(store: &Store, admitted: &Admitted) -> Claimed {
    store.claim(admitted.session, US, LEASE, None).await.unwrap().unwrap()
}

pub fn runs(messages: &[InboxRow]) -> Vec<&str> {
    messages.iter().map(|message| message.run.0.as_str()).collect()
}

/// The words that a person said, as a line of the transcript.
pub fn said(row: &InboxRow) -> NewLine {
    NewLine {
        id: row.id,
        role: Role::User,
        run: row.run.clone(),
        peer: row.peer.clone(),
        text: row.text.clone(),
        at: row.received_at,
        answers: None,
        outcome: LineOutcome::Done,
        model: None,
        usage: None,
    }
}

/// An answer to a message, as a line of the transcript.
pub fn answer(id: u128, row: &InboxRow, text: &str) -> NewLine {
    NewLine {
        id: MessageId(Uuid::from_u128(id)),
        role: Role::Assistant,
        peer: String::new(),
        text: text.to_owned(),
        answers: Some(row.id),
        model: Some("simulator/echo".to_owned()),
        usage: Some(Usage { input: 3, cached: 1, output: 2 }),
        ..said(row)
    }
}

/// The same answer as it is sent.
pub fn to_send(line: &NewLine) -> Answer {
    Answer {
        id: line.id,
        answers: line.answers.unwrap(),
        run: line.run.clone(),
        merged: Vec::new(),
        text: line.text.clone(),
        aborted: false,
        model: line.model.clone().unwrap(),
        usage: line.usage.unwrap(),
    }
}

/// Ends a turn as one that answered does: the transcript first, then the claim.
pub async fn answer_all(store: &Store, claimed: &Claimed, id: u128) {
    let said = claimed.messages.iter().map(said).collect();
    let answer = answer(id, &claimed.messages[0], "an answer");
    let sent = to_send(&answer);
    store.record(&claimed.key, claimed.epoch, said, Some(answer)).await.unwrap();
    store.finish(claimed.claim, Outcome::Done { answer: Some(sent) }).await.unwrap();
}

/// A failure after which the message is tried again.
pub fn retry_at(due_at: domain::Timestamp) -> Outcome {
    Outcome::Retry { due_at, code: "model-busy".to_owned(), text: "busy".to_owned() }
}

/// A failure after which it is not.
pub fn park() -> Outcome {
    Outcome::Park { code: "model-gone".to_owned(), text: "gone".to_owned() }
}
