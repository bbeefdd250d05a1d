//! What can go wrong on the way, for both formats where the way is the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Coded;
use futures::StreamExt;
use llm::{Api, Error, Models, StreamEvent};

use crate::server::{KEY, STREAM, Seen, Server, Step, answer, ask, error, events, hello, read};

const WORDS: &str = r#"{"choices":[{"delta":{"content":"half"}}]}"#;

fn variant(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '{', '(']).next().unwrap().to_owned()
}

async fn refused(status: &str, headers: &str, body: &str) -> Error {
    read(Api::OpenAi, answer(status, headers, body)).await.unwrap_err()
}

#[tokio::test]
async fn every_status_has_its_meaning_and_its_advice() {
    for (status, expected, transient, advice) in [
        ("400 Bad Request", "Invalid", false, "status 400"),
        ("401 Unauthorized", "Authentication", false, "models.providers.sim.apiKey"),
        ("402 Payment Required", "Payment", false, "credit"),
        ("403 Forbidden", "Authentication", false, "models.providers.sim.apiKey"),
        ("404 Not Found", "NotFound", false, "model \"m\""),
        ("408 Request Timeout", "Timeout", true, "took too long"),
        ("422 Unprocessable Entity", "Invalid", false, "status 422"),
        ("429 Too Many Requests", "RateLimited", true, "try again later"),
        ("500 Internal Server Error", "Server", true, "status 500"),
        ("502 Bad Gateway", "Server", true, "status 502"),
        ("503 Service Unavailable", "Overloaded", true, "overloaded"),
        ("529 Overloaded", "Overloaded", true, "overloaded"),
        ("307 Temporary Redirect", "Invalid", false, "status 307"),
    ] {
        let body = r#"{"error":{"message":"so it is","type":"x","param":null,"code":null}}"#;
        let error = refused(status, "location: http://127.0.0.1:1/\r\n", body).await;
        assert_eq!(variant(&error), expected, "{status}");
        assert_eq!(error.is_transient(), transient, "{status}");
        let text = error.to_string();
        assert!(text.starts_with("sim ") && text.contains(advice), "{text}");
        assert!(expected == "Timeout" || text.contains("so it is"), "{text}");
    }
}

#[tokio::test]
async fn the_time_to_come_back_is_told_in_every_form() {
    for (headers, expected) in [
        ("retry-after: 8\r\n", Some(Duration::from_secs(8))),
        ("retry-after-ms: 250\r\nretry-after: 8\r\n", Some(Duration::from_millis(250))),
        (
            "date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:30 GMT\r\n",
            Some(Duration::from_secs(30)),
        ),
        (
            "date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:00:00 GMT\r\n",
            Some(Duration::ZERO),
        ),
        ("retry-after: 1e30\r\n", None),
        ("retry-after: 999999999\r\n", Some(Duration::from_secs(86_400))),
        ("retry-after: soon\r\n", None),
        ("retry-after: -1\r\n", None),
        ("", None),
    ] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            assert_eq!(refused(status, headers, "{}").await.retry_after(), expected, "{headers}");
        }
    }
}

#[tokio::test]
async fn a_full_window_is_recognised_whoever_says_so() {
    let vllm = r#"{"object":"error","message":"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens","type":"BadRequestError","param":null,"code":400}"#;
    let openai = r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    for body in [vllm, openai] {
        let error = refused("400 Bad Request", "", body).await;
        let Error::ContextOverflow { limit, asked, .. } = error else { panic!("{error:?}") };
        assert_eq!((limit, asked), (Some(8192), Some(9000)));
    }
    let ended = error(Api::OpenAi, events(&[WORDS, vllm])).await;
    assert!(matches!(ended, Error::ContextOverflow { .. }), "{ended:?}");
}

