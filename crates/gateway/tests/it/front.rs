//! What any stranger sees: routes, refusals, headers.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use gateway::{Limits, Settings};
use serde_json::json;

use crate::house::{OPERATOR, in_house, quick, settings};

const ROUTES: [&str; 9] = [
    "/",
    "/ws",
    "/health",
    "/healthz",
    "/ready",
    "/readyz",
    "/metrics",
    "/v1/models",
    "/v1/chat/completions",
];

#[test]
fn wrong_hosts_and_foreign_origins_meet_the_same_wall_on_every_route() {
    in_house(quick(), async |house| {
        for path in ROUTES.into_iter().chain(["/nothing", "/assets/x.js"]) {
            for (host, line, expected) in [
                ("evil.test", "", 421),
                ("localhost", "", 421),
                ("{host}", "origin: https://evil.test\r\n", 403),
                ("{host}", "origin: null\r\n", 403),
                ("{host}", "origin: https://{host}\r\n", 403),
            ] {
                let request = format!(
                    "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{line}\r\n"
                );
                let answer = house.raw(&request).await;
                assert_eq!(answer.status, expected, "{path} {host} {line}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
                assert!(!answer.head.to_lowercase().contains("access-control"), "{path}");
            }
        }
    });
}

#[test]
fn every_answer_is_secured() {
    in_house(quick(), async |house| {
        for path in ROUTES.into_iter().chain(["/nothing", "/%2e%2e/x"]) {
            let answer = house.get(path, "").await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{path}");
            }
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'self'; connect-src 'self';"), "{path}");
            assert!(answer.header("permissions-policy").is_some());
            assert!(answer.header("cache-control").is_some(), "{path}");
            assert!(answer.header("server").is_none(), "{path}");
        }
    });
}

#[test]
fn a_table_of_requests() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..quick() };
    in_house(limits, async |house| {
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        let long = "a".repeat(9_000);
        let big = "x".repeat(40_000);
        let body = |kind: &str, more: &str, body: &str| {
            format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n\
                 authorization: Bearer {OPERATOR}\r\n{kind}content-length: {}\r\n{more}\r\n{body}",
                body.len()
            )
        };
        let line = |method: &str, target: &str, more: &str| {
            format!(
                "{method} {target} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n{more}\r\n"
            )
        };
        const JSON: &str = "content-type: application/json\r\n";
        for (request, expected) in [
            (line("GET", "/nothing", ""), 404),
            (line("POST", "/nothing", ""), 404),
            (line("GET", "/.git/config", ""), 404),
            (line("DELETE", "/health", ""), 405),
            (line("OPTIONS", "/v1/models", ""), 405),
            (line("GET", "/v1/chat/completions", ""), 405),
            (line("GET", "/ws", ""), 426),
            (line("GET", "/?token=x", ""), 401),
            (line("GET", "/%2e%2e/%2e%2e/etc/passwd", ""), 400),
            (line("GET", &format!("/{long}"), ""), 414),
            (line("GET", "/health", &format!("x: {big}\r\n")), 431),
            (line("GET", "/health", "host: evil.test\r\n"), 400),
            (line("GET", "/v1/models", ""), 401),
            (line("GET", "/v1/models", "authorization: Bearer wrong\r\n"), 401),
            (line("GET", "/v1/models", "x-api-key: a\r\nx-openclaw-token: b\r\n"), 400),
            (line("GET", "/v1/models", "authorization: Basic eDp5\r\n"), 401),
            (body(JSON, "", "{"), 400),
            (body(JSON, "", "{}"), 400),
            (body(JSON, "", "{\"model\":1,\"messages\":[]}"), 400),
            (body(JSON, "", &deep), 400),
            (body("", "", "{}"), 415),
            (body("content-type: text/plain\r\n", "", "{}"), 415),
            (body("content-type: multipart/form-data; boundary=x\r\n", "", "{}"), 415),
            (body(JSON, "content-encoding: gzip\r\n", "{}"), 415),
            (
                line(
                    "POST",
                    "/v1/chat/completions",
                    &format!(
                        "authorization: Bearer {OPERATOR}\r\n{JSON}content-length: 99999999\r\n"
                    ),
                ),
                413,
            ),
            (
                line(
                    "POST",
                    "/v1/chat/completions",
                    &format!("authorization: Bearer {OPERATOR}\r\n{JSON}content-length: 10\r\n"),
                ),
                408,
            ),
            (line("POST", "/v1/chat/completions", "content-length: 99999999\r\n"), 401),
            (line("POST", "/v1/chat/completions", "transfer-encoding: xchunked\r\n"), 400),
        ] {
            let answer = house.raw(&request).await;
            let shown: String = request.chars().take(300).collect();
            assert_eq!(answer.status, expected, "{shown}\n{}", answer.body);
        }
    });
}

