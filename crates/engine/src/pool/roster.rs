//! The workers there are and what each does. Pure: time and readings are handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::concurrency::{Concurrency, WorkerStanding};
use domain::worker::{RecycleReason, Signs, WorkerState};
use domain::{SessionKey, Timestamp};
use tokio::time::Instant;

/// The workers there are.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// By their number. Those that died are gone.
    workers: BTreeMap<u64, Worker>,
    /// The number of the next one.
    next: u64,
}

#[derive(Debug)]
struct Worker {
    session: Option<SessionKey>,
    turns: u64,
    started_at: Timestamp,
    heard: Instant,
    pid: Option<u32>,
    memory: u64,
    draining: Option<RecycleReason>,
    /// As it was last told.
    state: WorkerState,
}

/// Something that the watch over the workers found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing was heard for too long: its turn is to be ended.
    Stuck { worker: u64, silent: Duration },
    /// Its process uses too much memory: its turn is to be ended.
    OverMemory { worker: u64, bytes: u64 },
}

/// A change that somebody may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Spawned { worker: u64 },
    Recycled { worker: u64, reason: RecycleReason, request_count: u64 },
}

// === impl Roster ===

impl Roster {
    /// Gives a session a worker: an idle one, or a new one while there may be more.
    pub(super) fn hire(
        &mut self,
        session: &SessionKey,
        settings: &Concurrency,
        now: Instant,
        wall: Timestamp,
        told: &mut Vec<Change>,
    ) -> Option<u64> {
        // After the settings shrank there may be more workers than may run.
        if self.busy() >= settings.max_workers {
            return None;
        }
        let idle = self.workers.iter().find(|(_, worker)| worker.is_idle()).map(|(&id, _)| id);
        let id = match idle {
            Some(id) => id,
            None => self.spawn(now, wall, told),
        };
        let worker = self.workers.get_mut(&id)?;
        worker.session = Some(session.clone());
        worker.turns += 1;
        worker.heard = now;
        worker.state = WorkerState::Busy;
        Some(id)
    }

