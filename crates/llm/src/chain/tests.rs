//! What a chain does, with providers that do as they are told and a clock that jumps.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::Coded;
use domain::event::Usage;
use domain::worker::Unwatched;
use futures::StreamExt;
use tokio::time::sleep;

use super::*;
use crate::{EventStream, Limits, ModelEvent, Models, StopReason, StreamEvent, Turn, Unobserved};

/// What a provider does with one request.
#[derive(Debug, Clone, Copy)]
enum Does {
    Answer,
    /// Says a word and breaks off.
    BreakOff,
    /// Is silent.
    Hang,
    Fail(fn() -> Error),
}

/// A provider that does one thing after another, the last again and again.
struct Scripted {
    id: &'static str,
    does: Mutex<Vec<Does>>,
    calls: Mutex<Vec<Instant>>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<ModelEvent>>);

impl Observer for Heard {
    fn heard(&self, event: ModelEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Scripted {
    fn new(id: &'static str, does: &[Does]) -> Arc<Self> {
        let calls = Mutex::new(Vec::new());
        Arc::new(Self { id, does: Mutex::new(does.iter().rev().copied().collect()), calls })
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn id(&self) -> &str {
        self.id
    }

    async fn stream(&self, request: Request, _: Arc<dyn Pulse>) -> Result<EventStream, Error> {
        self.calls.lock().unwrap().push(Instant::now());
        let does = {
            let mut does = self.does.lock().unwrap();
            if does.len() > 1 { does.pop() } else { does.first().copied() }.unwrap()
        };
        let text = Ok(StreamEvent::Text("word".to_owned()));
        let events = match does {
            Does::Fail(error) => return Err(error()),
            Does::Hang => std::future::pending().await,
            Does::BreakOff => {
                vec![text, Err(Error::Cut { provider: self.id.to_owned(), source: None })]
            }
            Does::Answer => {
                let usage = Usage { input: 30, cached: 0, output: 12 };
                vec![
                    text,
                    Ok(StreamEvent::Done { stop: StopReason::End, usage, model: request.model }),
                ]
            }
        };
        Ok(Box::pin(futures::stream::iter(events)))
    }
}

fn models(providers: &[&Arc<Scripted>]) -> Models {
    let providers = providers.iter().map(|provider| Arc::clone(provider) as Arc<dyn Provider>);
    Models::default().with(providers.collect()).unwrap()
}

fn route(models: &Models, names: &[&str]) -> Route {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let (primary, fallbacks) = names.split_first().unwrap();
    models
        .chain(&crate::Chain {
            primary: primary.clone(),
            fallbacks: fallbacks.to_vec(),
            retries: Retries::default(),
        })
        .unwrap()
}

fn ask() -> Ask {
    Ask {
        request: Request { turns: vec![Turn::User("hello".to_owned())], ..Request::default() },
        tenant: "main".parse().unwrap(),
        weight: 1,
        deadline: Instant::now() + Duration::from_secs(120),
        requires: BTreeSet::new(),
        pulse: Arc::new(Unwatched),
        seed: 7,
    }
}

async fn open(route: &Route) -> Result<Opened, Error> {
    route.open(ask(), Arc::new(Unobserved)).await
}

fn server() -> Error {
    Error::Server { provider: "a".to_owned(), message: "oh".to_owned(), status: 500 }
}

fn busy() -> Error {
    let retry_after = Some(Duration::from_secs(3));
    Error::RateLimited { provider: "a".to_owned(), message: "slow down".to_owned(), retry_after }
}

fn invalid() -> Error {
    Error::Invalid { provider: "a".to_owned(), message: "no".to_owned(), status: 400 }
}

fn unpaid() -> Error {
    Error::Payment { provider: "a".to_owned(), message: "credit".to_owned() }
}

fn too_long() -> Error {
    let (limit, asked) = (Some(8_000), Some(9_000));
    Error::ContextOverflow { provider: "a".to_owned(), message: "long".to_owned(), limit, asked }
}

#[tokio::test(start_paused = true)]
async fn two_retries_of_a_single_model_are_three_calls_later_each_time() {
    let only = Scripted::new("a", &[Does::Fail(server)]);
    let error = open(&route(&models(&[&only]), &["a/m"])).await.unwrap_err();
    assert_eq!((only.calls(), error.code()), (3, "model-server-error"));
    let calls = only.calls.lock().unwrap();
    let pauses: Vec<_> = calls.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert!(
        (500..=1_001).contains(&pauses[0]) && (1_000..=2_001).contains(&pauses[1]),
        "{pauses:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_not_tried_again_and_walks_no_chain() {
    let (first, second) =
        (Scripted::new("a", &[Does::Fail(invalid)]), Scripted::new("b", &[Does::Answer]));
    let error = open(&route(&models(&[&first, &second]), &["a/m", "b/m"])).await.unwrap_err();
    assert_eq!((error.code(), first.calls(), second.calls()), ("model-request-refused", 1, 0));
}

#[tokio::test(start_paused = true)]
async fn another_model_steps_in_at_once() {
    for failure in [server as fn() -> Error, busy, unpaid] {
        let (first, second) =
            (Scripted::new("a", &[Does::Fail(failure)]), Scripted::new("b", &[Does::Answer]));
        let route = route(&models(&[&first, &second]), &["a/m", "b/m"]);
        let (begun, heard) = (Instant::now(), Arc::new(Heard::default()));
        let opened = route.open(ask(), Arc::clone(&heard) as Arc<dyn Observer>).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert_eq!((format!("{opened:?}"), first.calls()), ("b/m".to_owned(), 1));
        let said: Vec<_> = opened.stream.collect().await;
        assert!(matches!(said.last(), Some(Ok(StreamEvent::Done { .. }))), "{said:?}");
        let heard = heard.0.lock().unwrap();
        let reason = failure().code();
        let fell_back =
            ModelEvent::FellBack { primary: "a/m".to_owned(), fallback: "b/m".to_owned(), reason };
        assert!(heard.contains(&fell_back), "{heard:?}");
        assert!(
            heard
                .iter()
                .any(|event| matches!(event, ModelEvent::Failed { code, .. } if *code == reason))
        );
        assert!(
            matches!(heard.last(), Some(ModelEvent::Responded { usage, .. }) if usage.output == 12)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_model_leaves_time_for_the_next() {
    let (first, second) = (Scripted::new("a", &[Does::Hang]), Scripted::new("b", &[Does::Answer]));
    let begun = Instant::now();
    let opened = open(&route(&models(&[&first, &second]), &["a/m", "b/m"])).await.unwrap();
    assert_eq!((opened.provider.as_str(), begun.elapsed().as_secs()), ("b", 60));
}

#[tokio::test(start_paused = true)]
async fn nobody_switches_in_the_middle_of_an_answer() {
    let (first, second) =
        (Scripted::new("a", &[Does::BreakOff]), Scripted::new("b", &[Does::Answer]));
    let models = models(&[&first, &second]);
    let opened = open(&route(&models, &["a/m", "b/m"])).await.unwrap();
    let said: Vec<_> = opened.stream.collect().await;
    assert!(matches!(&said[..], [Ok(StreamEvent::Text(_)), Err(Error::Cut { .. })]), "{said:?}");
    assert_eq!((first.calls(), second.calls()), (1, 0));
    let standing = &models.providers()[0];
    assert_eq!((standing.models[0].failures, standing.quota.in_flight), (1, 0));
    assert_eq!(standing.last_error.as_ref().unwrap().code, "model-answer-cut");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_goes_only_to_a_model_that_holds_more() {
    let first = Scripted::new("a", &[Does::Fail(too_long)]);
    let (small, unknown) =
        (Scripted::new("b", &[Does::Answer]), Scripted::new("c", &[Does::Answer]));
    let large = Scripted::new("d", &[Does::Answer]);
    let models = models(&[&first, &small, &unknown, &large]);
    let mut route = route(&models, &["a/m", "b/m", "c/m", "d/m"]);
    route.hops[1].settings.context_window = Some(8_000);
    route.hops[3].settings.context_window = Some(200_000);
    assert_eq!(open(&route).await.unwrap().provider, "d");
    assert_eq!((small.calls(), unknown.calls()), (0, 0));
    route.hops.pop();
    let error = open(&route).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("all-models-failed", false));
    let text = error.to_string();
    assert!(text.contains("b/m is not known to hold more than 9000 tokens"), "{text}");
    assert!(text.contains("a/m: the conversation is too long") && !text.contains('\n'), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_lacks_what_is_needed_is_passed_over() {
    let (first, second) =
        (Scripted::new("a", &[Does::Answer]), Scripted::new("b", &[Does::Answer]));
    let mut route = route(&models(&[&first, &second]), &["a/m", "b/m"]);
    route.hops[1].settings.capabilities.insert(Capability::Vision);
    let seeing = Ask { requires: BTreeSet::from([Capability::Vision]), ..ask() };
    let opened = route.open(seeing.clone(), Arc::new(Unobserved)).await.unwrap();
    assert_eq!((opened.provider.as_str(), first.calls()), ("b", 0));
    route.hops.pop();
    let error = route.open(seeing, Arc::new(Unobserved)).await.unwrap_err();
    assert_eq!(error.code(), "model-unsuitable");
    assert!(error.to_string().contains("a/m cannot do vision"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn another_model_behind_an_unpaid_key_is_not_asked() {
    let only = Scripted::new("a", &[Does::Fail(unpaid)]);
    let error = open(&route(&models(&[&only]), &["a/m", "a/n", "nobody/x"])).await.unwrap_err();
    assert_eq!((only.calls(), error.code()), (1, "all-models-failed"));
    let text = error.to_string();
    assert!(text.contains("a/n has the same key") && text.contains("nobody/x: no model"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_keeps_failing_is_left_alone_and_found_again() {
    let does: Vec<_> = [Does::Fail(server); 6].into_iter().chain([Does::Answer]).collect();
    let only = Scripted::new("a", &does);
    let models = models(&[&only]);
    let route = route(&models, &["a/m"]);
    assert_eq!(open(&route).await.unwrap_err().code(), "model-server-error");
    // The fifth failure opens it; the last word of the provider is told, not ours.
    assert_eq!(open(&route).await.unwrap_err().code(), "model-server-error");
    assert_eq!(only.calls(), 5);
    let error = open(&route).await.unwrap_err();
    assert_eq!((error.code(), only.calls()), ("provider-circuit-open", 5));
    assert!(error.is_unsent() && error.to_string().contains("model-server-error"), "{error}");
    assert_eq!(models.providers()[0].circuit, crate::CircuitState::Open);
    sleep(error.retry_after().unwrap()).await;
    // One finds out that it still fails, and another that it is well.
    assert_eq!(open(&route).await.unwrap_err().code(), "model-server-error");
    sleep(Duration::from_secs(10)).await;
    open(&route).await.unwrap();
    assert_eq!(models.providers()[0].circuit, crate::CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_is_known_of_an_endpoint_that_stays() {
    let only = Scripted::new("a", &[Does::Fail(server)]);
    let before = models(&[&only]);
    for _ in 0..2 {
        open(&route(&before, &["a/m"])).await.unwrap_err();
    }
    let after = models(&[&Scripted::new("b", &[Does::Answer]), &only]).after(&before);
    assert_eq!(open(&route(&after, &["a/m"])).await.unwrap_err().code(), "provider-circuit-open");
    assert!(open(&route(&after, &["b/m"])).await.is_ok());
    let fresh = models(&[&only]);
    assert_eq!(open(&route(&fresh, &["a/m"])).await.unwrap_err().code(), "model-server-error");
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_for_the_whole_key_and_is_waited_for_when_short() {
    let only = Scripted::new("a", &[Does::Fail(busy), Does::Answer]);
    let models = models(&[&only]);
    let begun = Instant::now();
    open(&route(&models, &["a/m"])).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 3, "not before the provider said");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_dropped_gives_its_permit_back() {
    let hanging = Scripted::new("a", &[Does::Hang, Does::Answer]);
    let models = models(&[&hanging]);
    models
        .known_gate("a")
        .limiter
        .set_limits(Limits { concurrent_requests: Some(1), ..Limits::default() });
    let route = route(&models, &["a/m"]);
    let in_flight = || models.providers()[0].quota.in_flight;
    let stopped = tokio::time::timeout(Duration::from_secs(1), open(&route)).await;
    assert!(stopped.is_err() && in_flight() == 0);
    let opened = open(&route).await.unwrap();
    assert_eq!(in_flight(), 1);
    let waiting = tokio::time::timeout(Duration::from_secs(1), open(&route)).await;
    assert!(waiting.is_err() && models.providers()[0].quota.waiting == 0);
    drop(opened);
    assert_eq!(in_flight(), 0);
    let mut whole = open(&route).await.unwrap();
    while !matches!(whole.stream.next().await, Some(Ok(StreamEvent::Done { .. }))) {}
    assert_eq!(in_flight(), 0, "also while somebody still holds the stream");
}
