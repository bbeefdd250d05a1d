//! What becomes of a request: what is sent, what is read of the answer, and when waiting ends.

use std::time::Duration;

use domain::Secret;
use egress::{Egress, Endpoint, Error, Options, Request, Timeouts};
use futures::StreamExt;

use crate::server::{Server, client, get, patient};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_request_says_who_we_are_and_nothing_that_was_not_asked() {
    let mut server = Server::start(OK, true).await;
    let endpoint = server.endpoint().with_bearer(&Secret::new("t0ken")).unwrap();
    let request = Request::post_json(&endpoint, "v1/x", "{}").timeouts(patient());
    let answer = client().send(request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.collect(5).await.unwrap(), "hello");
    let head = server.head().await;
    assert!(head.starts_with("post /v1/x http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer t0ken\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert!(
        head.contains(concat!("user-agent: openclaw/", env!("CARGO_PKG_VERSION"), "\r\n")),
        "{head}"
    );
    assert!(!head.contains("cookie") && !head.contains("referer"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_is_asked_again() {
    let mut elsewhere = Server::start(OK, false).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let target = &elsewhere.address;
        let text =
            format!("HTTP/1.1 {status}\r\nlocation: {target}/x\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(text, false).await;
        let endpoint = server.endpoint().with_bearer(&Secret::new("t0ken")).unwrap();
        let answer = get(&endpoint).await.unwrap();
        assert!(answer.status.is_redirection(), "{status}");
        assert!(!elsewhere.was_asked(), "{status}");
    }
}

#[tokio::test]
async fn no_cookie_comes_back() {
    let text = "HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\ncontent-length: 0\r\n\r\n";
    let mut server = Server::start(text, false).await;
    let client = client();
    for _ in 0..2 {
        client.send(Request::get(&server.endpoint(), "x").timeouts(patient())).await.unwrap();
        assert!(!server.head().await.contains("cookie"));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::start(OK, true).await;
    let body = get(&server.endpoint()).await.unwrap().body;
    let error = body.collect(4).await.unwrap_err();
    assert!(matches!(error, Error::TooLong { limit: 4, .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("the answer of {} is longer than the 4 bytes that are read of it", server.address)
    );
}

#[tokio::test]
async fn ten_megabytes_out_of_ten_kilobytes_are_counted_as_ten_megabytes() {
    let zeros = include_bytes!("../data/zeros.gz");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        zeros.len()
    );
    let server = Server::start([head.as_bytes(), zeros].concat(), true).await;
    let body = get(&server.endpoint()).await.unwrap().body;
    assert!(matches!(body.collect(100_000).await, Err(Error::TooLong { .. })));
    let body = get(&server.endpoint()).await.unwrap().body;
    assert_eq!(body.collect(10_000_000).await.unwrap().len(), 10_000_000);
}

#[tokio::test]
async fn the_beginning_of_a_body_never_fails() {
    let endless = Server::start("HTTP/1.1 200 OK\r\n\r\nhello and more", true).await;
    let body = get(&endless.endpoint()).await.unwrap().body;
    assert_eq!(body.beginning(5, Duration::from_secs(20)).await, "hello");
    let body = get(&endless.endpoint()).await.unwrap().body;
    assert_eq!(body.beginning(100, Duration::from_millis(150)).await, "hello and more");
    let cut = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhello", false).await;
    let body = get(&cut.endpoint()).await.unwrap().body;
    assert_eq!(body.beginning(100, Duration::from_secs(20)).await, "hello");
}

#[tokio::test]
async fn every_wait_has_an_end() {
    let short = Duration::from_millis(150);
    let silent = Server::start("", true).await;
    let begun = Server::start("HTTP/1.1 200 OK\r\n\r\nhello", true).await;

    let waits = Timeouts { first_byte: short, ..patient() };
    let error =
        client().send(Request::get(&silent.endpoint(), "x").timeouts(waits)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { awaited: "its answer", .. }), "{error:?}");

    for (waits, expected) in [
        (Timeouts { idle: short, ..patient() }, "more of its answer"),
        (Timeouts { total: short, ..patient() }, "the end of its answer"),
    ] {
        let request = Request::get(&begun.endpoint(), "x").timeouts(waits);
        let mut body = client().send(request).await.unwrap().body;
        assert_eq!(body.next().await.unwrap().unwrap(), "hello");
        let error = body.next().await.unwrap().unwrap_err();
        assert!(
            matches!(&error, Error::Timeout { awaited, .. } if *awaited == expected),
            "{error:?}"
        );
        assert!(body.next().await.is_none());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhello", false).await;
    let error = get(&server.endpoint()).await.unwrap().body.collect(100).await.unwrap_err();
    assert!(matches!(error, Error::Cut { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_shows_the_origin_and_no_path() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::configured(&format!("{origin}/secret-path")).unwrap();
    let error = get(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        shown += &inner.to_string();
        cause = inner.source();
    }
    assert!(shown.contains(&origin) && !shown.contains("secret-path"), "{shown}");
}

#[tokio::test]
async fn a_proxy_is_used_for_everything_but_loopback() {
    let mut proxy = Server::start(OK, false).await;
    let options = Options { proxy: Some(proxy.address.clone()), ..Options::default() };
    let client = Egress::new(options).unwrap();
    let far = Endpoint::configured("http://far.invalid/v1").unwrap();
    client.send(Request::get(&far, "x").timeouts(patient())).await.unwrap();
    assert!(proxy.head().await.starts_with("get http://far.invalid/v1/x "));

    let near = Server::start(OK, false).await;
    client.send(Request::get(&near.endpoint(), "x").timeouts(patient())).await.unwrap();
    assert!(!proxy.was_asked());
    assert!(matches!(
        Egress::new(Options { proxy: Some("::".into()), ..Options::default() }),
        Err(Error::Client { .. })
    ));
}