#[test]
fn wrong_methods_are_told_the_right_ones() {
    in_house(quick(), async |house| {
        let request = "PUT /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n";
        let answer = house.raw(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")));
        assert_eq!(answer.json()["code"], "method-not-allowed");
    });
}

#[test]
fn problems_are_problem_json() {
    in_house(quick(), async |house| {
        let problem = house.get("/nothing", "").await.json();
        assert_eq!(
            problem,
            json!({
                "type": "/errors/path-not-found", "title": "Not Found", "status": 404,
                "detail": "there is nothing at this path", "code": "path-not-found",
            })
        );
    });
}

#[test]
fn health_is_the_stores() {
    in_house(quick(), async |house| {
        for path in ["/health", "/healthz", "/ready", "/readyz"] {
            assert_eq!(house.get(path, "").await.status, 200, "{path}");
        }
        assert_eq!(house.get("/ready", "").await.json(), json!({ "ready": true, "failing": [] }));
        house.store.close().await;
        // What was found out holds for half a second.
        let begun = std::time::Instant::now();
        while house.get("/ready", "").await.status == 200 {
            assert!(begun.elapsed().as_secs() < 60, "a closed store is noticed");
        }
        let ready = house.get("/ready", "").await;
        assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
        assert_eq!(house.get("/health", "").await.status, 503);
    });
}

#[test]
fn figures_are_for_this_machine_or_the_operator_and_well_formed() {
    in_house(quick(), async |house| {
        let tenant = house.tenant("aliya").await;
        let mut client = house.client(OPERATOR).await;
        client.request("health", json!({})).await.unwrap();
        house.get("/v1/models", "authorization: Bearer wrong\r\n").await;
        let open = house.get("/metrics", "").await;
        assert_eq!(open.status, 200);
        assert!(open.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
        assert!(open.body.contains("openclaw_gateway_sockets"));
        check_with_promtool(&open.body);
        let forwarded = "x-forwarded-for: 127.0.0.1\r\n";
        assert_eq!(house.get("/metrics", forwarded).await.status, 401);
        let with = |token: &str| format!("{forwarded}authorization: Bearer {token}\r\n");
        assert_eq!(house.get("/metrics", &with(OPERATOR)).await.status, 200);
        assert_eq!(house.get("/metrics", &with(tenant.expose())).await.status, 403);
    });
}

/// Prometheus' own check of names, units and help texts. Machines without it check the form alone.
fn check_with_promtool(text: &str) {
    assert!(
        text.lines().all(|line| {
            line.is_empty() || line.starts_with('#') || line.starts_with("openclaw_")
        })
    );
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else { return };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_page_or_how_to_build_it_is_served() {
    in_house(quick(), async |house| {
        let page = house.get("/", "").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.body.contains("OpenClaw"));
        let switched_off = Settings { page: false, ..(*settings(OPERATOR)).clone() };
        house.settings.send(Arc::new(switched_off)).unwrap();
        assert_eq!(house.get("/", "").await.status, 404);
    });
}
