//! An answer word by word, as server-sent events.
//!
//! Owns the order of the chunks; refuses to say anything twice: what was said and then failed ends with an
//! error.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use llm::openai::{Chunk, Completion, ErrorCode, ErrorDetail, FinishReason};
use tokio::time::{Instant, timeout_at};

use super::usage;
use super::waiting::{Piece, Waiting, Whole};
use crate::Error;
use crate::problem::{Problem, note};

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const DONE: &str = "data: [DONE]\n\n";

/// Tells nginx to pass every chunk on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

struct Speaking {
    completion: Completion,
    waiting: Waiting,
    include_usage: bool,
    /// Bytes of the answer that were sent.
    said: usize,
    deadline: Instant,
}

enum Stage {
    Opening(Speaking),
    Speaking(Speaking),
    Over,
}

/// Answers 200 and streams.
pub fn respond(completion: Completion, waiting: Waiting, include_usage: bool) -> Response {
    let deadline = Instant::now() + waiting.longest();
    let speaking = Speaking { completion, waiting, include_usage, said: 0, deadline };
    let chunks = futures::stream::unfold(Stage::Opening(speaking), |stage| async {
        let (text, next) = advance(stage).await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), next))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

async fn advance(stage: Stage) -> Option<(String, Stage)> {
    match stage {
        Stage::Opening(speaking) => {
            let opening = event(&speaking.completion.opening());
            Some((opening, Stage::Speaking(speaking)))
        }
        Stage::Speaking(speaking) => Some(speaking.go_on().await),
        Stage::Over => None,
    }
}

// === impl Speaking ===

impl Speaking {
    async fn go_on(mut self) -> (String, Stage) {
        let patience = (Instant::now() + KEEP_ALIVE).min(self.deadline);
        let next = match timeout_at(patience, self.waiting.next()).await {
            Ok(next) => next,
            Err(_) if Instant::now() < self.deadline => {
                return (": still working\n\n".to_owned(), Stage::Speaking(self));
            }
            Err(_) => Err(Error::TimedOut { limit: self.waiting.longest() }),
        };
        match next {
            Ok(Piece::Words(words)) => {
                self.said += words.len();
                (event(&self.completion.piece(&words)), Stage::Speaking(self))
            }
            Ok(Piece::Again) if self.said == 0 => {
                (": trying again\n\n".to_owned(), Stage::Speaking(self))
            }
            Ok(Piece::Again) => (self.fail(&Error::BrokenOff), Stage::Over),
            Ok(Piece::Whole(whole)) => (self.finish(&whole), Stage::Over),
            Err(error) => (self.fail(&error), Stage::Over),
        }
    }

    fn finish(&self, whole: &Whole) -> String {
        let mut text = String::new();
        if let Some(rest) = whole.text.get(self.said..).filter(|rest| !rest.is_empty()) {
            text += &event(&self.completion.piece(rest));
        }
        text += &event(&self.completion.closing(FinishReason::Stop));
        if self.include_usage {
            text += &event(&self.completion.total(usage(whole.usage)));
        }
        text + DONE
    }

    fn fail(&self, error: &Error) -> String {
        note(error);
        let problem = Problem::from(error);
        let detail = ErrorDetail {
            kind: problem.openai_type().to_owned(),
            message: problem.detail,
            param: None,
            code: Some(ErrorCode::Name(problem.code.to_owned())),
        };
        let chunk = Chunk { choices: Vec::new(), error: Some(detail), ..self.completion.opening() };
        event(&chunk) + DONE
    }
}

fn event(chunk: &Chunk<'_>) -> String {
    match serde_json::to_string(chunk) {
        Ok(json) => format!("data: {json}\n\n"),
        Err(error) => {
            tracing::error!(%error, "a chunk could not be written as JSON");
            String::new()
        }
    }
}
