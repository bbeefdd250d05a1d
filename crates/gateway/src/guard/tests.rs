//! The guard against requests that should not pass.

use http::{Request, StatusCode};

use super::*;
use crate::problem::Problem;

fn status(method: &str, target: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "localhost:18789");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let peer = "127.0.0.1:40000".parse().unwrap();
    parts.extensions.insert(Ends { peer, local: "127.0.0.1:18789".parse().unwrap() });
    let origins = vec![Origin::parse("https://chat.example.com").unwrap()];
    let perimeter = Perimeter { origins, proxies: Vec::new() };
    match inspect(&parts, &perimeter, &Limits::default()) {
        Ok(_) => StatusCode::OK,
        Err(error) => Problem::from(error).status,
    }
}

/// Method, target, headers, expected status.
type Attack<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16);

#[test]
fn a_table_of_attacks() {
    let long_target = format!("/{}", "a".repeat(8 * 1024));
    let long_header = "x".repeat(33 * 1024);
    let upgrade = ("upgrade", "websocket");
    let table: &[Attack] = &[
        ("GET", "/", &[], 200),
        ("POST", "/v1/chat/completions", &[], 200),
        ("GET", "/", &[("host", "evil.test")], 421),
        ("GET", "/metrics", &[("host", "evil.test:18789")], 421),
        ("GET", "/", &[("host", "localhost:18789"), ("host", "evil.test")], 400),
        ("GET", "http://evil.test/", &[], 421),
        ("GET", "http://localhost:18789/", &[], 200),
        ("GET", "/", &[("x-forwarded-host", "evil.test")], 200),
        ("GET", "/", &[("host", "evil.test"), ("x-forwarded-host", "localhost:18789")], 421),
        ("GET", "/", &[("origin", "null")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "https://evil.test")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "null")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "http://localhost:18790")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "https://evil-chat.example.com")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "https://chat.example.com.evil.test")], 403),
        ("GET", "/ws", &[upgrade, ("sec-fetch-mode", "websocket")], 403),
        ("GET", "/ws", &[upgrade, ("origin", "http://localhost:18789")], 200),
        ("GET", "/ws", &[upgrade, ("origin", "https://chat.example.com")], 200),
        ("GET", "/ws", &[upgrade], 200),
        ("GET", "/", &[("sec-fetch-site", "cross-site")], 200),
        ("POST", "/", &[("sec-fetch-site", "cross-site")], 403),
        ("POST", "/", &[("sec-fetch-site", "same-site")], 403),
        ("POST", "/", &[("origin", "https://evil.test"), ("content-type", "text/plain")], 403),
        ("OPTIONS", "/", &[("origin", "https://evil.test")], 403),
        ("GET", "/?token=x", &[], 401),
        ("GET", "/ws?access_token=x", &[upgrade], 401),
        ("GET", "/%2e%2e/etc/passwd", &[], 400),
        ("GET", &long_target, &[], 414),
        ("GET", "/", &[("user-agent", &long_header)], 431),
    ];
    for (method, target, headers, expected) in table {
        let shown: String = target.chars().take(60).collect();
        assert_eq!(status(method, target, headers), *expected, "{method} {shown} {headers:.80?}");
    }
}

#[test]
fn answers_carry_the_same_headers_and_none_for_other_sites() {
    let mut headers = HeaderMap::new();
    secure(&mut headers);
    assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[REFERRER_POLICY], "no-referrer");
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
}
