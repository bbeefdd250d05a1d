//! The listener against connections that are too many, too slow or too large.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A gateway with one route on a free port of 127.0.0.1.
fn open(limits: &Limits) -> (SocketAddr, Tasks) {
    let router = Router::new().route("/", get(|| async { "hello" }));
    let tasks = Tasks::default();
    let listener = Listener::bind(Bind::Address(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
    let address = listener.addresses()[0];
    listener.serve(&router, limits, &tasks);
    (address, tasks)
}

/// Everything that the server says until it closes.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(header_lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header_lines}\r\n").into_bytes()
}

#[tokio::test]
async fn plain_requests_are_served_on_both_loopbacks() {
    let listener = Listener::bind(Bind::Loopback, 0).unwrap();
    let addresses = listener.addresses();
    assert!(addresses.iter().all(|address| address.port() == addresses[0].port()));
    let tasks = Tasks::default();
    let router = Router::new().route("/", get(|| async { "hello" }));
    listener.serve(&router, &Limits::default(), &tasks);
    for address in addresses {
        assert!(exchange(address, &request("")).await.ends_with("hello"), "{address}");
    }
    tasks.stop();
    tasks.finish(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn heads_that_are_too_large_or_ambiguous_are_refused() {
    let (address, _tasks) = open(&Limits::default());
    let many: String = (0..10_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    let large = format!("x: {}\r\n", "a".repeat(200 * 1024));
    for (header_lines, expected) in [
        (many.as_str(), "HTTP/1.1 431"),
        (large.as_str(), "HTTP/1.1 431"),
        ("content-length: 1\r\ncontent-length: 2\r\n", "HTTP/1.1 400"),
        ("transfer-encoding: xchunked\r\n", "HTTP/1.1 400"),
        ("x : 1\r\n", "HTTP/1.1 400"),
        ("x\u{0}: 1\r\n", "HTTP/1.1 400"),
    ] {
        let answer = exchange(address, &request(header_lines)).await;
        assert!(answer.starts_with(expected), "{header_lines:.40} {answer:.60}");
    }
}

#[tokio::test]
async fn a_smuggled_request_is_never_parsed() {
    let (address, _tasks) = open(&Limits::default());
    let both = "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, both.as_bytes()).await;
    assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
}

#[tokio::test]
async fn silence_and_trickle_are_cut() {
    let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
    let (address, _tasks) = open(&limits);
    assert_eq!(exchange(address, b"GET / HTTP/1.1\r\nhost:").await, "");
    assert_eq!(exchange(address, b"").await, "");
    let kept = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert!(exchange(address, kept.as_bytes()).await.ends_with("hello"), "kept, then cut");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_told_and_closed() {
    let limits = Limits { connections_per_loopback: 2, ..Limits::default() };
    let (address, _tasks) = open(&limits);
    let mut seated = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        seated.push(stream);
    }
    assert!(exchange(address, b"").await.starts_with("HTTP/1.1 503"));
    drop(seated);
    while !exchange(address, &request("")).await.ends_with("hello") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_lets_the_request_in_hand_finish() {
    let (begun, mut is_begun) = tokio::sync::mpsc::channel::<()>(1);
    let (finish, finished) = tokio::sync::watch::channel(false);
    let router = Router::new().route(
        "/",
        get(move || async move {
            begun.send(()).await.unwrap();
            finished.clone().wait_for(|finished| *finished).await.unwrap();
            "done"
        }),
    );
    let tasks = Tasks::default();
    let listener = Listener::bind(Bind::Address(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
    let address = listener.addresses()[0];
    listener.serve(&router, &Limits::default(), &tasks);
    let answer = tokio::spawn(async move { exchange(address, &request("")).await });
    is_begun.recv().await.unwrap();
    tasks.stop();
    finish.send(true).unwrap();
    tasks.finish(Duration::from_secs(10)).await;
    assert!(answer.await.unwrap().ends_with("done"));
    assert!(TcpStream::connect(address).await.is_err());
}
