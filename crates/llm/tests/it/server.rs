//! A server that takes one connection after another and does on each what it is told, byte for byte.

use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use futures::StreamExt;
use llm::{Api, Error, Models, ProviderSettings, Request, StreamEvent, Timeouts, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// The key that every provider of these tests has.
pub const KEY: &str = "sk-test-0123456789";

/// What the server does once it has read the request.
#[derive(Clone)]
pub enum Step {
    /// Writes the bytes.
    Write(Vec<u8>),
    /// Writes them one at a time.
    Drip(Vec<u8>),
    /// Waits until the client closes the connection, and reports it.
    AwaitClose,
    /// Breaks the connection with a reset in place of an orderly end.
    Reset,
}

/// What the server saw.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// A request: its head in lower case, and its body.
    Request(String, String),
    /// The client closed the connection while the server waited for it.
    Closed,
}

pub struct Server {
    pub base_url: String,
    seen: mpsc::Receiver<Seen>,
}

impl Server {
    pub async fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, steps.clone(), sender.clone()));
            }
        });
        Self { base_url, seen }
    }

    pub async fn seen(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    pub async fn request(&mut self) -> (String, serde_json::Value) {
        match self.seen().await {
            Seen::Request(head, body) => (head, serde_json::from_str(&body).unwrap()),
            Seen::Closed => panic!("the connection was closed before a request came"),
        }
    }

    pub fn settings(&self, api: Api) -> ProviderSettings {
        ProviderSettings {
            id: "sim".to_owned(),
            base_url: self.base_url.clone(),
            api,
            key: Some(Secret::new(KEY)),
            headers: vec![("x-team".to_owned(), Secret::new("header-secret-42"))],
            timeouts: Timeouts {
                first_byte: Duration::from_secs(20),
                idle: Duration::from_secs(20),
                total: Duration::from_secs(30),
            },
            limits: llm::Limits::default(),
            models: Vec::new(),
        }
    }
}

async fn serve(mut connection: TcpStream, steps: Vec<Step>, seen: mpsc::Sender<Seen>) {
    let Some((head, body)) = read_request(&mut connection).await else { return };
    seen.send(Seen::Request(head, body)).await.unwrap();
    for step in steps {
        match step {
            Step::Write(bytes) => drop(connection.write_all(&bytes).await),
            Step::Drip(bytes) => {
                connection.set_nodelay(true).unwrap();
                for byte in bytes {
                    drop(connection.write_all(&[byte]).await);
                    tokio::task::yield_now().await;
                }
            }
            Step::AwaitClose => {
                while !matches!(connection.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
                seen.send(Seen::Closed).await.unwrap();
            }
            Step::Reset => connection.set_zero_linger().unwrap(),
        }
    }
}

async fn read_request(connection: &mut TcpStream) -> Option<(String, String)> {
    let mut read = Vec::new();
    loop {
        if connection.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().trim().parse::<usize>().unwrap());
        if body.len() >= length {
            return Some((head, body.to_owned()));
        }
    }
}

/// The head of a stream that ends with the connection.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// A whole answer with a body of known length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A stream of `data:` events.
pub fn events(data: &[&str]) -> Vec<u8> {
    let events: String = data.iter().map(|data| format!("data: {data}\n\n")).collect();
    format!("{STREAM}{events}").into_bytes()
}

pub fn hello() -> Request {
    Request {
        model: "m".to_owned(),
        turns: vec![Turn::User("hello".to_owned())],
        ..Request::default()
    }
}

/// Asks a provider with these settings and reads the answer to its end.
pub async fn ask(
    settings: ProviderSettings,
    request: Request,
) -> Result<Vec<Result<StreamEvent, Error>>, Error> {
    let egress = egress::Egress::new(egress::Options::default()).unwrap();
    let name = format!("{}/{}", settings.id, request.model);
    let route = Models::new(vec![settings], &egress)?.resolve(&name)?;
    Ok(route.hops()[0]
        .provider
        .stream(request, Arc::new(domain::worker::Unwatched))
        .await?
        .collect()
        .await)
}

/// What a provider makes of these bytes.
pub async fn read(api: Api, bytes: Vec<u8>) -> Result<Vec<Result<StreamEvent, Error>>, Error> {
    let server = Server::start(vec![Step::Write(bytes)]).await;
    ask(server.settings(api), hello()).await
}

/// What was said in an answer that must be whole.
pub async fn said(api: Api, bytes: Vec<u8>) -> Vec<StreamEvent> {
    read(api, bytes).await.unwrap().into_iter().map(Result::unwrap).collect()
}

/// The error that an answer ends with, whether it ever began or not.
pub async fn error(api: Api, bytes: Vec<u8>) -> Error {
    match read(api, bytes).await {
        Err(error) => error,
        Ok(mut said) => {
            let last = said.pop().unwrap().unwrap_err();
            assert!(said.iter().all(Result::is_ok), "an error comes once, and last");
            assert!(!said.iter().any(|event| matches!(event, Ok(StreamEvent::Done { .. }))));
            last
        }
    }
}
