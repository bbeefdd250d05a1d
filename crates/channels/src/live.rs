//! Delivery to whoever is connected now. The answer itself is in the transcript already, so nobody being
//! there loses nothing.

use bus::Bus;
use domain::{Answer, Event, EventBody, SessionKey, Timestamp};

pub(crate) fn publish(bus: &Bus, session: &SessionKey, answer: &Answer, at: Timestamp) {
    let Answer { id, run, merged, text, aborted, model, usage, .. } = answer.clone();
    let body = if aborted {
        EventBody::Aborted { run, merged, text }
    } else {
        EventBody::Replied { run, merged, reply: id, text, model, usage }
    };
    bus.publish(Event { session: session.clone(), at, body });
}
