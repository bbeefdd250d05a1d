//! Which sizes of the pool fit a load and a machine, and why.
//!
//! Pure. Starts from the platform's table (requests per second to workers and queue) and bends it to what was
//! measured and to what the machine has. Refuses to propose anything from too little history.

mod load;

use serde::Serialize;

pub use load::{Load, TooLittle};

/// The settings of the pool that a load and a machine decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sizes {
    /// Workers that are there even when nothing is to do.
    pub min_workers: u64,
    /// Workers that there may be.
    pub max_workers: u64,
    /// Requests that may wait.
    pub max_queue_size: u64,
    /// How long one turn may take, in milliseconds.
    pub worker_timeout_ms: u64,
    /// Memory that one worker's process may use, in MiB.
    pub memory_limit_mb: u64,
}

/// What there is to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Processors that the process may use.
    pub processors: u64,
    /// Memory that the process may use, in bytes; `None` when it is not known.
    pub memory: Option<u64>,
}

/// A row of the platform's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The load it is for, in words.
    pub load: &'static str,
    /// Workers that are there even when nothing is to do.
    pub min_workers: u64,
    /// Workers that there may be.
    pub max_workers: u64,
    /// Requests that may wait.
    pub max_queue_size: u64,
}

/// What one setting should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The key in the section `concurrency`.
    pub setting: &'static str,
    /// What it is now.
    pub now: u64,
    /// What it should be.
    pub proposed: u64,
    /// Why, in one sentence.
    pub because: String,
}

/// What the pool should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The row of the table that it starts from.
    pub row: Row,
    /// Every setting, also those that should stay as they are.
    pub figures: Vec<Figure>,
}

const ROWS: [Row; 4] = [
    Row {
        load: "less than 10 requests per second",
        min_workers: 1,
        max_workers: 2,
        max_queue_size: 32,
    },
    Row {
        load: "10 to 50 requests per second",
        min_workers: 2,
        max_workers: 4,
        max_queue_size: 64,
    },
    Row {
        load: "50 to 200 requests per second",
        min_workers: 4,
        max_workers: 8,
        max_queue_size: 128,
    },
    Row {
        load: "more than 200 requests per second",
        min_workers: 8,
        max_workers: 16,
        max_queue_size: 256,
    },
];

/// A turn spends its time waiting for a model, so a processor carries several; beyond this they slow each
/// other down when their answers arrive together.
const MOST_PER_PROCESSOR: u64 = 4;
/// The smallest limit with which a worker's process is of use, in MiB.
const SMALLEST_LIMIT_MB: u64 = 256;
/// The platform's rule: this share of the memory, in hundredths, is for the workers and OpenClaw itself.
const MEMORY_SHARE: u64 = 80;
/// The platform's rule: this many may wait for each worker.
const QUEUE_PER_WORKER: (u64, u64) = (4, 8);
/// Nobody waits longer than this for an answer in a chat, in milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 600_000;

/// What the pool should be for this load on this machine. `stuck_threshold_ms` is how long a turn may be
/// silent; a turn may never take less.
///
/// # Errors
/// [`TooLittle`] when the history says too little.
pub fn propose(
    load: &Load,
    machine: Machine,
    now: Sizes,
    stuck_threshold_ms: u64,
) -> Result<Proposal, TooLittle> {
    load.suffices()?;
    let row = Row::of(load.busiest_minute);
    let (workers, because_workers) = workers(load, machine, row);
    let (workers, limit, because_limit) = memory(load, machine, workers, now.memory_limit_mb);
    let because_workers = match &because_limit {
        Memory::FewerWorkers(because) => because.clone(),
        _ => because_workers,
    };
    let figures = vec![
        Figure {
            setting: "minWorkers",
            now: now.min_workers,
            proposed: row.min_workers.min(workers),
            because: format!(
                "the busiest minute had {} requests, and for {} the table keeps {} ready",
                load.busiest_minute, row.load, row.min_workers
            ),
        },
        Figure {
            setting: "maxWorkers",
            now: now.max_workers,
            proposed: workers,
            because: because_workers,
        },
        queue(row, workers, now.max_queue_size),
        timeout(load, now.worker_timeout_ms, stuck_threshold_ms),
        Figure {
            setting: "memoryLimitMb",
            now: now.memory_limit_mb,
            proposed: limit,
            because: because_limit.sentence(machine, workers, limit),
        },
    ];
    Ok(Proposal { row, figures })
}

// === impl Row ===

impl Row {
    /// The row for so many requests in a minute.
    fn of(per_minute: u64) -> Self {
        let index = match per_minute {
            0..600 => 0,
            600..3_000 => 1,
            3_000..=12_000 => 2,
            _ => 3,
        };
        ROWS[index]
    }
}

// === impl Proposal ===

impl Proposal {
    /// The settings that should change.
    pub fn changes(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| figure.now != figure.proposed)
    }
}

// === impl Sizes ===

impl Default for Sizes {
    /// The platform's defaults.
    fn default() -> Self {
        Self {
            min_workers: 1,
            max_workers: 4,
            max_queue_size: 32,
            worker_timeout_ms: 120_000,
            memory_limit_mb: 512,
        }
    }
}

