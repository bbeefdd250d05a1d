//! The bell that every database of a store shares: it rings when a disk has failed.
//!
//! Owns one fact for the rest of the process's life; nothing can take it back.

use tokio::sync::watch;

/// Whether a disk has failed in a way after which nothing may be acknowledged. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Alarm(watch::Sender<bool>);

// === impl Alarm ===

impl Alarm {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn ring(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_ringing(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it rings.
    pub(crate) async fn ringing(&self) {
        // It fails when every sender is gone, and `self` is one.
        drop(self.0.subscribe().wait_for(|rings| *rings).await);
    }
}
