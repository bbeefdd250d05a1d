//! One TCP connection that can be broken in the middle of a write.
//!
//! Owns the breaking; refuses to know HTTP. The server above only ever sees a failed write.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Nothing is wrong.
const WHOLE: u8 = 0;
/// The next write breaks off, then the connection closes.
const CLOSING: u8 = 1;
/// The next write breaks off, then the connection is reset.
const RESETTING: u8 = 2;
/// Broken.
const BROKEN: u8 = 3;

/// The connection.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    state: Scissors,
}

/// Breaks the connection from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Scissors(Arc<AtomicU8>);

// === impl Scissors ===

impl Scissors {
    /// Lets the next write send half of its bytes, and breaks the connection then.
    pub fn cut(&self, reset: bool) {
        self.0.store(if reset { RESETTING } else { CLOSING }, Ordering::Release);
    }

    fn state(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

// === impl Line ===

impl Line {
    /// Wraps a connection.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, state: Scissors::default() }
    }

    /// What breaks this connection.
    pub fn scissors(&self) -> Scissors {
        self.state.clone()
    }

    /// Sends half of the bytes and breaks.
    fn break_off(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let half = &bytes[..bytes.len().div_ceil(2)];
        let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, half))?;
        if self.state.state() == RESETTING {
            self.stream.set_zero_linger()?;
        }
        self.state.0.store(BROKEN, Ordering::Release);
        Poll::Ready(Ok(sent))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.state.state() {
            WHOLE => Pin::new(&mut self.stream).poll_write(cx, bytes),
            BROKEN => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            _ => self.break_off(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.state.state() {
            WHOLE => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
            BROKEN => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            _ => {
                let bytes: Vec<u8> =
                    slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                self.break_off(cx, &bytes)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
