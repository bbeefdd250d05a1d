//! The listening sockets and the HTTP/1.1 connections on them.
//!
//! Owns bounds on time, size and number before anything is read; refuses a connection beyond them with a
//! short 503. Routes are handed in.

pub mod connection;
pub mod seats;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::ServiceExt;

use crate::client::{AddressKey, Ends};
use crate::task::{TaskKind, Tasks};
use crate::{Error, Limits};
use connection::Connection;
use seats::{Seat, Seats};

/// Where to listen (`gateway.bind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bind {
    /// `127.0.0.1`, and `::1` where there is IPv6.
    #[default]
    Loopback,
    /// Every address of the machine.
    Lan,
    /// One address.
    Address(IpAddr),
}

/// Open listening sockets, all on one port.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
}

/// Connections that the kernel keeps for us until we take them.
const BACKLOG: u32 = 4_096;

/// What a connection beyond the bounds is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How long to wait when the process has no descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

// === impl Listener ===

impl Listener {
    /// Opens the sockets; port 0 means any free one.
    ///
    /// # Errors
    /// [`Error::Listen`] when the first address cannot be had, or the second for another reason than that
    /// the machine has no such address.
    pub fn bind(bind: Bind, port: u16) -> Result<Self, Error> {
        let (first, second) = match bind {
            Bind::Loopback => {
                (IpAddr::V4(Ipv4Addr::LOCALHOST), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)))
            }
            // An IPv6 socket usually takes IPv4 too; then the second one is not needed.
            Bind::Lan => {
                (IpAddr::V4(Ipv4Addr::UNSPECIFIED), Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
            }
            Bind::Address(address) => (address, None),
        };
        let open = |address, port| {
            let address = SocketAddr::new(address, port);
            listen(address).map_err(|source| Error::Listen { address, source })
        };
        let mut sockets = vec![open(first, port)?];
        let bound = sockets[0].local_addr().map_or(port, |address| address.port());
        match second.map(|address| open(address, bound)) {
            Some(Ok(socket)) => sockets.push(socket),
            Some(Err(Error::Listen { source, .. })) if is_optional(&source) || port == 0 => {}
            Some(Err(error)) => return Err(error),
            None => {}
        }
        Ok(Self { sockets })
    }

    /// Where it listens, with the port that it really got.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Takes connections and serves them with `router` until the tasks are stopped. Each request carries
    /// [`Ends`] in its extensions.
    pub fn serve(self, router: &Router, limits: &Limits, tasks: &Tasks) {
        let seats = Arc::new(Seats::new(limits));
        for socket in self.sockets {
            let acceptor = Acceptor {
                router: router.clone(),
                limits: limits.clone(),
                seats: Arc::clone(&seats),
                tasks: tasks.clone(),
            };
            tasks.spawn(TaskKind::Accept, acceptor.run(socket));
        }
    }
}

struct Acceptor {
    router: Router,
    limits: Limits,
    seats: Arc<Seats>,
    tasks: Tasks,
}

// === impl Acceptor ===

impl Acceptor {
    async fn run(self, socket: TcpListener) {
        loop {
            match socket.accept().await {
                Ok((stream, peer)) => self.take(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken now");
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(seat) = Seats::take(&self.seats, AddressKey::from(peer.ip())) else {
            metrics::counter!(crate::metrics::CONNECTIONS_REFUSED).increment(1);
            let _ = stream.try_write(FULL);
            return;
        };
        let (Ok(local), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else { return };
        let serve = self.serve(stream, Ends { peer, local }, seat);
        self.tasks.spawn(TaskKind::Connection, serve);
    }

    fn serve(
        &self,
        stream: TcpStream,
        ends: Ends,
        seat: Seat,
    ) -> impl Future<Output = ()> + Send + 'static {
        let router = self.router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ends);
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            // Twice the bound, so that what is too large is still understood and told so.
            .max_buf_size(2 * self.limits.headers)
            .max_headers(self.limits.header_lines)
            .serve_connection(
                TokioIo::new(Connection::new(stream, seat, self.limits.write_stall)),
                service,
            )
            .with_upgrades();
        let stopping = self.tasks.stopping();
        async move {
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise a restart has to wait for connections that died long ago.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A machine without IPv6 is served on IPv4 alone; a socket for all IPv6 addresses may already hold the
/// IPv4 ones.
fn is_optional(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(97)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests;
