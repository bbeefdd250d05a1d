//! What the platform is told of a turn: that it began, and how it ended.

use std::time::Duration;

use domain::{Coded as _, Occurrence, PlatformEvent};
use store::Claimed;
use uuid::Uuid;

use super::machine::Conclusion;
use crate::pool::Worker;
use crate::{Error, Shared};

/// A turn, for whoever wants to know of it.
pub(super) struct Told<'a> {
    pub(super) shared: &'a Shared,
    pub(super) claimed: &'a Claimed,
    pub(super) worker: &'a Worker,
}

// === impl Told ===

impl Told<'_> {
    pub(super) fn started(&self) {
        let waited =
            self.claimed.messages.first().map_or(Duration::ZERO, |message| {
                self.shared.clock.now().since(message.received_at)
            });
        self.tell(Occurrence::RequestStarted {
            request_id: self.request(),
            tenant_id: self.claimed.key.tenant.clone(),
            session_id: self.claimed.key.clone(),
            worker_id: self.worker.name(),
            waited_ms: milliseconds(waited),
        });
    }

    pub(super) fn ended(&self, conclusion: &Conclusion, took: Duration, timeout: Duration) {
        let Some(failed) = conclusion.failed() else { return };
        self.shared.workers.count(took, failed);
        let (request_id, session_id) = (self.request(), self.claimed.key.clone());
        let (tenant_id, worker_id) = (session_id.tenant.clone(), self.worker.name());
        let too_late = Error::Deadline { after: timeout }.code();
        if conclusion.code() == Some(too_late) {
            self.tell(Occurrence::RequestTimedOut {
                request_id,
                tenant_id,
                session_id,
                worker_id,
                timeout_ms: milliseconds(timeout),
            });
            return;
        }
        self.tell(Occurrence::RequestCompleted {
            request_id,
            tenant_id,
            session_id,
            worker_id,
            processing_time_ms: milliseconds(took),
            success: !failed,
        });
    }

    /// The message that began it all names the request.
    fn request(&self) -> Uuid {
        self.claimed.messages.first().map_or(Uuid::nil(), |message| message.id.0)
    }

    fn tell(&self, what: Occurrence) {
        let now = self.shared.clock.now();
        self.shared.bus.tell(PlatformEvent::new(what, now, self.request()));
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
