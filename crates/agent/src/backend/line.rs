//! Where the calls of a program wait that runs one at a time.
//!
//! Refuses to let the line grow without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::Pulse;
use llm::ProgramError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::interval;

/// The line before one program. Its copies are the same line.
#[derive(Debug, Clone)]
pub struct Line {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// The right to run; the next one has it when this is dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// Leaves the line when dropped.
struct Waiting(Arc<AtomicUsize>);

/// Most calls that wait.
pub(super) const LONGEST: usize = 64;
/// Whoever waits in line is well: it says so this often.
const BEAT: Duration = Duration::from_secs(1);

// === impl Line ===

impl Line {
    /// Waits for its turn.
    pub(super) async fn enter(
        &self,
        provider: &str,
        pulse: &dyn Pulse,
    ) -> Result<Place, ProgramError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(Arc::clone(&self.waiting));
        if before >= LONGEST {
            return Err(ProgramError::Busy { provider: provider.to_owned(), waiting: before });
        }
        let turn = Arc::clone(&self.running).acquire_owned();
        tokio::pin!(turn);
        let mut beats = interval(BEAT);
        loop {
            tokio::select! {
                biased;
                // The line is never closed.
                Ok(place) = &mut turn => return Ok(place),
                _ = beats.tick() => pulse.beat(),
            }
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(1)), waiting: Arc::default() }
    }
}

// === impl Waiting ===

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
