//! Plays a reel as the body of an HTTP response.
//!
//! Owns the clock of the steps and the knowledge whether the client stayed to the end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use crate::journal::{Outcome, Ticket};
use crate::line::Scissors;
use crate::reel::{Reel, Step};

/// A response body.
pub struct Playback {
    reel: Reel,
    next: usize,
    pause: Option<Pin<Box<Sleep>>>,
    scissors: Scissors,
    ticket: Ticket,
}

// === impl Playback ===

impl Playback {
    /// Begins to play. The ticket tells the journal how it ended.
    pub fn new(reel: Reel, scissors: Scissors, mut ticket: Ticket) -> Self {
        if reel.is_over_at(0) {
            ticket.end(Outcome::Finished);
        }
        Self { reel, next: 0, pause: None, scissors, ticket }
    }

    /// Sends bytes; with the last of them the answer is finished.
    fn send(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.next += 1;
        if self.reel.is_over_at(self.next) {
            self.ticket.end(Outcome::Finished);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for Playback {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.reel.step(self.next).cloned() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) => return self.send(bytes),
                Some(Step::Flush) => {
                    // To be pending once makes the server write out what it holds.
                    self.next += 1;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Wait(span)) => {
                    self.next += 1;
                    self.pause = Some(Box::pin(tokio::time::sleep_until(Instant::now() + span)));
                }
                // Nobody wakes this up: the server drops it when the client leaves.
                Some(Step::Hang) => return Poll::Pending,
                Some(Step::Break { bytes, reset }) => {
                    self.scissors.cut(reset);
                    self.ticket.end(Outcome::Broken);
                    return self.send(bytes);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.reel.step(self.next).is_none()
    }
}
