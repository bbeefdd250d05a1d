//! An answer, to whoever looks at the conversation now.

use bus::Bus;
use domain::message::Delivering;
use domain::{Answer, Channel, Delivery, SessionKey, Timestamp};

/// Delivers answers of the account `web`.
pub struct Web {
    bus: Bus,
}

// === impl Web ===

impl Web {
    /// Tells answers on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }
}

impl Channel for Web {
    fn serves(&self, account: &str) -> bool {
        account == domain::id::WEB
    }

    fn deliver<'a>(
        &'a self,
        session: &'a SessionKey,
        answer: &'a Answer,
        at: Timestamp,
    ) -> Delivering<'a> {
        crate::live::publish(&self.bus, session, answer, at);
        Box::pin(std::future::ready(Delivery::Sent))
    }
}
