//! What the simulator has seen: the last requests, what became of them, and counts of everything.
//!
//! Owns the memory of it, which is bounded; refuses to keep the value of any key.

use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Uri};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many requests are remembered.
const REQUESTS: usize = 1_000;

/// How many bytes of request bodies are remembered.
const BODIES: usize = 16 * 1024 * 1024;

/// Headers whose values are keys.
const KEYS: [HeaderName; 4] =
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HeaderName::from_static("x-api-key")];

/// What the simulator has seen. Clones show the same journal.
#[derive(Clone)]
pub struct Journal(Arc<Book>);

/// One request.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts the requests from one.
    pub number: u64,
    /// Counts the connections from one.
    pub connection: u64,
    /// Since the simulator started.
    pub arrived: Duration,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers; the value of a key is replaced by `***`.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// The model it asks for.
    pub model: Option<String>,
    /// The status of the answer, once there is one.
    pub status: Option<u16>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is being answered.
    Running,
    /// Everything was sent.
    Finished,
    /// The client left before the end.
    CutByClient,
    /// The connection was broken on purpose.
    Broken,
    /// The simulator was stopped first.
    Stopped,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Requests that are being answered now.
    pub running: u64,
    /// The most requests that were being answered at the same time.
    pub most_running: u64,
    /// Requests whose client left before the end.
    pub cut_by_client: u64,
    /// Connections.
    pub connections: u64,
    /// Connections that are open now.
    pub open_connections: u64,
}

/// The right to say what became of one request; dropped unsaid, the client left.
pub struct Ticket {
    journal: Journal,
    number: u64,
    ended: bool,
}

/// An open connection; dropped when it closes.
pub struct OpenConnection {
    journal: Journal,
    /// Counts the connections from one.
    pub number: u64,
}

struct Book {
    started: Instant,
    pages: Mutex<Pages>,
    changed: Notify,
}

#[derive(Default)]
struct Pages {
    entries: VecDeque<Entry>,
    bytes: usize,
    counts: Counts,
    stopping: bool,
}

// === impl Journal ===

impl Journal {
    /// An empty journal.
    pub(crate) fn new() -> Self {
        let pages = Mutex::new(Pages::default());
        Self(Arc::new(Book { started: Instant::now(), pages, changed: Notify::new() }))
    }

    /// The last requests, oldest first: 1,000 at most, and 16 MiB of bodies.
    #[must_use]
    pub fn requests(&self) -> Vec<Entry> {
        self.pages().entries.iter().cloned().collect()
    }

    /// The last request.
    #[must_use]
    pub fn last(&self) -> Option<Entry> {
        self.pages().entries.back().cloned()
    }

    /// Counts of everything, also of what is no longer remembered.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.pages().counts
    }

    /// Waits until the predicate holds; it is asked again after every change.
    pub async fn wait_for(&self, mut predicate: impl FnMut(&Self) -> bool) {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if predicate(self) {
                return;
            }
            changed.await;
        }
    }

    /// Notes a connection.
    pub(crate) fn connect(&self) -> OpenConnection {
        let number = self.change(|pages| {
            pages.counts.connections += 1;
            pages.counts.open_connections += 1;
            pages.counts.connections
        });
        OpenConnection { journal: self.clone(), number }
    }

    /// Notes a request.
    pub(crate) fn note(
        &self,
        connection: u64,
        parts: http::request::Parts,
        body: Bytes,
        model: Option<&str>,
    ) -> Ticket {
        let http::request::Parts { method, uri, mut headers, .. } = parts;
        for key in KEYS {
            if let Some(value) = headers.get_mut(&key) {
                *value = HeaderValue::from_static("***");
            }
        }
        let entry = Entry {
            number: 0,
            connection,
            arrived: self.0.started.elapsed(),
            method,
            uri,
            headers,
            body,
            model: model.map(str::to_owned),
            status: None,
            outcome: Outcome::Running,
        };
        let number = self.change(|pages| pages.add(entry));
        Ticket { journal: self.clone(), number, ended: false }
    }

    /// From now on an unfinished request was stopped by us, not left by its client.
    pub(crate) fn stop(&self) {
        self.change(|pages| pages.stopping = true);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        let changed = change(&mut self.pages());
        self.0.changed.notify_waiters();
        changed
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

// === impl Entry ===

impl Entry {
    /// The body as JSON, if it is any.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the client left before the end.
    #[must_use]
    pub fn cut_by_client(&self) -> bool {
        self.outcome == Outcome::CutByClient
    }
}

// === impl Ticket ===

impl Ticket {
    /// The number of the request.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Notes the status of the answer.
    pub fn status(&self, status: u16) {
        self.journal.change(|pages| {
            if let Some(entry) = pages.entry(self.number) {
                entry.status = Some(status);
            }
        });
    }

    /// Notes what became of the request. Only the first word counts.
    pub fn end(&mut self, outcome: Outcome) {
        if !self.ended {
            self.ended = true;
            self.journal.change(|pages| pages.end(self.number, outcome));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let stopping = !self.ended && self.journal.pages().stopping;
        self.end(if stopping { Outcome::Stopped } else { Outcome::CutByClient });
    }
}

// === impl OpenConnection ===

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.journal.change(|pages| pages.counts.open_connections -= 1);
    }
}

