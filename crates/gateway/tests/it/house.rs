//! A gateway of its own for one test, with a real store, and clients to knock at it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bus::Bus;
use domain::concurrency::{Concurrency, ConcurrencyMetrics, TenantQueue, WorkerStanding};
use domain::message::Offered;
use domain::tenant::Tier;
use domain::{
    Clock, Event, EventBody, Inbound, Intake, PartialAnswer, Pool, Refusal, RunId, Secret,
    SessionKey, Turns, Verdict,
};
use futures::{SinkExt, StreamExt};
use gateway::log_file::LogFiles;
use gateway::{Bind, Gateway, Limits, Listener, Model, OpenGateway, Settings};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use store::{Admission, NewMessage, Store};
use testkit::{Engine, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{WebSocketStream, client_async};

pub const OPERATOR: &str = "operator-token-of-this-test";

/// Turns that the test lets run.
#[derive(Default)]
pub struct Running {
    /// What is being said, in any session.
    pub said: Mutex<Option<PartialAnswer>>,
    /// Turns that were to be stopped.
    pub aborted: Mutex<Vec<(SessionKey, Option<RunId>)>>,
}

/// Everything that a test may want to reach behind the door.
pub struct House {
    pub store: Store,
    pub bus: Bus,
    pub address: SocketAddr,
    pub settings: watch::Sender<Arc<Settings>>,
    pub turns: Arc<Running>,
    pub logs: std::path::PathBuf,
    gateway: Option<OpenGateway>,
}

/// What came back over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// A client of protocol v4.
pub struct Client {
    pub wire: WebSocketStream<TcpStream>,
    /// What a device signs.
    pub challenge: Value,
    next: u32,
    waiting: Vec<Value>,
}

/// Stores what it is offered, and tells of it, but answers nothing.
struct Letterbox {
    store: Store,
    bus: Bus,
    clock: Arc<dyn Clock>,
}

impl Pool for Running {
    fn metrics(&self) -> ConcurrencyMetrics {
        ConcurrencyMetrics { active_workers: 1, queue_depth: 2, ..ConcurrencyMetrics::default() }
    }

    fn concurrency(&self) -> Concurrency {
        Concurrency::default()
    }

    fn workers(&self) -> Vec<WorkerStanding> {
        Vec::new()
    }

    fn queues(&self) -> Vec<TenantQueue> {
        let tenant = "main".parse().unwrap();
        vec![TenantQueue { tenant, tier: Tier::Free, waiting: 2, oldest_ms: 1_500 }]
    }

    fn recycle(&self, worker: &str) -> bool {
        worker == "worker-0"
    }
}

impl Turns for Running {
    fn said(&self, _: &SessionKey) -> Option<PartialAnswer> {
        self.said.lock().unwrap().clone()
    }

    fn abort(&self, session: &SessionKey, run: Option<&RunId>) -> Vec<RunId> {
        self.aborted.lock().unwrap().push((session.clone(), run.cloned()));
        run.cloned().into_iter().collect()
    }
}

impl Intake for Letterbox {
    fn offer(&self, inbound: Inbound) -> Offered<'_> {
        Box::pin(async move {
            let Inbound { session, peer, run, text, context, .. } = inbound;
            if text.is_empty() {
                return Verdict::Refused(Refusal::Text(0));
            }
            let new = NewMessage {
                session: session.clone(),
                peer,
                run: run.clone(),
                text: text.clone(),
                context,
                room: None,
            };
            match self.store.admit(new).await.unwrap() {
                Admission::Admitted(admitted) => {
                    let body = EventBody::Received { message: admitted.message, run, text };
                    self.bus.publish(Event { session, at: self.clock.now(), body });
                    Verdict::Admitted {
                        message: admitted.message,
                        received: admitted.received_at,
                        duplicate: admitted.duplicate,
                    }
                }
                Admission::NoTenant => {
                    Verdict::Refused(Refusal::NoTenant(session.tenant.to_string()))
                }
                other => panic!("{other:?}"),
            }
        })
    }
}

/// Runs a test in a house of its own.
pub fn in_house<F>(limits: Limits, test: F)
where
    F: AsyncFnOnce(&mut House),
{
    World::run(Engine::Sqlite, async |world| {
        let mut house = House::build(world, limits);
        test(&mut house).await;
        if let Some(gateway) = house.gateway.take() {
            gateway.stop().await;
        }
    });
}

