//! What waits to be sent to one client.
//!
//! Owns a queue bounded in bytes; refuses a client that lets it overflow.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures::Sink;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::End;
use crate::protocol::Close;

/// Frames on their way out, oldest first.
#[derive(Debug)]
pub struct Outbox {
    waiting: VecDeque<Message>,
    bytes: usize,
    limit: usize,
    unflushed: bool,
    behind_since: Option<Instant>,
}

// === impl Outbox ===

impl Outbox {
    /// An empty queue for at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, limit, unflushed: false, behind_since: None }
    }

    /// Adds a frame. One that is larger than the whole queue may wait in it alone.
    ///
    /// # Errors
    /// The end of the connection when there is no room.
    pub fn push(&mut self, frame: Utf8Bytes) -> Result<(), End> {
        if self.bytes > 0 && self.bytes + frame.len() > self.limit {
            return Err(End::Closed(Close::Overload, "the client does not keep up"));
        }
        self.bytes += frame.len();
        self.waiting.push_back(Message::Text(frame));
        Ok(())
    }

    /// Adds a ping.
    ///
    /// # Errors
    /// Never more than [`Self::push`].
    pub fn ping(&mut self) -> Result<(), End> {
        self.waiting.push_back(Message::Ping(Bytes::new()));
        Ok(())
    }

    /// Whether something waits or is not yet with the kernel.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.unflushed || !self.waiting.is_empty()
    }

    /// Whether the client may ask for more: less than a quarter is in use.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes <= self.limit / 4
    }

    /// Since when there has always been something that the client did not take.
    #[must_use]
    pub fn behind_since(&self) -> Option<Instant> {
        self.behind_since
    }

    /// Hands everything to the kernel. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the wire says.
    pub async fn flush<S>(&mut self, sink: &mut S) -> Result<(), S::Error>
    where
        S: Sink<Message> + Unpin,
    {
        poll_fn(|context| {
            let mut sink = Pin::new(&mut *sink);
            while !self.waiting.is_empty() {
                if sink.as_mut().poll_ready(context)?.is_pending() {
                    return self.behind();
                }
                if let Some(message) = self.waiting.pop_front() {
                    if let Message::Text(text) = &message {
                        self.bytes -= text.len();
                    }
                    sink.as_mut().start_send(message)?;
                    self.unflushed = true;
                }
            }
            if sink.poll_flush(context)?.is_pending() {
                return self.behind();
            }
            self.unflushed = false;
            self.behind_since = None;
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn behind<T>(&mut self) -> Poll<T> {
        self.behind_since.get_or_insert_with(Instant::now);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use futures::channel::mpsc;
    use futures::{SinkExt, StreamExt};

    use super::*;

    fn frame(length: usize) -> Utf8Bytes {
        Utf8Bytes::from("x".repeat(length))
    }

    #[test]
    fn it_overflows_at_its_bound_but_one_large_frame_may_wait_alone() {
        let mut outbox = Outbox::new(100);
        assert!(outbox.push(frame(1_000)).is_ok());
        assert_eq!(
            outbox.push(frame(1)),
            Err(End::Closed(Close::Overload, "the client does not keep up"))
        );
        let mut outbox = Outbox::new(100);
        assert!(outbox.push(frame(60)).is_ok() && !outbox.has_room());
        assert!(outbox.push(frame(40)).is_ok());
        assert!(outbox.push(frame(1)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_knows_since_when_the_client_is_behind() {
        let (sink, mut reader) = mpsc::channel::<Message>(0);
        let mut sink = sink.sink_map_err(|_| ());
        let mut outbox = Outbox::new(100);
        for _ in 0..3 {
            outbox.push(frame(30)).unwrap();
        }
        assert!(outbox.flush(&mut sink).now_or_never().is_none());
        let since = outbox.behind_since().unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        // Reading a little does not make up for it; reading everything does.
        reader.next().await.unwrap();
        assert!(outbox.flush(&mut sink).now_or_never().is_none());
        assert_eq!(outbox.behind_since(), Some(since));
        let (flushed, ()) = tokio::join!(outbox.flush(&mut sink), async {
            reader.next().await.unwrap();
            reader.next().await.unwrap();
        });
        flushed.unwrap();
        assert_eq!((outbox.behind_since(), outbox.is_busy()), (None, false));
        assert!(outbox.has_room());
    }
}
