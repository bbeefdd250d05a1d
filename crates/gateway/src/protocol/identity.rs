//! Which message a line is, where other programs of protocol v4 look for it.
//!
//! Owns the one object by which a client knows a line that it reads as the one that it heard; refuses to
//! guess: a message that waits has no place yet.

use domain::{MessageId, RunId};
use serde::Serialize;

/// The identity of a message, sent as its field `__openclaw`. Without it a client shows a line once for
/// every way it came to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The message.
    pub id: MessageId,
    /// Its place in the transcript, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The run it belongs to: the one that it began, or the one that it answers.
    pub run_id: RunId,
}