    /// A worker's turn is over. One that has run as many turns as it may, or that was to be replaced, ends.
    pub(super) fn release(
        &mut self,
        id: u64,
        settings: &Concurrency,
        now: Instant,
        wall: Timestamp,
        told: &mut Vec<Change>,
    ) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let over = worker.turns >= settings.max_requests_per_worker;
        let reason = worker.draining.or(over.then_some(RecycleReason::RequestLimit));
        // Whoever was stuck is not trusted with another turn, though nobody counts that as recycling.
        if reason.is_some() || worker.state == WorkerState::Stuck {
            let request_count = worker.turns;
            self.workers.remove(&id);
            let change = |reason| Change::Recycled { worker: id, reason, request_count };
            told.extend(reason.map(change));
        } else {
            worker.session = None;
            worker.pid = None;
            worker.memory = 0;
            worker.heard = now;
            worker.state = WorkerState::Idle;
        }
        self.resize(settings, settings.min_workers, now, wall, told);
    }

    pub(super) fn beat(&mut self, id: u64, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.heard = now;
        }
    }

    pub(super) fn process(&mut self, id: u64, pid: Option<u32>) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.pid = pid;
            worker.memory = 0;
        }
    }

    /// The processes that workers run now.
    pub(super) fn processes(&self) -> Vec<(u64, u32)> {
        self.workers.iter().filter_map(|(&id, worker)| Some((id, worker.pid?))).collect()
    }

    /// Looks at every worker. `memory` are readings of processes, in bytes, by worker.
    pub(super) fn examine(
        &mut self,
        settings: &Concurrency,
        memory: &[(u64, u64)],
        now: Instant,
    ) -> Vec<Finding> {
        for (id, bytes) in memory {
            if let Some(worker) = self.workers.get_mut(id) {
                worker.memory = *bytes;
            }
        }
        let mut found = Vec::new();
        for (&id, worker) in &mut self.workers {
            let seen =
                WorkerState::of(worker.signs(now), settings.memory_limit, settings.stuck_threshold);
            if seen == worker.state || !worker.state.may_become(seen) {
                continue;
            }
            match seen {
                WorkerState::Stuck => {
                    let silent = now.duration_since(worker.heard);
                    found.push(Finding::Stuck { worker: id, silent });
                    worker.state = seen;
                }
                // Its process is over its memory. The worker goes when its turn has let go of it.
                WorkerState::Dead => {
                    found.push(Finding::OverMemory { worker: id, bytes: worker.memory });
                    worker.draining = Some(RecycleReason::MemoryLimit);
                    worker.state = WorkerState::Draining;
                }
                WorkerState::Idle | WorkerState::Busy | WorkerState::Draining => {
                    worker.state = seen;
                }
            }
        }
        found
    }

    /// Brings the number of workers nearer to `wanted`: up at once, down by one idle worker, so that a
    /// short calm does not undo what a burst will need again.
    pub(super) fn resize(
        &mut self,
        settings: &Concurrency,
        wanted: usize,
        now: Instant,
        wall: Timestamp,
        told: &mut Vec<Change>,
    ) {
        let wanted = wanted.clamp(settings.min_workers, settings.max_workers);
        while self.workers.len() < wanted {
            self.spawn(now, wall, told);
        }
        if self.workers.len() > wanted
            && let Some(id) =
                self.workers.iter().rev().find(|(_, w)| w.is_idle()).map(|(&id, _)| id)
        {
            self.workers.remove(&id);
        }
    }

    /// Lets a worker end after its turn, or at once when it has none.
    pub(super) fn recycle(&mut self, id: u64, told: &mut Vec<Change>) -> bool {
        let Some(worker) = self.workers.get_mut(&id) else { return false };
        if worker.is_idle() {
            let (reason, request_count) = (RecycleReason::Manual, worker.turns);
            self.workers.remove(&id);
            told.push(Change::Recycled { worker: id, reason, request_count });
        } else if worker.draining.is_none() {
            worker.draining = Some(RecycleReason::Manual);
            worker.state = WorkerState::Draining;
        }
        true
    }

    /// How many workers are in this state.
    pub(super) fn count(&self, state: WorkerState) -> usize {
        self.workers.values().filter(|worker| worker.state == state).count()
    }

    /// How many run a turn.
    pub(super) fn busy(&self) -> usize {
        self.workers.values().filter(|worker| worker.session.is_some()).count()
    }

    pub(super) fn standings(&self, now: Instant) -> Vec<WorkerStanding> {
        self.workers.iter().map(|(&id, worker)| worker.standing(id, now)).collect()
    }

    fn spawn(&mut self, now: Instant, wall: Timestamp, told: &mut Vec<Change>) -> u64 {
        let id = self.next;
        self.next += 1;
        let worker = Worker {
            session: None,
            turns: 0,
            started_at: wall,
            heard: now,
            pid: None,
            memory: 0,
            draining: None,
            state: WorkerState::Idle,
        };
        self.workers.insert(id, worker);
        told.push(Change::Spawned { worker: id });
        id
    }
}

// === impl Worker ===

impl Worker {
    fn is_idle(&self) -> bool {
        self.session.is_none()
    }

    fn signs(&self, now: Instant) -> Signs {
        Signs {
            ended: false,
            draining: self.draining.is_some(),
            busy: self.session.is_some(),
            silent: now.duration_since(self.heard),
            memory: self.memory,
        }
    }

    fn standing(&self, id: u64, now: Instant) -> WorkerStanding {
        WorkerStanding {
            id: name(id),
            state: self.state,
            session: self.session.clone(),
            request_count: self.turns,
            started_at: self.started_at,
            silent_ms: u64::try_from(now.duration_since(self.heard).as_millis())
                .unwrap_or(u64::MAX),
            memory_bytes: self.memory,
            pid: self.pid,
        }
    }
}

/// A worker's name, as people see it.
pub(super) fn name(id: u64) -> String {
    format!("worker-{id}")
}

/// The number in a worker's name.
pub(super) fn number(name: &str) -> Option<u64> {
    name.strip_prefix("worker-")?.parse().ok()
}

#[cfg(test)]
mod tests;
