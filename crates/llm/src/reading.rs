//! The loop that every streamed answer is read with: bytes to events to what the model said.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use egress::Body;
use futures::Stream;

use crate::upstream::Upstream;
use crate::{Error, StreamEvent, sse};

/// Most calls of tools in one answer.
pub(crate) const MOST_CALLS: usize = 128;

/// Most bytes of all calls of tools of one answer.
pub(crate) const LARGEST_CALLS: usize = 16 * 1024 * 1024;

/// Understands the events of one wire format.
pub(crate) trait Decode: Send + Unpin + 'static {
    /// Takes one event in and says what came of it. Returns whether the answer is complete.
    fn take(&mut self, event: sse::Event<'_>, said: &mut Said) -> Result<bool, Error>;

    /// Whether the model has said why it stopped: from then on an end of the stream is no loss.
    fn has_stopped(&self) -> bool;

    /// Says what could only be said at the end.
    fn finish(&mut self, said: &mut Said) -> Result<(), Error>;
}

/// What was said and not yet handed on, in order.
pub(crate) type Said = VecDeque<Result<StreamEvent, Error>>;

/// An answer being read.
pub(crate) struct Reading<D> {
    upstream: Arc<Upstream>,
    body: Option<Body>,
    parser: sse::Parser,
    decoder: D,
    said: Said,
    /// Pieces that may still come once the answer is complete, before the connection is given up.
    rest: Option<u8>,
}

/// How long the end of a body is waited for when the answer in it is complete. A connection whose body was
/// read to its end serves the next request; any other is closed, and the next one begins with a handshake.
const LAST_BYTES: Duration = Duration::from_millis(200);
/// How many pieces that end may take.
const LAST_PIECES: u8 = 64;

// === impl Reading ===

impl<D: Decode> Reading<D> {
    pub(crate) fn new(upstream: Arc<Upstream>, body: Body, decoder: D) -> Self {
        Self {
            upstream,
            body: Some(body),
            parser: sse::Parser::default(),
            decoder,
            said: Said::new(),
            rest: None,
        }
    }

    /// Reads until something was said or the answer is over; then the body is gone.
    fn poll_read(&mut self, body: &mut Body, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        loop {
            if let Some(rest) = &mut self.rest {
                match ready!(Pin::new(&mut *body).poll_next(cx)) {
                    Some(Ok(_)) if *rest > 0 => *rest -= 1,
                    _ => return Poll::Ready(Ok(true)),
                }
                continue;
            }
            match self.parser.next_event() {
                Some(Ok(event)) => {
                    if self.decoder.take(event, &mut self.said)? {
                        self.decoder.finish(&mut self.said)?;
                        self.rest = Some(LAST_PIECES);
                        body.hurry(LAST_BYTES);
                        continue;
                    }
                    if !self.said.is_empty() {
                        return Poll::Ready(Ok(false));
                    }
                }
                Some(Err(error)) => {
                    return Poll::Ready(Err(self.upstream.malformed(&error.to_string())));
                }
                None => {
                    let error = match ready!(Pin::new(&mut *body).poll_next(cx)) {
                        Some(Ok(piece)) => {
                            self.parser.push(piece);
                            continue;
                        }
                        Some(Err(error)) => self.upstream.broken(error),
                        None => self.upstream.cut(),
                    };
                    if !self.decoder.has_stopped() {
                        return Poll::Ready(Err(error));
                    }
                    self.decoder.finish(&mut self.said)?;
                    return Poll::Ready(Ok(true));
                }
            }
        }
    }
}

impl<D: Decode> Stream for Reading<D> {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let reading = &mut *self;
        if (reading.said.is_empty() || reading.rest.is_some())
            && let Some(mut body) = reading.body.take()
        {
            match reading.poll_read(&mut body, cx) {
                Poll::Pending => {
                    reading.body = Some(body);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(false)) => reading.body = Some(body),
                // Over: the body is dropped here, and with it the connection when it has not been read up.
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Err(error)) => reading.said.push_back(Err(error)),
            }
        }
        Poll::Ready(reading.said.pop_front())
    }
}
