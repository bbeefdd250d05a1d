//! One WebSocket: a client that was let in asks in order, and is told what happens.
//!
//! Owns the one task of the connection; refuses to answer faster than the client reads, and to read faster
//! than it may ask. While a request is being answered events flow on.

mod allowance;
mod handshake;
mod outbox;
pub mod upgrade;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bus::{Heard, Missed, Subscription};
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WireError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::access::Access;
use crate::client::Client;
use crate::frame::{self, Request};
use crate::gateway::Context;
use crate::lease::Lease;
use crate::limiter::Bucket;
use crate::methods;
use crate::protocol::Close;
use crate::tell::{Teller, Words};
use crate::vitals::Health;
use allowance::{Allowance, Allowed};
use outbox::Outbox;

type Wire = WebSocketStream<Allowance<TokioIo<Upgraded>>>;
type Sink = SplitSink<Wire, Message>;
type Source = SplitStream<Wire>;

/// Why a connection ends: the client left, or we close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    Closed(Close, &'static str),
}

/// A client that was let in.
struct Guest {
    access: Arc<Access>,
    lease: Arc<Lease>,
    teller: Teller,
    /// Whether it is one of our own pages.
    is_page: bool,
}

/// The state of a connection after the handshake.
struct Socket {
    context: Context,
    guest: Guest,
    outbox: Outbox,
    bucket: Bucket,
    events: Option<Subscription>,
    /// The answer to the request in hand; the next one is read when it is there.
    answering: Option<BoxFuture<'static, Utf8Bytes>>,
    /// The health that goes with a tick to those who listen.
    looking: Option<BoxFuture<'static, Health>>,
    seq: u64,
    next_tick: Instant,
    next_ping: Instant,
    heard: Instant,
}

/// What happened next on a connection.
enum Step {
    Stop,
    Revoked,
    Flushed(Result<(), WireError>),
    Answered(Utf8Bytes),
    Looked(Box<Health>),
    Message(Option<Result<Message, WireError>>),
    Heard(Result<Arc<Heard>, Missed>),
    Time,
}

/// How long a close waits for the client's own.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one connection from its first byte to its last.
async fn run(context: Context, client: Client, wire: Wire, allowed: Allowed) {
    let open = metrics::gauge!(crate::metrics::SOCKETS);
    open.increment(1);
    let (mut sink, mut source) = wire.split();
    let limit = context.gateway.limits.connect_timeout;
    let stopping = context.tasks.stopping();
    // The handshake is large and short: on the heap it does not burden the idle connection.
    let shaken =
        Box::pin(timeout(limit, handshake::shake(&context, &client, &mut sink, &mut source)));
    let shaken = tokio::select! {
        shaken = shaken => shaken.unwrap_or(Err(End::Closed(Close::Policy, "connect took too long"))),
        () = stopping.cancelled() => Err(End::Closed(Close::GoingAway, "the gateway stops")),
    };
    let end = match shaken {
        Ok(guest) => {
            allowed.lift();
            let socket = Socket::new(context, guest);
            socket.serve(&mut sink, &mut source).await
        }
        Err(end) => end,
    };
    open.decrement(1);
    if let End::Closed(close, reason) = end {
        farewell(sink, source, close, reason).await;
    }
}

/// Says why, and waits a moment for the client to hear it: closing at once could take the words back.
async fn farewell(mut sink: Sink, mut source: Source, close: Close, reason: &'static str) {
    let code = close.code();
    metrics::counter!(crate::metrics::SOCKETS_CLOSED, "code" => code.to_string()).increment(1);
    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) };
    let parting = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = source.next().await {}
        }
    };
    let _ = timeout(FAREWELL, parting).await;
}

// === impl End ===

impl End {
    /// The end that a failure on the wire brings.
    fn of(error: &WireError) -> Self {
        match error {
            WireError::Capacity(CapacityError::MessageTooLong { .. }) => {
                Self::Closed(Close::TooBig, "the message is too large")
            }
            WireError::Utf8(_) => Self::Closed(Close::Encoding, "the text is not UTF-8"),
            WireError::Io(error) if error.kind() == std::io::ErrorKind::QuotaExceeded => {
                Self::Closed(Close::TooBig, "too much was sent before connect")
            }
            WireError::Protocol(
                tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ) => Self::Gone,
            WireError::Protocol(_) => Self::Closed(Close::Protocol, "that is not WebSocket"),
            _ => Self::Gone,
        }
    }
}

// === impl Socket ===

impl Socket {
    fn new(context: Context, guest: Guest) -> Self {
        let limits = &context.gateway.limits;
        let now = Instant::now();
        Self {
            outbox: Outbox::new(limits.outbound),
            bucket: Bucket::new(limits.frames_per_second, limits.frame_burst),
            events: None,
            answering: None,
            looking: None,
            seq: 0,
            next_tick: now + limits.tick,
            next_ping: now + limits.ping,
            heard: now,
            guest,
            context,
        }
    }

    async fn serve(mut self, sink: &mut Sink, source: &mut Source) -> End {
        let mut timer = pin!(sleep_until(self.deadline()));
        loop {
            let step = self.step(sink, source, timer.as_mut()).await;
            if let Err(end) = self.take(step) {
                if matches!(end, End::Closed(Close::GoingAway, _)) {
                    let _ = timeout(FAREWELL, self.outbox.flush(sink)).await;
                }
                return end;
            }
            let deadline = self.deadline();
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
        }
    }

