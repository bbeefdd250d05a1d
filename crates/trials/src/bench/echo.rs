//! The floor of everything that speaks HTTP: a server that sends back what it gets, and nothing else.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves until the process is ended; calls `ready` with its address.
///
/// # Errors
/// When it cannot listen.
pub async fn serve(ready: impl FnOnce(SocketAddr)) -> Result<Infallible> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    ready(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let echo = service_fn(|request: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        });
        // A connection that breaks is the end of it and of nothing else.
        drop(tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), echo)));
    }
}