/// How many workers the load needs and the processors carry.
fn workers(load: &Load, machine: Machine, row: Row) -> (u64, String) {
    let processors = machine.processors.max(1);
    let (by_row, most) = (row.max_workers.min(processors), processors * MOST_PER_PROCESSOR);
    let needed = load.workers_needed;
    let has = counted(processors, "processor");
    if needed > most {
        let because = format!(
            "{needed} turns at once were needed, but more than {MOST_PER_PROCESSOR} on each of {has} would \
             slow each other down: a larger machine or a second instance helps"
        );
        return (most, because);
    }
    if needed > by_row {
        let because = format!(
            "{needed} turns at once were needed; turns mostly wait for the model, so {has} carry up to {most}"
        );
        return (needed, because);
    }
    if by_row < row.max_workers {
        let because = format!(
            "the table says {}, but this machine has {has} and never more than {needed} were needed",
            row.max_workers
        );
        return (by_row, because);
    }
    let because =
        format!("the table says so for {}, and never more than {needed} were needed", row.load);
    (by_row, because)
}

/// What the memory made of it.
enum Memory {
    Unknown,
    Fits,
    SmallerLimit(u64),
    FewerWorkers(String),
}

/// The platform's rule: all workers together stay within 80 % of the memory. What OpenClaw itself uses is
/// taken off first. The limit gives way before the workers do.
fn memory(load: &Load, machine: Machine, workers: u64, limit: u64) -> (u64, u64, Memory) {
    let Some(bytes) = machine.memory else { return (workers, limit, Memory::Unknown) };
    let own = load.memory >> 20;
    let room = (bytes >> 20).saturating_mul(MEMORY_SHARE) / 100;
    let room = room.saturating_sub(own).max(1);
    if workers.saturating_mul(limit) <= room {
        return (workers, limit, Memory::Fits);
    }
    let each = room / workers;
    if each >= SMALLEST_LIMIT_MB {
        return (workers, each, Memory::SmallerLimit(own));
    }
    let fewer = (room / SMALLEST_LIMIT_MB).clamp(1, workers);
    let each = limit.min(room / fewer).max(1);
    let because = format!(
        "{workers} would be right, but {MEMORY_SHARE} % of {} MB of memory, less {own} MB for OpenClaw itself, \
         holds {fewer} of at least {SMALLEST_LIMIT_MB} MB",
        bytes >> 20
    );
    (fewer, each, Memory::FewerWorkers(because))
}

fn queue(row: Row, workers: u64, now: u64) -> Figure {
    let (fewest, most) = (QUEUE_PER_WORKER.0 * workers, QUEUE_PER_WORKER.1 * workers);
    let proposed = row.max_queue_size.clamp(fewest, most);
    let of = counted(workers, "worker");
    let because = if proposed == row.max_queue_size {
        format!("the table says so, and it is between {fewest} and {most}, 4 to 8 for each of {of}")
    } else if proposed == most {
        format!(
            "the table says {}, but what waits behind 8 others for each of {of} waits too long",
            row.max_queue_size
        )
    } else {
        format!("the table says {}, but {of} need 4 each to stay busy", row.max_queue_size)
    };
    Figure { setting: "maxQueueSize", now, proposed, because }
}

fn timeout(load: &Load, now: u64, stuck_threshold_ms: u64) -> Figure {
    let twice = load.longest_ms.saturating_mul(2).div_ceil(1_000).saturating_mul(1_000);
    let lowest = stuck_threshold_ms.min(LONGEST_TIMEOUT_MS);
    let proposed = twice.clamp(lowest, LONGEST_TIMEOUT_MS);
    let longest = load.longest_ms.div_ceil(1_000);
    let because = if proposed == twice {
        format!(
            "twice the longest: 99 of 100 answers took less than {longest} s, even in the worst minute"
        )
    } else if proposed == lowest {
        format!(
            "twice the longest would be {} s, but a turn that hangs must first be found, after \
             stuckThresholdMs of silence",
            twice / 1_000
        )
    } else {
        format!(
            "twice the longest would be {} s, and nobody waits that long in a chat",
            twice / 1_000
        )
    };
    Figure { setting: "workerTimeoutMs", now, proposed, because }
}

// === impl Memory ===

impl Memory {
    fn sentence(&self, machine: Machine, workers: u64, limit: u64) -> String {
        let total = machine.memory.unwrap_or_default() >> 20;
        let of = counted(workers, "worker");
        match self {
            Self::Unknown => {
                "how much memory this machine has is not known, so it stays".to_owned()
            }
            Self::Fits => {
                format!("{of} of {limit} MB are within {MEMORY_SHARE} % of {total} MB of memory")
            }
            Self::SmallerLimit(own) => format!(
                "so {of}, and {own} MB for OpenClaw itself, stay within {MEMORY_SHARE} % of {total} MB of memory"
            ),
            Self::FewerWorkers(_) => format!(
                "so much is left for each of {of} of {MEMORY_SHARE} % of {total} MB of memory"
            ),
        }
    }
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests;
