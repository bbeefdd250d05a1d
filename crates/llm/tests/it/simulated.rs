//! The providers against the simulator, which shares no code with them and knows every trick of real servers.

use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use futures::StreamExt;
use llm::{Api, Error, ProviderSettings, Request, StopReason, StreamEvent, Timeouts, Tool};
use serde_json::json;
use simulator::{Options, Simulator};

use crate::server::{KEY, ask};

const BOTH: [Api; 2] = [Api::OpenAi, Api::Anthropic];

/// What came of one request.
struct Outcome {
    text: String,
    thoughts: String,
    calls: Vec<llm::ToolCall>,
    end: Result<StopReason, Error>,
}

async fn simulator() -> Simulator {
    let key = Some(Secret::new(KEY));
    Simulator::start(Options { api_key: key, ..Options::default() }).await.unwrap()
}

fn settings(simulator: &Simulator, api: Api, wait: Duration) -> ProviderSettings {
    ProviderSettings {
        id: "sim".to_owned(),
        base_url: format!("http://{}", simulator.address()),
        api,
        key: Some(Secret::new(KEY)),
        headers: Vec::new(),
        timeouts: Timeouts { first_byte: wait, idle: wait, total: wait * 4 },
        limits: llm::Limits::default(),
        models: Vec::new(),
    }
}

