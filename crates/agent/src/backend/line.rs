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
            pulse.beat();
            tokio::select! {
                biased;
                // The line is never closed.
                Ok(place) = &mut turn => return Ok(place),
                _ = beats.tick() => {}
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

#[cfg(test)]
mod tests {
    use domain::Coded as _;
    use domain::worker::Unwatched;
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_line_ends_somewhere_and_whoever_goes_leaves_room() {
        let line = Line::default();
        let enter = || Box::pin(line.enter("x", &Unwatched));
        let first = enter().await.unwrap();
        let mut waiting: Vec<_> = (0..LONGEST).map(|_| enter()).collect();
        for waiting in &mut waiting {
            assert!(poll!(waiting).is_pending());
        }
        let refused = enter().await.unwrap_err();
        assert_eq!(refused.code(), "backend-busy");
        drop(waiting.pop());
        let mut last = enter();
        assert!(poll!(&mut last).is_pending());
        drop(first);
        let second = waiting.remove(0).await.unwrap();
        assert!(poll!(&mut last).is_pending(), "one at a time");
        drop((second, waiting));
        drop(last.await.unwrap());
    }
}
