//! Delivery to whoever is connected now: an event on the bus.
//!
//! The answer itself is in the transcript already, so nobody being there loses nothing: the page reads it
//! when it is opened, and a program that asks again under the same key is given it.

use bus::Bus;
use domain::message::Delivering;
use domain::{Answer, Channel, Delivery, Event, EventBody, SessionKey, Timestamp};

/// Delivers the answers of one account.
pub struct Live {
    account: &'static str,
    bus: Bus,
}

// === impl Live ===

impl Live {
    /// For the built-in page and everything else that speaks the gateway's own protocol.
    #[must_use]
    pub fn web(bus: Bus) -> Self {
        Self { account: domain::id::WEB, bus }
    }

    /// For programs that wait for the answer to a request.
    #[must_use]
    pub fn api(bus: Bus) -> Self {
        Self { account: domain::id::API, bus }
    }
}

impl Channel for Live {
    fn serves(&self, account: &str) -> bool {
        account == self.account
    }

    fn is_live(&self) -> bool {
        true
    }

    fn deliver<'a>(
        &'a self,
        session: &'a SessionKey,
        answer: &'a Answer,
        at: Timestamp,
    ) -> Delivering<'a> {
        let Answer { id, run, merged, text, aborted, model, usage, .. } = answer.clone();
        let body = if aborted {
            EventBody::Aborted { run, merged, text }
        } else {
            EventBody::Replied { run, merged, reply: id, text, model, usage }
        };
        self.bus.publish(Event { session: session.clone(), at, body });
        Box::pin(std::future::ready(Delivery::Sent))
    }
}
