//! The answer of another machine: its status, its headers, and a body that arrives in pieces.
//!
//! Refuses to wait for ever and to read without end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, Sleep};

use crate::{Error, Timeouts};

/// An answer that has begun.
#[derive(Debug)]
pub struct Answer {
    /// The status, whatever it is.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The rest, as it comes.
    pub body: Body,
}

/// The pieces of an answer. Dropping it closes the connection unless everything has been read.
pub struct Body {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    origin: String,
    idle: Duration,
    total: Duration,
    end: Instant,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    over: bool,
}

// === impl Body ===

impl Body {
    pub(crate) fn new(
        response: reqwest::Response,
        origin: String,
        timeouts: Timeouts,
        started: Instant,
    ) -> Self {
        let end = started + timeouts.total;
        Self {
            pieces: Box::pin(response.bytes_stream()),
            origin,
            idle: timeouts.idle,
            total: timeouts.total,
            end,
            timer: Box::pin(tokio::time::sleep_until(end)),
            waiting: false,
            over: false,
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`Error::TooLong`] when it has more than `limit` bytes, and whatever ends the stream early.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if whole.len() + piece.len() > limit {
                return Err(Error::TooLong { origin: self.origin, limit });
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// As much of the body as comes within `patience` and fits in `limit` bytes. For the text of an error,
    /// of which a part is better than nothing.
    pub async fn beginning(mut self, limit: usize, patience: Duration) -> Bytes {
        self.hurry(patience);
        let mut read = BytesMut::new();
        while let Some(Ok(piece)) = self.next().await {
            let room = limit - read.len();
            read.extend_from_slice(&piece[..piece.len().min(room)]);
            if read.len() == limit {
                break;
            }
        }
        read.freeze()
    }

    /// Waits no longer than this for the rest, whatever was agreed before.
    pub fn hurry(&mut self, patience: Duration) {
        self.end = self.end.min(Instant::now() + patience);
        self.waiting = false;
    }

    /// Waits for the timer, which is moved only when there is nothing to read: a busy stream never touches it.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(self.end.min(Instant::now() + self.idle));
        }
        std::task::ready!(self.timer.as_mut().poll(cx));
        let limit = if Instant::now() >= self.end { self.total } else { self.idle };
        let awaited =
            if limit == self.total { "the end of its answer" } else { "more of its answer" };
        Poll::Ready(Error::Timeout { origin: self.origin.clone(), awaited, limit })
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = &mut *self;
        if body.over {
            return Poll::Ready(None);
        }
        let item = match body.pieces.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                body.waiting = false;
                return Poll::Ready(Some(Ok(piece)));
            }
            Poll::Ready(Some(Err(source))) => {
                let origin = body.origin.clone();
                Some(Err(Error::Cut { origin, source: source.without_url() }))
            }
            Poll::Ready(None) => None,
            Poll::Pending => Some(Err(std::task::ready!(body.poll_timer(cx)))),
        };
        body.over = true;
        Poll::Ready(item)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("origin", &self.origin).finish_non_exhaustive()
    }
}