    async fn step(
        &mut self,
        sink: &mut Sink,
        source: &mut Source,
        timer: std::pin::Pin<&mut tokio::time::Sleep>,
    ) -> Step {
        let reads = self.answering.is_none() && self.outbox.has_room();
        let answering: OptionFuture<_> = self.answering.as_mut().into();
        let looking: OptionFuture<_> = self.looking.as_mut().into();
        let events: OptionFuture<_> = self.events.as_mut().map(Subscription::next).into();
        let stopping = self.context.tasks.stopping();
        tokio::select! {
            biased;
            () = stopping.cancelled() => Step::Stop,
            () = self.guest.lease.ended() => Step::Revoked,
            flushed = self.outbox.flush(sink), if self.outbox.is_busy() => Step::Flushed(flushed),
            Some(answer) = answering => Step::Answered(answer),
            Some(health) = looking => Step::Looked(Box::new(health)),
            // Before what may come without end.
            () = timer => Step::Time,
            message = source.next(), if reads => Step::Message(message),
            Some(event) = events => Step::Heard(event),
        }
    }

    fn take(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Stop => {
                self.tell("shutdown", &json!({ "reason": "the gateway stops" }))?;
                Err(End::Closed(Close::GoingAway, "the gateway stops"))
            }
            Step::Revoked => {
                Err(End::Closed(Close::Policy, "the credential is not valid any more"))
            }
            Step::Flushed(outcome) => outcome.map_err(|error| End::of(&error)),
            Step::Answered(answer) => {
                self.answering = None;
                self.outbox.push(answer)
            }
            Step::Looked(health) => {
                self.looking = None;
                self.tell("health", &health)
            }
            Step::Message(None) => Err(End::Gone),
            Step::Message(Some(Err(error))) => Err(End::of(&error)),
            Step::Message(Some(Ok(message))) => self.receive(message),
            Step::Heard(Ok(event)) => self.hear(&event),
            Step::Heard(Err(Missed::Lagged(_))) => {
                Err(End::Closed(Close::Overload, "the client does not keep up"))
            }
            Step::Heard(Err(Missed::Closed)) => {
                self.events = None;
                Ok(())
            }
            Step::Time => self.pass_time(),
        }
    }

    fn receive(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        if !self.bucket.take() {
            return Err(End::Closed(Close::Policy, "too many frames in too short a time"));
        }
        match message {
            Message::Text(text) => self.ask(&text),
            Message::Binary(_) => Err(End::Closed(Close::Policy, "frames are text")),
            Message::Close(_) => Err(End::Gone),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn ask(&mut self, text: &str) -> Result<(), End> {
        match Request::read(text.as_bytes(), self.context.gateway.limits.json_depth) {
            Ok(request) => {
                if methods::listens(&request.method) && self.events.is_none() {
                    let topic = self.guest.access.topic();
                    self.events = Some(self.context.gateway.bus.subscribe(topic));
                }
                let access = Arc::clone(&self.guest.access);
                let is_page = self.guest.is_page;
                let context = self.context.clone();
                let call = methods::Call { context, access, is_page, request };
                self.answering = Some(methods::answer(call));
                Ok(())
            }
            // Without a request there is no id to answer to; clients know this one.
            Err(error) => self.outbox.push(frame::response::<()>("invalid", Err(&error.fault()))),
        }
    }

    fn hear(&mut self, heard: &Heard) -> Result<(), End> {
        if !self.guest.access.sees(&heard.session.tenant) {
            return Ok(());
        }
        let own = Words::default();
        let words = heard.made(|_| Words::default()).unwrap_or(&own);
        for told in self.guest.teller.tell(heard, words) {
            self.seq += 1;
            self.outbox.push(frame::event_of(told.event(), &told, self.seq))?;
        }
        Ok(())
    }

    fn tell<T: Serialize>(&mut self, name: &str, payload: &T) -> Result<(), End> {
        self.seq += 1;
        self.outbox.push(frame::event(name, payload, Some(self.seq)))
    }

    fn pass_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let limits = &self.context.gateway.limits;
        let (tick, ping, patience) = (limits.tick, limits.ping, limits.write_stall);
        if self.outbox.behind_since().is_some_and(|since| now >= since + patience) {
            return Err(End::Closed(Close::Overload, "the client does not read"));
        }
        if now >= self.next_ping {
            self.next_ping = now + ping;
            if now.duration_since(self.heard) > 2 * ping {
                return Err(End::Gone);
            }
            self.outbox.ping()?;
        }
        if now >= self.next_tick {
            self.next_tick = now + tick;
            self.tell("tick", &json!({ "ts": self.context.gateway.clock.now() }))?;
            self.look_at_health();
        }
        Ok(())
    }

    /// Those who listen hear of the health with every tick.
    fn look_at_health(&mut self) {
        if self.events.is_some() && self.looking.is_none() {
            let (context, access) = (self.context.clone(), Arc::clone(&self.guest.access));
            let look = async move { Health::look(&context, access.only_tenant()).await };
            self.looking = Some(look.boxed());
        }
    }

    /// When something is to be done although nothing happens.
    fn deadline(&self) -> Instant {
        let patience = self.context.gateway.limits.write_stall;
        let stalled = self.outbox.behind_since().map(|since| since + patience);
        [Some(self.next_tick), Some(self.next_ping), stalled]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.next_tick)
    }
}
