//! An answer, to the request that waits for it. If nobody waits any more, asking again under the same key
//! finds it in the transcript.

use bus::Bus;
use domain::message::Delivering;
use domain::{Answer, Channel, Delivery, SessionKey, Timestamp};

/// Delivers answers of the account `api`.
pub struct Api {
    bus: Bus,
}

// === impl Api ===

impl Api {
    /// Tells answers on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }
}

impl Channel for Api {
    fn serves(&self, account: &str) -> bool {
        account == domain::id::API
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