// === impl Pages ===

impl Pages {
    fn add(&mut self, mut entry: Entry) -> u64 {
        self.counts.requests += 1;
        self.counts.running += 1;
        self.counts.most_running = self.counts.most_running.max(self.counts.running);
        entry.number = self.counts.requests;
        self.bytes += entry.body.len();
        self.entries.push_back(entry);
        while self.entries.len() > REQUESTS || (self.bytes > BODIES && self.entries.len() > 1) {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |entry| entry.body.len());
        }
        self.counts.requests
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.number;
        self.entries.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    fn end(&mut self, number: u64, outcome: Outcome) {
        self.counts.running -= 1;
        self.counts.cut_by_client += u64::from(outcome == Outcome::CutByClient);
        if let Some(entry) = self.entry(number) {
            entry.outcome = outcome;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(journal: &Journal, body: &'static [u8]) -> Ticket {
        let request = http::Request::post("/v1/messages").header("x-api-key", "sk-secret");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        journal.note(1, parts, Bytes::from_static(body), Some("echo"))
    }

    #[test]
    fn memory_is_bounded_and_counts_go_on() {
        let journal = Journal::new();
        let first = note(&journal, b"{}");
        for _ in 0..REQUESTS + 5 {
            note(&journal, b"{}").end(Outcome::Finished);
        }
        assert_eq!(journal.requests().len(), REQUESTS);
        assert_eq!(journal.counts().requests, REQUESTS as u64 + 6);
        drop(first);
        assert_eq!((journal.counts().running, journal.counts().cut_by_client), (0, 1));
        static BIG: [u8; 9 << 20] = [0; 9 << 20];
        note(&journal, &BIG).end(Outcome::Finished);
        note(&journal, &BIG).end(Outcome::Finished);
        assert_eq!(journal.requests().len(), 1);
    }

    #[test]
    fn keys_are_not_kept() {
        let journal = Journal::new();
        let ticket = note(&journal, b"{\"model\":\"echo\"}");
        ticket.status(200);
        let entry = journal.last().unwrap();
        assert_eq!(entry.header("x-api-key"), Some("***"));
        assert_eq!((entry.status, entry.outcome), (Some(200), Outcome::Running));
        assert!(!format!("{entry:?}").contains("sk-secret"));
        drop(ticket);
        assert!(journal.last().unwrap().cut_by_client());
    }

    #[tokio::test]
    async fn waits_for_what_comes_later() {
        let journal = Journal::new();
        let ticket = note(&journal, b"");
        let leave = async { drop(ticket) };
        tokio::join!(journal.wait_for(|journal| journal.counts().cut_by_client == 1), leave);
        assert_eq!(journal.counts().running, 0);
    }
}