/// Limits under which revocation and stopping take no time; all others are as usual, so that a busy
/// machine fails no test.
pub fn quick() -> Limits {
    Limits {
        lease_check: Duration::from_millis(10),
        stop: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// The recorder of the whole test process.
pub fn figures() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

pub fn settings(token: &str) -> Arc<Settings> {
    Arc::new(Settings {
        operator: Secret::new(token),
        page: true,
        chat_completions: true,
        model: Model { primary: "sim/echo".to_owned(), simulated: true },
        ..Settings::default()
    })
}

/// One provider that keeps failing.
fn providers() -> Vec<llm::ProviderStanding> {
    vec![llm::ProviderStanding {
        id: "sim".to_owned(),
        endpoint: Some("http://127.0.0.1:1/v1".to_owned()),
        circuit: llm::CircuitState::Open,
        circuit_open_ms: 4_000,
        quota: llm::Quota::default(),
        last_error: None,
        models: Vec::new(),
    }]
}

impl House {
    fn build(world: &World, limits: Limits) -> Self {
        let bus = Bus::default();
        let (settings, follow) = watch::channel(settings(OPERATOR));
        let turns = Arc::new(Running::default());
        let clock: Arc<dyn Clock> = world.clock.clone();
        let intake = Letterbox { store: world.store.clone(), bus: bus.clone(), clock };
        let logs = world.directory().join("logs");
        let gateway = Gateway {
            store: world.store.clone(),
            bus: bus.clone(),
            intake: Arc::new(intake),
            turns: Arc::clone(&turns) as Arc<dyn Turns>,
            pool: Arc::clone(&turns) as Arc<dyn Pool>,
            providers: Arc::new(providers),
            settings: follow,
            clock: world.clock.clone(),
            ids: world.ids.clone(),
            metrics: figures(),
            logs: LogFiles::Daily(logs.clone()),
            version: "0.0.0-test",
            limits,
        };
        let listener = Listener::bind(Bind::Address(Ipv4Addr::LOCALHOST.into()), 0).unwrap();
        let gateway = gateway.open(listener);
        let address = gateway.addresses()[0];
        Self {
            store: world.store.clone(),
            bus,
            address,
            settings,
            turns,
            logs,
            gateway: Some(gateway),
        }
    }

    /// Begins to stop; the returned task ends when all is closed.
    pub fn stop(&mut self) -> tokio::task::JoinHandle<()> {
        let gateway = self.gateway.take().unwrap();
        tokio::spawn(gateway.stop())
    }

    pub async fn tenant(&self, slug: &str) -> Secret {
        let slug = slug.parse().unwrap();
        self.store.create_tenant(&slug, Tier::Standard).await.unwrap().1
    }

    pub fn publish(&self, session: &str, body: EventBody) {
        let at = domain::Timestamp(7);
        self.bus.publish(Event { session: session.parse().unwrap(), at, body });
    }

    /// One request on a connection of its own; `{host}` stands for the gateway's own name.
    pub async fn raw(&self, request: &str) -> Answer {
        self.raw_from(Ipv4Addr::LOCALHOST.into(), request).await
    }

    /// The same from another address of this machine.
    pub async fn raw_from(&self, from: IpAddr, request: &str) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let request = request.replace("{host}", &self.address.to_string());
        // The gateway may answer and close before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Answer::read(&String::from_utf8_lossy(&bytes))
    }

    pub async fn get(&self, path: &str, lines: &str) -> Answer {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\n{lines}\r\n"
        ))
        .await
    }

    pub async fn post(&self, path: &str, token: &str, lines: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nhost: {{host}}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{lines}\r\n{body}"
        ))
        .await
    }

    /// A socket that has seen the challenge and said nothing yet.
    pub async fn knock(&self) -> Client {
        self.knock_with(TcpSocket::new_v4().unwrap()).await
    }

    /// The same with a socket that was prepared.
    pub async fn knock_with(&self, socket: TcpSocket) -> Client {
        let stream = socket.connect(self.address).await.unwrap();
        let address = format!("ws://{}/ws", self.address);
        let (wire, _) = client_async(address, stream).await.unwrap();
        let mut client = Client { wire, challenge: Value::Null, next: 0, waiting: Vec::new() };
        client.challenge = client.event("connect.challenge").await;
        assert!(client.challenge["nonce"].as_str().is_some_and(|nonce| nonce.len() >= 32));
        client
    }

    /// One of our own pages that was let in.
    pub async fn page(&self, token: &str) -> Client {
        let mut client = self.knock().await;
        let mut page = connect(token);
        page["client"]["id"] = json!("webchat-ui");
        client.request("connect", page).await.unwrap();
        client
    }

    /// A client that was let in.
    pub async fn client(&self, token: &str) -> Client {
        let mut client = self.knock().await;
        let hello = client.request("connect", connect(token)).await.unwrap();
        assert_eq!(hello["type"], "hello-ok");
        client
    }
}

/// Parameters of `connect` as a test program sends them.
pub fn connect(token: &str) -> Value {
    json!({
        "minProtocol": 4, "maxProtocol": 4, "role": "operator",
        "client": { "id": "test", "version": "1", "platform": "linux", "mode": "test" },
        "auth": { "token": token },
    })
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = match head.contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_owned(),
        };
        Self { status, head: head.to_owned(), body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole += &rest[..length];
        body = rest[length..].strip_prefix("\r\n").unwrap_or("");
    }
    whole
}

impl Client {
    pub async fn send(&mut self, message: Message) {
        self.wire.send(message).await.unwrap();
    }

    /// The answer to a request; events that come before it are kept.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.next += 1;
        let id = self.next.to_string();
        let request = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.send(Message::text(request.to_string())).await;
        loop {
            let frame = self.frame().await.expect("an answer comes");
            if frame["type"] == "event" {
                self.waiting.push(frame);
                continue;
            }
            assert_eq!(frame["id"], id, "{frame}");
            return match frame["ok"] == true {
                true => Ok(frame["payload"].clone()),
                false => Err(frame["error"].clone()),
            };
        }
    }

    /// The payload of the next event of that name.
    pub async fn event(&mut self, name: &str) -> Value {
        self.whole_event(name).await["payload"].clone()
    }

    /// The next event of that name, with its number.
    pub async fn whole_event(&mut self, name: &str) -> Value {
        if let Some(place) = self.waiting.iter().position(|frame| frame["event"] == name) {
            return self.waiting.remove(place);
        }
        loop {
            let frame = self.frame().await.unwrap_or_else(|end| panic!("no {name}: {end:?}"));
            if frame["event"] == name {
                return frame;
            }
            self.waiting.push(frame);
        }
    }

    /// The code with which the gateway closes; whatever comes before is passed over.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(end) = self.frame().await {
                return end.map(|frame| frame.code.into());
            }
        }
    }

    async fn frame(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.wire.next());
            match next.await.expect("the gateway says something within 60 s") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}
