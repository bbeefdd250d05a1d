//! How much a stranger may send.
//!
//! Owns a count of bytes below the WebSocket; refuses to read beyond it until it is lifted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that fails with [`io::ErrorKind::QuotaExceeded`] when more is read than allowed.
#[derive(Debug)]
pub struct Allowance<S> {
    stream: S,
    allowed: Allowed,
}

/// The bytes that may still come.
#[derive(Debug, Clone)]
pub struct Allowed(Arc<AtomicUsize>);

const WITHOUT_BOUND: usize = usize::MAX;

// === impl Allowed ===

impl Allowed {
    /// This many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// From now on as many as there are.
    pub fn lift(&self) {
        self.0.store(WITHOUT_BOUND, Ordering::Relaxed);
    }
}

// === impl Allowance ===

impl<S> Allowance<S> {
    /// Bounds a stream.
    pub fn new(stream: S, allowed: Allowed) -> Self {
        Self { stream, allowed }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Allowance<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.allowed.0.load(Ordering::Relaxed);
        if left == WITHOUT_BOUND {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        let length = left.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(length));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        self.allowed.0.store(left - read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Allowance<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn reads_stop_at_the_bound_until_it_is_lifted() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let allowed = Allowed::new(10);
        let mut bounded = Allowance::new(ours, allowed.clone());
        theirs.write_all(&[1; 20]).await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(bounded.read(&mut buffer).await.unwrap(), 10);
        let refused = bounded.read(&mut buffer).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::QuotaExceeded);
        allowed.lift();
        assert_eq!(bounded.read(&mut buffer).await.unwrap(), 10);
    }
}
