//! Events, told to whoever listens in this process.
//!
//! Owns fan-out: what happens in sessions, by tenant and by session, and what happens on the platform, to
//! whoever wants all of it. Never holds the only copy of anything. A listener that cannot keep up is told that
//! it missed something and reads the store again; it delays neither another listener nor the one who tells.

use std::any::Any;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use domain::{Event, PlatformEvent, SessionKey, TenantSlug, Witness};
use tokio::sync::broadcast;

/// What a listener wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// Everything.
    All,
    /// One tenant.
    Tenant(TenantSlug),
    /// One session.
    Session(SessionKey),
}

/// Tells events to listeners. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    topics: Arc<Topics>,
}

/// An event as all its listeners hear it, with room for what the first of them makes of it for all.
#[derive(Debug)]
pub struct Heard {
    event: Event,
    made: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// One listener's place; it is given up when this is dropped.
pub struct Subscription<E = Heard> {
    /// `None` only while it is being dropped.
    events: Option<broadcast::Receiver<Arc<E>>>,
    place: Option<Place>,
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

/// What must be given up with a subscription.
struct Place {
    topic: Topic,
    topics: Arc<Topics>,
}

struct Topics {
    all: broadcast::Sender<Arc<Heard>>,
    tenants: Places<TenantSlug>,
    sessions: Places<SessionKey>,
    platform: broadcast::Sender<Arc<PlatformEvent>>,
}

/// What is listened to now, and no more.
struct Places<K> {
    senders: RwLock<HashMap<K, broadcast::Sender<Arc<Heard>>>>,
    behind: usize,
}

/// Events that a listener may lag behind: of all or of a tenant, and of a session.
const BEHIND: usize = 1_024;
const BEHIND_IN_SESSION: usize = 512;
/// Events of the platform that a listener may lag behind: a turn makes about six of them.
const PLATFORM_BEHIND: usize = 8_192;

// === impl Bus ===

impl Default for Bus {
    fn default() -> Self {
        let topics = Topics {
            all: broadcast::Sender::new(BEHIND),
            tenants: Places::new(BEHIND),
            sessions: Places::new(BEHIND_IN_SESSION),
            platform: broadcast::Sender::new(PLATFORM_BEHIND),
        };
        Self { topics: Arc::new(topics) }
    }
}

impl Bus {
    /// Tells an event. Nobody listening is fine.
    pub fn publish(&self, event: Event) {
        let heard = Arc::new(Heard { event, made: OnceLock::new() });
        self.topics.sessions.tell(&heard.session, &heard);
        self.topics.tenants.tell(&heard.session.tenant, &heard);
        if self.topics.all.receiver_count() > 0 {
            // An error only says that nobody listens.
            drop(self.topics.all.send(heard));
        }
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
        Subscription { events: Some(self.topics.platform.subscribe()), place: None }
    }

    /// Whether anybody would hear an event of this session.
    #[must_use]
    pub fn is_heard(&self, session: &SessionKey) -> bool {
        self.topics.all.receiver_count() > 0
            || self.topics.tenants.is_heard(&session.tenant)
            || self.topics.sessions.is_heard(session)
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let events = match &topic {
            Topic::All => self.topics.all.subscribe(),
            Topic::Tenant(slug) => self.topics.tenants.subscribe(slug),
            Topic::Session(key) => self.topics.sessions.subscribe(key),
        };
        let place = Place { topic, topics: Arc::clone(&self.topics) };
        Subscription { events: Some(events), place: Some(place) }
    }
}

impl Witness for Bus {
    fn tell(&self, event: PlatformEvent) {
        Self::tell(self, event);
    }
}

// === impl Heard ===

impl Heard {
    /// What the first listener that asked made of the event, for every one that asks. All of them must ask
    /// for the same type: to the others there is `None`.
    pub fn made<T: Send + Sync + 'static>(&self, make: impl FnOnce(&Event) -> T) -> Option<&T> {
        self.made.get_or_init(|| Box::new(make(&self.event))).downcast_ref()
    }
}

impl Deref for Heard {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

// === impl Subscription ===

impl<E> Subscription<E> {
    /// The next event.
    ///
    /// # Errors
    /// [`Missed::Lagged`] when some were missed; listening goes on after it.
    pub async fn next(&mut self) -> Result<Arc<E>, Missed> {
        let Some(events) = &mut self.events else { return Err(Missed::Closed) };
        events.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => Missed::Lagged(missed),
            broadcast::error::RecvError::Closed => Missed::Closed,
        })
    }
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        let events = self.events.take();
        let Some(Place { topic, topics }) = &self.place else { return };
        match topic {
            Topic::All => {}
            Topic::Tenant(slug) => topics.tenants.give_up(slug, events),
            Topic::Session(key) => topics.sessions.give_up(key, events),
        }
    }
}