/// Asks for this model and checks what holds for every answer: it has one end, and nothing behind it.
async fn asked(simulator: &Simulator, api: Api, model: &str, wait: Duration) -> Outcome {
    let settings = settings(simulator, api, wait);
    let request = Request {
        model: model.to_owned(),
        system: vec!["Be kind.".to_owned()],
        turns: vec![llm::Turn::User("привет 🦀".to_owned())],
        tools: vec![Tool {
            name: "weather".to_owned(),
            description: "Tells the weather.".to_owned(),
            schema: json!({
                "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
            }),
        }],
        max_tokens: Some(100_000),
        temperature: None,
    };
    let said = match ask(settings, request).await {
        Ok(said) => said,
        Err(error) => vec![Err(error)],
    };
    let mut outcome = Outcome {
        text: String::new(),
        thoughts: String::new(),
        calls: Vec::new(),
        end: Ok(StopReason::End),
    };
    let mut ends = 0;
    for event in said {
        assert_eq!(ends, 0, "{model} goes on after its end");
        match event {
            Ok(StreamEvent::Text(text)) => outcome.text += &text,
            Ok(StreamEvent::Thinking(text)) => outcome.thoughts += &text,
            Ok(StreamEvent::ToolCall(call)) => outcome.calls.push(call),
            Ok(StreamEvent::Done { stop, .. }) => {
                ends += 1;
                outcome.end = Ok(stop);
            }
            Err(error) => {
                ends += 1;
                outcome.end = Err(error);
            }
        }
    }
    assert_eq!(ends, 1, "{model} does not end");
    outcome
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn words_arrive_whole_whatever_the_bytes_look_like() {
    let simulator = simulator().await;
    for api in BOTH {
        for model in [
            "echo",
            "echo+chunk=1",
            "echo+chunk=3",
            "echo+chunk=all",
            "echo+crlf+chunk=1",
            "echo+comments",
            "echo+nospace",
            "echo+multiline",
            "echo+bom",
            "echo+unknown",
            "echo+no-done",
            "echo+drip+pace=1us",
            "echo+pace=1ms",
            "echo+choices=2",
            "echo+usage=each",
            "echo+usage=none",
            "echo+content-type=none",
            "echo+content-type=text",
        ] {
            let outcome = asked(&simulator, api, model, PATIENT).await;
            assert_eq!(outcome.text, "You said: привет 🦀", "{model} {api:?}");
            assert_eq!(outcome.end.unwrap(), StopReason::End, "{model} {api:?}");
        }
        let long = asked(&simulator, api, "echo+huge-line=300000", PATIENT).await;
        assert!(
            long.text.len() >= 300_000 && long.end.is_ok(),
            "{api:?} {} {:?}",
            long.text.len(),
            long.end
        );
    }
}

#[tokio::test]
async fn a_connection_outlives_the_answer_that_it_brought() {
    for api in BOTH {
        for model in ["echo", "story+words=12", "echo+pace=1ms", "echo+drip+pace=1us"] {
            let simulator = simulator().await;
            let settings = settings(&simulator, api, PATIENT);
            let egress = egress::Egress::new(egress::Options::default()).unwrap();
            let route = llm::Models::new(vec![settings], &egress).unwrap();
            let route = route.resolve(&format!("sim/{model}")).unwrap();
            for _ in 0..5 {
                let hop = &route.hops()[0];
                let request = Request { model: hop.model.clone(), ..crate::server::hello() };
                let mut said = hop
                    .provider
                    .stream(request, Arc::new(domain::worker::Unwatched))
                    .await
                    .unwrap();
                // Whoever hears the end leaves; nobody waits to hear that nothing comes after it.
                while !matches!(said.next().await, Some(Ok(StreamEvent::Done { .. }))) {}
            }
            let counts = simulator.journal().counts();
            assert_eq!(counts.open_connections, counts.connections, "{model} {api:?}");
        }
    }
}

#[tokio::test]
async fn calls_and_thoughts_arrive_whole() {
    let simulator = simulator().await;
    for api in BOTH {
        let outcome = asked(&simulator, api, "echo+tools=2+chunk=5", PATIENT).await;
        assert_eq!(outcome.end.unwrap(), StopReason::ToolUse);
        assert!(!outcome.calls.is_empty());
        for call in outcome.calls {
            let arguments: serde_json::Value = serde_json::from_str(&call.arguments).unwrap();
            assert!(call.name == "weather" && arguments["city"].is_string(), "{call:?}");
        }
    }
    for field in ["reasoning", "reasoning_content"] {
        let model = format!("echo+think=6+think-as={field}");
        let outcome = asked(&simulator, Api::OpenAi, &model, PATIENT).await;
        assert!(!outcome.thoughts.is_empty() && outcome.text == "You said: привет 🦀", "{model}");
    }
}

#[tokio::test]
async fn odd_parts_of_calls_make_the_calls_that_were_meant() {
    let simulator = simulator().await;
    let plain = asked(&simulator, Api::OpenAi, "echo+tools=2", PATIENT).await.calls;
    for model in [
        "echo+tools=2+name=repeat",
        "echo+tools=2+id=none",
        "echo+tools=2+id=null",
        "echo+tools=2+id=empty",
        "echo+tools=2+id=same",
        "echo+tools=2+id=repeat",
        "echo+tools=2+index-zero",
        "echo+tools=2+finish=stop",
        "echo+tools=2+args=late",
        "echo+tools=2+name=late",
    ] {
        let outcome = asked(&simulator, Api::OpenAi, model, PATIENT).await;
        assert_eq!(
            outcome.end.as_ref().ok(),
            Some(&StopReason::ToolUse),
            "{model} {:?}",
            outcome.end
        );
        let mut ids: Vec<_> = outcome.calls.iter().map(|call| call.id.clone()).collect();
        let meant = |calls: &[llm::ToolCall]| -> Vec<_> {
            calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect()
        };
        assert_eq!(meant(&outcome.calls), meant(&plain), "{model}");
        ids.sort();
        ids.dedup();
        assert!(
            ids.len() == plain.len() && !ids.contains(&String::new()),
            "{model} has ids {ids:?}"
        );
    }
}

#[tokio::test]
async fn every_failure_has_its_name() {
    let simulator = simulator().await;
    let short = Duration::from_millis(400);
    for (model, wait, code, transient) in [
        ("status=401", PATIENT, "model-authentication", false),
        ("status=402", PATIENT, "model-payment", false),
        ("status=404", PATIENT, "model-not-found", false),
        ("no-such-word", PATIENT, "model-not-found", false),
        ("status=422", PATIENT, "model-request-refused", false),
        ("status=429+retry-after=1", PATIENT, "model-rate-limited", true),
        ("status=502+error-body=html", PATIENT, "model-server-error", true),
        ("status=503+error-body=empty", PATIENT, "model-overloaded", true),
        ("status=529", PATIENT, "model-overloaded", true),
        ("overflow=openai", PATIENT, "model-context-overflow", false),
        ("overflow=vllm", PATIENT, "model-context-overflow", false),
        ("overflow=sglang", PATIENT, "model-context-overflow", false),
        ("overflow=anthropic", PATIENT, "model-context-overflow", false),
        ("hang", short, "model-timeout", true),
        ("story+hang-after=2", short, "model-timeout", true),
        ("drop", PATIENT, "model-unreachable", true),
        ("empty-body", PATIENT, "model-answer-cut", true),
        ("redirect", PATIENT, "model-request-refused", false),
        ("echo+content-type=html", PATIENT, "model-answer-malformed", true),
        ("story+cut-after=2", PATIENT, "model-answer-cut", true),
        ("story+reset-after=2", PATIENT, "model-answer-cut", true),
        ("story+eof-after=2", PATIENT, "model-answer-cut", true),
        ("story+torn-after=2", PATIENT, "model-answer-cut", true),
        ("story+bad-json-after=2", PATIENT, "model-answer-malformed", true),
        ("story+bad-utf8-after=2", PATIENT, "model-answer-malformed", true),
    ] {
        for api in BOTH {
            let error = asked(&simulator, api, model, wait).await.end.unwrap_err();
            assert_eq!(domain::Coded::code(&error), code, "{model} {api:?}: {error}");
            assert_eq!(error.is_transient(), transient, "{model} {api:?}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        }
    }
}

#[tokio::test]
async fn everything_that_the_simulator_can_do_comes_to_an_end() {
    let simulator = simulator().await;
    let examples = simulator::catalogue().iter().flat_map(|section| section.items);
    let wait = Duration::from_millis(500);
    let asked =
        examples.flat_map(|item| BOTH.map(|api| asked(&simulator, api, item.example, wait)));
    futures::future::join_all(asked).await;
    simulator.journal().wait_for(|journal| journal.counts().running == 0).await;
}
