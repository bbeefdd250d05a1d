//! The simulator as a whole: starting, listening, stopping.
//!
//! Owns the connections; refuses to listen anywhere but on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::line::Line;
use crate::model_name::parse;
use crate::rate::Rate;
use crate::route::{Connection, route};
use crate::script::Script;
use crate::stage::Stage;

/// Most connections at once.
const CONNECTIONS: usize = 16_384;

/// How long a client may take to send its headers.
const HEADER_TIME: Duration = Duration::from_secs(30);

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; a loopback address. Port 0: any free port.
    pub address: SocketAddr,
    /// The key that every client must show; `None`: none is asked for.
    pub api_key: Option<Secret>,
    /// The time between two tokens when the model's name says nothing.
    pub pace: Duration,
    /// Conversations for the voice `script`, besides the built-in `greeting`.
    pub scripts: Vec<Script>,
    /// Names that stand for model names: (`zai-org/GLM-4.7`, `story+pace=20ms`).
    pub aliases: Vec<(String, String)>,
    /// How often one may ask; what comes more often gets 429 with `retry-after`.
    pub rate: Rate,
    /// How long [`Simulator::stop`] lets running answers go on.
    pub grace: Duration,
}

/// A running simulator. Dropped, it stops without waiting.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    stage: Arc<Stage>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

// === impl Options ===

impl Default for Options {
    /// Any free port of 127.0.0.1, no key, no pause between tokens, half a second of grace.
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: None,
            pace: Duration::ZERO,
            scripts: Vec::new(),
            aliases: Vec::new(),
            rate: Rate::default(),
            grace: Duration::from_millis(500),
        }
    }
}

// === impl Simulator ===

impl Simulator {
    /// Starts to listen.
    ///
    /// # Errors
    /// [`Error::NotLoopback`] for an address outside this machine, [`Error::Listen`] when the address cannot
    /// be had, [`Error::ModelName`] when an alias or the options of a script's turn are no model name.
    pub async fn start(options: Options) -> Result<Self> {
        let asked = options.address;
        if !asked.ip().is_loopback() {
            return Err(Error::NotLoopback { address: asked });
        }
        let turns = options.scripts.iter().flat_map(|script| &script.turns);
        let words = turns.map(|turn| &turn.options).filter(|options| !options.is_empty());
        for name in words.chain(options.aliases.iter().map(|(_, name)| name)) {
            parse(name)?;
        }
        let failed = |source| Error::Listen { address: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let simulator = Self {
            address,
            stage: Arc::new(Stage::new(options)),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let doorman = Doorman {
            stage: Arc::clone(&simulator.stage),
            stopping: simulator.stopping.clone(),
            tasks: simulator.tasks.clone(),
        };
        simulator.tasks.spawn(doorman.accept(listener));
        Ok(simulator)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for OpenAI clients: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn openai_base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL for Anthropic clients: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn anthropic_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.stage.journal
    }

    /// From now on every request meets this fault as well, until [`Simulator::recover`].
    ///
    /// # Errors
    /// [`Error::ModelName`] when the words are no options of the model-name grammar.
    pub fn fail_while(&self, fault: &str) -> Result<()> {
        self.stage.outage.begin(fault, "")
    }

    /// Ends what [`Simulator::fail_while`] or `POST /sim/faults` began.
    pub fn recover(&self) {
        self.stage.outage.end();
    }

    /// Stops: takes no more connections, lets running answers end within the grace, and breaks off the rest.
    pub async fn stop(self) {
        self.stage.journal.stop();
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stage.journal.stop();
        self.stopping.cancel();
    }
}

/// Lets connections in.
struct Doorman {
    stage: Arc<Stage>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

// === impl Doorman ===

impl Doorman {
    async fn accept(self, listener: TcpListener) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async {
                let seat = Arc::clone(&seats).acquire_owned().await;
                (seat, listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                () = self.stopping.cancelled() => return,
                next = next => next,
            };
            match accepted {
                Ok((stream, _)) => {
                    let talk = talk(stream, Arc::clone(&self.stage), self.stopping.clone());
                    self.tasks.spawn(async move {
                        talk.await;
                        drop(seat);
                    });
                }
                // Out of file descriptors: the next attempt waits for other tasks to close theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// Serves one connection to its end.
async fn talk(stream: TcpStream, stage: Arc<Stage>, stopping: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let open = stage.journal.connect();
    let line = Line::new(stream);
    let connection = Connection { number: open.number, scissors: line.scissors() };
    let grace = stage.options.grace;
    let service = service_fn(move |request| route(Arc::clone(&stage), connection.clone(), request));
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(line), service)
    );
    // A broken connection is what many of the faults are for, so its error says nothing new.
    let stopped = tokio::select! {
        _ = serving.as_mut() => false,
        () = stopping.cancelled() => true,
    };
    if stopped {
        serving.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(grace, serving).await;
    }
}