// === impl Places ===

impl<K: Clone + Eq + Hash> Places<K> {
    fn new(behind: usize) -> Self {
        Self { senders: RwLock::default(), behind }
    }

    fn tell(&self, key: &K, heard: &Arc<Heard>) {
        let senders = self.senders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(key) {
            // An error only says that nobody listens.
            drop(sender.send(Arc::clone(heard)));
        }
    }

    fn is_heard(&self, key: &K) -> bool {
        let senders = self.senders.read().unwrap_or_else(PoisonError::into_inner);
        senders.contains_key(key)
    }

    fn subscribe(&self, key: &K) -> broadcast::Receiver<Arc<Heard>> {
        let mut senders = self.senders.write().unwrap_or_else(PoisonError::into_inner);
        let place = senders.entry(key.clone());
        place.or_insert_with(|| broadcast::Sender::new(self.behind)).subscribe()
    }

    /// The last listener takes the place away.
    fn give_up<E>(&self, key: &K, events: Option<broadcast::Receiver<Arc<E>>>) {
        let mut senders = self.senders.write().unwrap_or_else(PoisonError::into_inner);
        drop(events);
        if senders.get(key).is_some_and(|sender| sender.receiver_count() == 0) {
            senders.remove(key);
        }
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

    #[tokio::test]
    async fn a_sessions_listener_hears_that_session_alone() {
        let bus = Bus::default();
        let key = |text: &str| -> SessionKey { text.parse().unwrap() };
        let mut one = bus.subscribe(Topic::Session(key("agent:one:web:a")));
        for (at, session) in
            ["agent:one:web:b", "agent:two:web:a", "agent:one:web:a"].iter().enumerate()
        {
            let at = Timestamp(i64::try_from(at).unwrap());
            bus.publish(Event { session: key(session), at, body: EventBody::Changed });
        }
        assert_eq!(one.next().await.unwrap().at, Timestamp(2));
        assert!(bus.is_heard(&key("agent:one:web:a")) && !bus.is_heard(&key("agent:one:web:b")));
    }

    #[test]
    fn nothing_is_kept_for_who_has_left() {
        let bus = Bus::default();
        let tenant: TenantSlug = "one".parse().unwrap();
        let session = SessionKey::first(tenant.clone());
        let topics = [Topic::Tenant(tenant), Topic::Session(session.clone()), Topic::All];
        for topic in topics {
            let first = bus.subscribe(topic.clone());
            let second = bus.subscribe(topic);
            drop(first);
            assert!(bus.is_heard(&session));
            drop(second);
            assert!(!bus.is_heard(&session));
        }
        assert!(bus.topics.tenants.senders.read().unwrap().is_empty());
        assert!(bus.topics.sessions.senders.read().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_one_listener_made_of_an_event_serves_all() {
        let bus = Bus::default();
        let mut listeners =
            [bus.subscribe(Topic::All), bus.subscribe(Topic::Tenant("one".parse().unwrap()))];
        bus.publish(event("one", 7));
        let mut times = 0;
        for listener in &mut listeners {
            let heard = listener.next().await.unwrap();
            let made = heard.made(|event| {
                times += 1;
                event.at.0.to_string()
            });
            assert_eq!(made.map(String::as_str), Some("7"));
            assert!(heard.made(|_| 1_u8).is_none(), "another type");
        }
        assert_eq!(times, 1);
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
