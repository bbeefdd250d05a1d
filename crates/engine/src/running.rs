//! The turns that run now, so that one can be stopped from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::{RunId, SessionKey};
use tokio_util::sync::CancellationToken;

/// Why a turn is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A person stopped it, or the caller of the API went away.
    Person,
    /// A new message interrupts it.
    Interrupted,
    /// The process is stopping.
    Stopping,
}

/// The turns that run now; at most one in a session.
#[derive(Clone, Default)]
pub(crate) struct Running {
    turns: Arc<Mutex<HashMap<SessionKey, Turn>>>,
}

/// One running turn's place; it is given up when this is dropped.
pub(crate) struct Place {
    running: Running,
    session: SessionKey,
    stop: Stop,
}

/// Tells a turn that it is to stop, and why.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<Reason>>,
}

struct Turn {
    runs: Vec<RunId>,
    stop: Stop,
}

// === impl Running ===

impl Running {
    /// Takes a session's place for a turn that answers these runs.
    pub(crate) fn enter(&self, session: SessionKey, runs: Vec<RunId>) -> Place {
        let stop = Stop::default();
        self.lock().insert(session.clone(), Turn { runs, stop: stop.clone() });
        Place { running: self.clone(), session, stop }
    }

    /// Stops the turn of a session, if it answers `run` or no run is named.
    pub(crate) fn cancel(
        &self,
        session: &SessionKey,
        run: Option<&RunId>,
        reason: Reason,
    ) -> Vec<RunId> {
        let turns = self.lock();
        let Some(turn) = turns.get(session) else { return Vec::new() };
        if run.is_some_and(|run| !turn.runs.contains(run)) {
            return Vec::new();
        }
        turn.stop.now(reason);
        turn.runs.clone()
    }

    pub(crate) fn cancel_all(&self, reason: Reason) {
        for turn in self.lock().values() {
            turn.stop.now(reason);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Turn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.lock().remove(&self.session);
    }
}

// === impl Stop ===

impl Stop {
    /// The first reason counts.
    fn now(&self, reason: Reason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// Returns when the turn is to stop.
    pub(crate) async fn told(&self) -> Reason {
        self.token.cancelled().await;
        self.reason.get().copied().unwrap_or(Reason::Stopping)
    }
}
