//! Limits, retries and fallbacks against the simulator, which counts for itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::Coded;
use domain::worker::Unwatched;
use egress::Egress;
use futures::StreamExt;
use futures::future::join_all;
use llm::{
    Api, Ask, Chain, CircuitState, Error, Limits, Models, Opened, ProviderSettings, Retries, Route,
    Timeouts, Unobserved,
};
use simulator::{Options, Rate, Simulator};
use tokio::time::Instant;

use crate::server::hello;

fn provider(id: &str, simulator: &Simulator, limits: Limits) -> ProviderSettings {
    let wait = Duration::from_secs(20);
    ProviderSettings {
        id: id.to_owned(),
        base_url: simulator.openai_base_url(),
        api: Api::OpenAi,
        key: None,
        headers: Vec::new(),
        timeouts: Timeouts { first_byte: wait, idle: wait, total: wait },
        limits,
        models: Vec::new(),
    }
}

fn models(providers: Vec<ProviderSettings>) -> Models {
    Models::new(providers, &Egress::new(egress::Options::default()).unwrap()).unwrap()
}

fn route(models: &Models, primary: &str, fallbacks: &[&str]) -> Route {
    let fallbacks = fallbacks.iter().map(|name| (*name).to_owned()).collect();
    let retries = Retries { most: 2, delay: Duration::from_millis(20) };
    models.chain(&Chain { primary: primary.to_owned(), fallbacks, retries }).unwrap()
}

async fn open(route: &Route, tenant: &str) -> Result<Opened, Error> {
    let ask = Ask {
        request: hello(),
        tenant: tenant.parse().unwrap(),
        weight: 1,
        deadline: Instant::now() + Duration::from_secs(20),
        requires: BTreeSet::new(),
        pulse: Arc::new(Unwatched),
        seed: 1,
    };
    route.open(ask, Arc::new(Unobserved)).await
}

fn refused(simulator: &Simulator) -> usize {
    simulator.journal().requests().iter().filter(|entry| entry.status == Some(429)).count()
}

#[tokio::test]
async fn a_provider_that_allows_fifteen_a_second_never_has_to_refuse() {
    let rate = Rate { per_second: Some(15), concurrent: Some(4), ..Rate::default() };
    let limits =
        Limits { requests_per_second: Some(15), concurrent_requests: Some(4), ..Limits::default() };
    let simulator = Simulator::start(Options { rate, ..Options::default() }).await.unwrap();
    let limited = models(vec![provider("sim", &simulator, limits)]);
    let route = route(&limited, "sim/echo", &[]);
    let asked = (0..40).map(|number| {
        let route = &route;
        async move {
            let opened = open(route, ["anna", "bert", "carl"][number % 3]).await.unwrap();
            assert!(opened.stream.all(|event| async move { event.is_ok() }).await);
        }
    });
    join_all(asked).await;
    assert_eq!((simulator.journal().requests().len(), refused(&simulator)), (40, 0));
    let quota = limited.providers()[0].quota;
    assert_eq!((quota.in_flight, quota.waiting), (0, 0));
    assert!(simulator.journal().counts().most_running <= 4);
}

#[tokio::test]
async fn the_simulator_would_have_refused_what_came_more_often() {
    let rate = Rate { per_second: Some(15), ..Rate::default() };
    let simulator = Simulator::start(Options { rate, ..Options::default() }).await.unwrap();
    let unlimited = models(vec![provider("sim", &simulator, Limits::default())]);
    let hop = unlimited.resolve("sim/echo").unwrap().hops()[0].clone();
    let ask = || {
        hop.provider
            .stream(llm::Request { model: "echo".to_owned(), ..hello() }, Arc::new(Unwatched))
    };
    let answers = join_all((0..40).map(|_| ask())).await;
    let refusals = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(refusals.clone().count() >= 10, "{}", refusals.count());
    for refusal in refusals {
        assert_eq!(refusal.retry_after(), Some(Duration::from_secs(1)), "{refusal}");
    }
}

#[tokio::test]
async fn an_outage_is_survived_by_another_provider_and_noticed_when_it_ends() {
    let (first, second) =
        tokio::join!(Simulator::start(Options::default()), Simulator::start(Options::default()));
    let (first, second) = (first.unwrap(), second.unwrap());
    let none = Limits::default();
    let models = models(vec![provider("a", &first, none), provider("b", &second, none)]);
    let route = route(&models, "a/echo", &["b/echo"]);
    for outage in ["status=529", "status=503", "drop", "status=500", "empty-body"] {
        first.fail_while(outage).unwrap();
        let begun = Instant::now();
        assert_eq!(open(&route, "anna").await.unwrap().provider, "b", "{outage}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{outage}: {:?}", begun.elapsed());
    }
    // Five failures in a row: the first is not even asked any more.
    let asked = first.journal().counts().requests;
    assert_eq!(models.providers()[0].circuit, CircuitState::Open);
    assert_eq!(open(&route, "anna").await.unwrap().provider, "b");
    assert_eq!(first.journal().counts().requests, asked);
    second.fail_while("status=500").unwrap();
    let error = open(&route, "anna").await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("all-models-failed", true));
    let text = error.to_string();
    assert!(text.contains("a/echo: a kept failing") && text.contains("b/echo: b failed"), "{text}");
}

#[tokio::test]
async fn words_that_were_said_are_not_said_again_by_somebody_else() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let models = models(vec![provider("sim", &simulator, Limits::default())]);
    let route = route(&models, "sim/story+cut-after=3", &["sim/echo"]);
    let said: Vec<_> = open(&route, "anna").await.unwrap().stream.collect().await;
    assert_eq!(said.last().unwrap().as_ref().unwrap_err().code(), "model-answer-cut");
    assert_eq!(simulator.journal().counts().requests, 1);
    assert_eq!(models.providers()[0].circuit, CircuitState::Closed);
}

#[tokio::test]
async fn leaving_closes_the_connection_and_frees_the_place() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let limits = Limits { concurrent_requests: Some(1), ..Limits::default() };
    let models = models(vec![provider("sim", &simulator, limits)]);
    let hanging = route(&models, "sim/hang", &[]);
    let waits = simulator.journal().wait_for(|journal| journal.counts().running == 1);
    tokio::select! {
        answered = open(&hanging, "anna") => panic!("{answered:?}"),
        () = waits => {}
    }
    simulator.journal().wait_for(|journal| journal.counts().cut_by_client == 1).await;
    assert_eq!(models.providers()[0].quota.in_flight, 0);
    assert_eq!(open(&route(&models, "sim/echo", &[]), "anna").await.unwrap().model, "echo");
}