#[tokio::test]
async fn a_used_up_quota_is_no_reason_to_come_back() {
    let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let error = refused("429 Too Many Requests", "retry-after: 1\r\n", body).await;
    assert!(matches!(error, Error::Payment { .. }) && !error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn refusals_in_other_forms_are_read_too() {
    for (body, expected) in [
        (r#"{"error":"just words"}"#, "just words"),
        (r#"{"detail":"of fastapi"}"#, "of fastapi"),
        (r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, "field required"),
        (r#"{"message":"flat"}"#, "flat"),
        ("plain words", "plain words"),
        ("", "Bad Request"),
        ("<html><body>nginx</body></html>", "Bad Request"),
        ("[1,2]", "Bad Request"),
    ] {
        let text = refused("400 Bad Request", "", body).await.to_string();
        assert!(text.contains(expected), "{body} gives {text}");
        assert!(!text.contains("nginx"), "{text}");
    }
}

#[tokio::test]
async fn an_error_is_one_safe_line_without_our_keys() {
    let words = format!("no {KEY} and no header-secret-42\\r\\n\\u001b[31m {}", "x".repeat(5_000));
    let body = format!(r#"{{"error":{{"message":"{words}"}}}}"#);
    let chunk = format!(r#"{{"error":{{"message":"{words}","code":401}}}}"#);
    let errors = [
        refused("401 Unauthorized", "", &body).await,
        error(Api::OpenAi, events(&[&chunk])).await,
        error(Api::Anthropic, events(&[&chunk])).await,
    ];
    for error in errors {
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(shown.contains("no *** and no ***") && shown.len() < 600, "{shown}");
            assert!(!shown.contains(KEY) && !shown.contains("header-secret"), "{shown}");
            assert!(!shown.contains(['\r', '\n', '\u{1b}']), "{shown}");
        }
    }
}

#[tokio::test]
async fn errors_inside_a_stream_keep_their_meaning() {
    for (data, expected) in [
        (
            r#"{"error":{"message":"slow down","type":"rate_limit_error","code":null}}"#,
            "RateLimited",
        ),
        (
            r#"{"error":{"message":"busy","type":"ServiceUnavailableError","code":503}}"#,
            "Overloaded",
        ),
        (r#"{"error":{"message":"boom","type":"server_error","code":"x"}}"#, "Server"),
        (r#"{"error":"boom"}"#, "Server"),
        (r#"{"object":"error","message":"no","code":400}"#, "Invalid"),
        ("not json", "Malformed"),
        (r#"{"choices":7}"#, "Malformed"),
        (r#"{"choices":[{"delta":{"content":"#, "Malformed"),
    ] {
        assert_eq!(variant(&error(Api::OpenAi, events(&[WORDS, data])).await), expected, "{data}");
    }
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_said_to_be_none() {
    let page = answer("200 OK", "content-type: text/html\r\n", "<html>log in</html>");
    let whole = answer("200 OK", "content-type: application/json\r\n", r#"{"choices":[]}"#);
    let binary = [STREAM.as_bytes(), b"data: \xff\xfe\n\n"].concat();
    for bytes in [page, whole, binary] {
        for api in [Api::OpenAi, Api::Anthropic] {
            let error = error(api, bytes.clone()).await;
            assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        }
    }
    let body = r#"{"error":{"message":"no credit","type":"billing_error"}}"#;
    let complaint = answer("200 OK", "content-type: application/json\r\n", body);
    assert!(matches!(error(Api::OpenAi, complaint).await, Error::Payment { .. }));
    let silent = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: {WORDS}\n\n");
    assert!(matches!(error(Api::OpenAi, silent.into_bytes()).await, Error::Cut { .. }));
}

#[tokio::test]
async fn a_broken_connection_is_a_cut_answer() {
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = format!("data: {WORDS}\n\n");
    let begun = format!("{chunked}{:x}\r\n{event}\r\n", event.len()).into_bytes();
    let cut = error(Api::OpenAi, begun.clone()).await;
    assert!(matches!(cut, Error::Cut { source: Some(_), .. }), "{cut:?}");

    let server = Server::start(vec![Step::Write(begun), Step::Reset]).await;
    let mut said = ask(server.settings(Api::OpenAi), hello()).await.unwrap();
    let reset = said.pop().unwrap().unwrap_err();
    assert!(matches!(reset, Error::Cut { .. }), "{reset:?}");
}

#[tokio::test]
async fn a_broken_connection_after_the_last_word_costs_nothing() {
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let bytes = format!("{chunked}{:x}\r\n{event}\r\n", event.len()).into_bytes();
    let said = read(Api::OpenAi, bytes).await.unwrap();
    assert!(matches!(said.as_slice(), [Ok(StreamEvent::Done { .. })]), "{said:?}");
}

#[tokio::test]
async fn nobody_there_is_a_transport_error() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Server::start(Vec::new()).await.settings(Api::OpenAi);
    settings.base_url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let error = ask(settings, hello()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }) && error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("models.providers.sim.baseUrl"), "{error}");
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_is_a_transport_error() {
    let server = Server::start(Vec::new()).await;
    let error = ask(server.settings(Api::OpenAi), hello()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}

#[tokio::test]
async fn silence_ends_in_time_and_frees_the_connection() {
    let begun = events(&[WORDS]);
    for steps in [vec![Step::AwaitClose], vec![Step::Write(begun), Step::AwaitClose]] {
        let mut server = Server::start(steps).await;
        let mut settings = server.settings(Api::OpenAi);
        settings.timeouts.first_byte = Duration::from_millis(150);
        settings.timeouts.idle = Duration::from_millis(150);
        let started = Instant::now();
        let ended = match ask(settings, hello()).await {
            Err(error) => error,
            Ok(mut said) => said.pop().unwrap().unwrap_err(),
        };
        assert!(matches!(ended, Error::Timeout { .. }) && ended.is_transient(), "{ended:?}");
        assert_eq!(ended.code(), "model-timeout");
        assert!(started.elapsed() < Duration::from_secs(10));
        server.request().await;
        assert_eq!(server.seen().await, Seen::Closed);
    }
}

#[tokio::test]
async fn dropping_an_answer_frees_the_provider_at_once() {
    let mut server = Server::start(vec![Step::Write(events(&[WORDS])), Step::AwaitClose]).await;
    let egress = egress::Egress::new(egress::Options::default()).unwrap();
    let models = Models::new(vec![server.settings(Api::OpenAi)], &egress).unwrap();
    let route = models.resolve("sim/m").unwrap();
    let mut answer = route.hops()[0]
        .provider
        .stream(hello(), Arc::new(domain::worker::Unwatched))
        .await
        .unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), StreamEvent::Text("half".to_owned()));
    server.request().await;
    drop(answer);
    assert_eq!(server.seen().await, Seen::Closed);
}

#[tokio::test]
async fn dropping_a_question_frees_the_provider_at_once() {
    let mut server = Server::start(vec![Step::AwaitClose]).await;
    let settings = server.settings(Api::OpenAi);
    let question = tokio::spawn(ask(settings, hello()));
    server.request().await;
    question.abort();
    assert_eq!(server.seen().await, Seen::Closed);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let egress = egress::Egress::new(egress::Options::default()).unwrap();
    let server = Server::start(Vec::new()).await;
    let refused = |change: &dyn Fn(&mut llm::ProviderSettings)| {
        let mut settings = server.settings(Api::Anthropic);
        change(&mut settings);
        Models::new(vec![settings], &egress).unwrap_err()
    };
    let errors = [
        refused(&|settings| settings.base_url = "ftp://host/".into()),
        refused(&|settings| settings.base_url = "host".into()),
        refused(&|settings| settings.key = Some(domain::Secret::new("sk-bad\nkey"))),
        refused(&|settings| settings.headers.push(("x y".into(), domain::Secret::new("v")))),
    ];
    for error in errors {
        assert!(matches!(error, Error::Settings { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("sk-bad"), "{error:?}");
    }
}
