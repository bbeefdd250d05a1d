//! Events, told to whoever listens in this process.
//!
//! Owns fan-out: what happens in sessions, by tenant, and what happens on the platform, to whoever wants all
//! of it. Never holds the only copy of anything. A listener that cannot keep up is told that it missed
//! something and reads the store again; it delays neither another listener nor the one who tells.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use domain::{Event, PlatformEvent, TenantSlug, Witness};
use tokio::sync::broadcast;

/// What a listener wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// Everything.
    All,
    /// One tenant.
    Tenant(TenantSlug),
}

/// Tells events to listeners. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    topics: Arc<Topics>,
}

/// One listener's place.
pub struct Subscription<E = Event> {
    events: broadcast::Receiver<Arc<E>>,
}

/// Why there is no next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// This many were missed; what comes next is complete again.
    #[error("{0} events were missed; read the store again")]
    Lagged(u64),
    /// Nobody will tell anything any more.
    #[error("the process is stopping")]
    Closed,
}

struct Topics {
    all: broadcast::Sender<Arc<Event>>,
    tenants: RwLock<HashMap<TenantSlug, broadcast::Sender<Arc<Event>>>>,
    platform: broadcast::Sender<Arc<PlatformEvent>>,
}

/// Events that a listener may lag behind.
const BEHIND: usize = 1_024;
/// Events of the platform that a listener may lag behind: a turn makes about six of them.
const PLATFORM_BEHIND: usize = 8_192;

// === impl Bus ===

impl Default for Bus {
    fn default() -> Self {
        let topics = Topics {
            all: broadcast::Sender::new(BEHIND),
            tenants: RwLock::default(),
            platform: broadcast::Sender::new(PLATFORM_BEHIND),
        };
        Self { topics: Arc::new(topics) }
    }
}

impl Bus {
    /// Tells an event. Nobody listening is fine.
    pub fn publish(&self, event: Event) {
        let event = Arc::new(event);
        let tenants = self.topics.tenants.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&event.session.tenant) {
            // An error only says that nobody listens.
            drop(tenant.send(Arc::clone(&event)));
        }
        drop(tenants);
        drop(self.topics.all.send(event));
    }

    /// Tells what happened on the platform. Nobody listening is fine.
    pub fn tell(&self, event: PlatformEvent) {
        if self.topics.platform.receiver_count() > 0 {
            drop(self.topics.platform.send(Arc::new(event)));
        }
    }

    /// Listens to everything that happens on the platform, from now on.
    #[must_use]
    pub fn subscribe_all(&self) -> Subscription<PlatformEvent> {
        Subscription { events: self.topics.platform.subscribe() }
    }

    /// Whether anybody would hear an event of this tenant.
    #[must_use]
    pub fn is_heard(&self, tenant: &TenantSlug) -> bool {
        let tenants = self.topics.tenants.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.topics.all.receiver_count() > 0
            || tenants.get(tenant).is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let events = match topic {
            Topic::All => self.topics.all.subscribe(),
            Topic::Tenant(slug) => {
                let mut tenants =
                    self.topics.tenants.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                tenants.retain(|_, sender| sender.receiver_count() > 0);
                tenants.entry(slug).or_insert_with(|| broadcast::Sender::new(BEHIND)).subscribe()
            }
        };
        Subscription { events }
    }
}

impl Witness for Bus {
    fn tell(&self, event: PlatformEvent) {
        Self::tell(self, event);
    }
}

// === impl Subscription ===

impl<E> Subscription<E> {
    /// The next event.
    ///
    /// # Errors
    /// [`Missed::Lagged`] when some were missed; listening goes on after it.
    pub async fn next(&mut self) -> Result<Arc<E>, Missed> {
        self.events.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => Missed::Lagged(missed),
            broadcast::error::RecvError::Closed => Missed::Closed,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{EventBody, SessionKey, Timestamp};

    use super::*;

    fn event(tenant: &str, at: i64) -> Event {
        let session = SessionKey::first(tenant.parse().unwrap());
        Event { session, at: Timestamp(at), body: EventBody::Changed }
    }

    #[tokio::test]
    async fn a_tenants_listener_hears_that_tenant_alone() {
        let bus = Bus::default();
        let mut one = bus.subscribe(Topic::Tenant("one".parse().unwrap()));
        let mut all = bus.subscribe(Topic::All);
        bus.publish(event("two", 1));
        bus.publish(event("one", 2));
        assert_eq!(one.next().await.unwrap().at, Timestamp(2));
        assert_eq!(all.next().await.unwrap().at, Timestamp(1));
        assert_eq!(all.next().await.unwrap().at, Timestamp(2));
    }

    fn told(at: i64) -> PlatformEvent {
        let what = domain::Occurrence::TenantSuspended { tenant_id: "one".parse().unwrap() };
        PlatformEvent::new(what, Timestamp(at), uuid::Uuid::nil())
    }

    #[tokio::test]
    async fn a_subscriber_that_fails_or_sleeps_harms_nobody() {
        let bus = Bus::default();
        let (mut failing, mut slow) = (bus.subscribe_all(), bus.subscribe_all());
        let mut good = bus.subscribe_all();
        let fails = tokio::spawn(async move {
            drop(failing.next().await);
            panic!("a subscriber breaks");
        });
        bus.tell(told(0));
        assert!(fails.await.is_err());
        for at in 1..=i64::try_from(PLATFORM_BEHIND).unwrap() {
            bus.tell(told(at));
            assert_eq!(good.next().await.unwrap().timestamp, Timestamp(at - 1));
        }
        assert_eq!(slow.next().await.unwrap_err(), Missed::Lagged(1));
        assert_eq!(slow.next().await.unwrap().timestamp, Timestamp(1));
    }

    #[tokio::test]
    async fn who_lags_is_told() {
        let bus = Bus::default();
        let mut slow = bus.subscribe(Topic::All);
        for at in 0..=i64::try_from(BEHIND).unwrap() {
            bus.publish(event("one", at));
        }
        assert_eq!(slow.next().await.unwrap_err(), Missed::Lagged(1));
        assert_eq!(slow.next().await.unwrap().at, Timestamp(1));
    }
}
