//! Why a turn did not end with an answer.

use std::time::Duration;

use domain::{Coded, Kind};

/// A failed turn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model could not be asked, or did not answer.
    #[error(transparent)]
    Model(#[from] llm::Error),
    /// The model answered with nothing.
    #[error(
        "{model} answered with nothing; it is asked again, and if that stays so choose another model"
    )]
    Empty {
        /// Which.
        model: String,
    },
    /// The turn took too long.
    #[error("the turn took longer than {}s; shorten the question or choose a faster model", after.as_secs())]
    Deadline {
        /// How long it may take.
        after: Duration,
    },
    /// Nothing was heard from the worker.
    #[error(
        "nothing was heard from the model for {}s, so the turn was ended; it is tried again, and if that stays so \
         choose another model or raise concurrency.stuckThresholdMs",
        silent.as_secs()
    )]
    Stuck {
        /// For how long.
        silent: Duration,
    },
    /// The worker's process used too much memory.
    #[error(
        "the worker's process used {} MiB of memory and may use {} MiB (concurrency.memoryLimitMb), so it was ended; \
         ask for less at once or raise the limit",
        bytes >> 20, limit >> 20
    )]
    Memory {
        /// What it used, in bytes.
        bytes: u64,
        /// What it may use, in bytes.
        limit: u64,
    },
    /// The tenant's workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] agent::Error),
    /// Nobody can say what the call would cost, and money is counted.
    #[error(transparent)]
    Price(#[from] config::Unpriced),
    /// The store did not answer, or a budget does not allow it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A defect of ours.
    #[error(
        "the turn broke off by a defect of OpenClaw; please report it with the log of this moment"
    )]
    Defect,
}

// === impl Error ===

impl Error {
    /// Whether trying again can help without anybody changing anything.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Model(error) => error.is_transient(),
            Self::Store(error) => error.is_passing(),
            Self::Empty { .. }
            | Self::Deadline { .. }
            | Self::Stuck { .. }
            | Self::Memory { .. }
            | Self::Defect => true,
            Self::Workspace(_) | Self::Price(_) => false,
        }
    }

    /// When the provider said that asking again makes sense.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model(error) => error.retry_after(),
            Self::Store(store::Error::Budget(exceeded)) if !exceeded.needs_approval => {
                Some(exceeded.retry_after)
            }
            _ => None,
        }
    }
}

impl Coded for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Model(error) => error.kind(),
            Self::Workspace(error) => error.kind(),
            Self::Price(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Empty { .. }
            | Self::Deadline { .. }
            | Self::Stuck { .. }
            | Self::Memory { .. } => Kind::Upstream,
            Self::Defect => Kind::Internal,
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Model(error) => error.figures(),
            Self::Store(error) => error.figures(),
            _ => Vec::new(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Model(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Price(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Empty { .. } => "model-empty-answer",
            Self::Deadline { .. } => "turn-deadline",
            Self::Stuck { .. } => "worker-stuck",
            Self::Memory { .. } => "worker-memory",
            Self::Defect => "turn-defect",
        }
    }
}
