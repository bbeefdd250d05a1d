//! The pool under a clock of its own: the real door, plan and workers; people and their model are made up.
//!
//! Owns the order in which things happen. Nothing here decides who comes in, who is next, or how many
//! workers there are: whatever it shows is what the engine does.

mod day;
mod fairness;
mod picture;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use domain::concurrency::{Concurrency, Priority};
use domain::queue::QueuePolicy;
use domain::tenant::Tier;
use domain::{Coded as _, Kind, SessionId, SessionKey, TenantSlug};
use testkit::{CountingIds, ManualClock};
use tokio::time::Instant;
use uuid::Uuid;

use super::fair::Standing;
use super::plan::{Plan, Start, Wish};
use crate::admission::Admission;
use crate::pool::{Worker, Workers};

/// A pool, those who write to it, and a model that has good and bad hours.
struct Rehearsal {
    settings: Concurrency,
    policy: QueuePolicy,
    members: Vec<Member>,
    /// When the model takes [`SLOWER`] times as long for its first word.
    brown_out: Range<Duration>,
    began: Instant,
    clock: Arc<ManualClock>,
    admission: Admission,
    workers: Workers,
    plan: Plan,
    /// What will happen, by when, then in the order in which it was foreseen.
    agenda: BTreeMap<(Duration, u64), Cue>,
    foreseen: u64,
    /// Messages that wait, by session.
    waiting: HashMap<SessionId, Vec<Message>>,
    seen: Seen,
}

/// A tenant.
#[derive(Debug, Clone)]
struct Member {
    slug: TenantSlug,
    tier: Tier,
}

/// What somebody writes, and what it makes of the model.
#[derive(Debug, Clone, Copy)]
struct Message {
    /// When it is written.
    at: Duration,
    /// Which member.
    tenant: usize,
    conversation: u32,
    /// Whether a platform keeps it for us and brings it again when it is refused.
    kept: bool,
    /// Estimated tokens of its words.
    tokens: u64,
    /// Tokens that the answer costs.
    cost: u64,
    /// How long the model takes for its first word on a good day.
    first: Duration,
    /// And for all the others.
    rest: Duration,
}

enum Cue {
    Offer(Message),
    End {
        session: SessionId,
        worker: Worker,
        cost: u64,
        took: Duration,
    },
    /// The watch over the workers.
    Look,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    waits: Vec<Wait>,
    samples: Vec<Sample>,
    /// When, and whose.
    refusals: Vec<(Duration, usize)>,
}

/// A message whose turn began.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// When it was written.
    at: Duration,
    tenant: usize,
    /// From then to the beginning of its turn, refusals and all.
    waited: Duration,
}

/// The pool in one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    level: f64,
    busy: usize,
    workers: usize,
    /// How long the session that waits longest has waited.
    age: Duration,
}

const SLOWER: u32 = 10;

// === impl Rehearsal ===

impl Rehearsal {
    fn new(settings: Concurrency, policy: QueuePolicy, members: Vec<Member>) -> Self {
        let (clock, admission) = (Arc::new(ManualClock::default()), Admission::default());
        let ids = Arc::new(CountingIds::default());
        let workers = Workers::new(
            move || settings,
            admission.clone(),
            Bus::default(),
            Arc::<ManualClock>::clone(&clock),
            ids,
        );
        Self {
            settings,
            policy,
            members,
            brown_out: Duration::ZERO..Duration::ZERO,
            began: Instant::now(),
            clock,
            admission,
            workers,
            plan: Plan::default(),
            agenda: BTreeMap::new(),
            foreseen: 0,
            waiting: HashMap::new(),
            seen: Seen::default(),
        }
    }

    /// Lets all of it happen, until everything that came in was answered. Tokio's clock must stand still.
    async fn run(mut self, messages: Vec<Message>) -> Seen {
        for message in messages {
            self.foresee(message.at, Cue::Offer(message));
        }
        self.foresee(Duration::ZERO, Cue::Look);
        while let Some(cue) = self.next().await {
            match cue {
                Some(Cue::Offer(message)) => self.offer(message),
                Some(Cue::End { session, worker, cost, took }) => {
                    self.workers.count(took, false);
                    drop(worker);
                    self.ended(session, cost);
                }
                Some(Cue::Look) => self.look(),
                None => {}
            }
            self.begin();
        }
        self.seen
    }

    /// Waits for what is next: a cue, or only that somebody seems to have finished writing. `None` at the end.
    async fn next(&mut self) -> Option<Option<Cue>> {
        let due = self.plan.next_due().filter(|_| self.workers.has_room());
        let due = due.map(|due| due.duration_since(self.began));
        let cue = self.agenda.first_key_value().map(|(&(at, _), _)| at);
        let next = match (due, cue) {
            (Some(due), Some(cue)) => due.min(cue),
            (due, cue) => due.or(cue)?,
        };
        let span = next.saturating_sub(self.now());
        if !span.is_zero() {
            tokio::time::advance(span).await;
            self.clock.advance(span);
        }
        Some((cue == Some(next)).then(|| self.agenda.pop_first().map(|(_, cue)| cue)).flatten())
    }

    /// The door.
    fn offer(&mut self, message: Message) {
        let member = &self.members[message.tenant];
        if !self.admission.knows(&member.slug) {
            self.admission.learn(&member.slug, member.tier);
        }
        let (key, now) = (self.key(message), Instant::now());
        match self.admission.decide(&key, "anna", self.workers.outlook(), now) {
            Ok(ticket) => {
                ticket.keep();
                let wish = self.wish(message);
                self.waiting.entry(wish.session).or_default().push(message);
                self.plan.arrived(wish, self.policy, now);
            }
            Err(refusal) => {
                self.seen.refusals.push((self.now(), message.tenant));
                let (Kind::Overloaded { retry_after } | Kind::Exhausted { retry_after }) =
                    refusal.kind()
                else {
                    panic!("{refusal} does not say when to come back")
                };
                if message.kept {
                    self.foresee(self.now() + retry_after, Cue::Offer(message));
                }
            }
        }
    }

    /// Every turn that may begin.
    fn begin(&mut self) {
        while self.workers.has_room() {
            let Some(Start { wish, .. }) = self.plan.take_due(Instant::now()) else { return };
            let worker = self.workers.hire(&wish.key).expect("there is room");
            self.admission.served(&wish.key);
            let (now, session) = (self.now(), wish.session);
            let mut took = Duration::ZERO;
            let mut cost = 0;
            for message in self.waiting.remove(&session).unwrap_or_default() {
                let Message { at, tenant, first, rest, .. } = message;
                let slower = if self.brown_out.contains(&now) { SLOWER } else { 1 };
                took = took.max(first * slower + rest);
                cost += message.cost;
                self.seen.waits.push(Wait { at, tenant, waited: now - at });
            }
            self.foresee(now + took, Cue::End { session, worker, cost, took });
        }
    }

    fn ended(&mut self, session: SessionId, cost: u64) {
        let now = Instant::now();
        if self.plan.ended(session, cost, None, now)
            && let Some(message) = self.waiting.get(&session).and_then(|all| all.first().copied())
        {
            self.admission.found(self.key(message), now);
        }
    }

    /// What the watch over the workers does, and a look at the figures.
    fn look(&mut self) {
        let now = Instant::now();
        self.workers.resize();
        self.admission.tidy(now);
        let outlook = self.workers.outlook();
        self.seen.samples.push(Sample {
            at: self.now(),
            level: outlook.pressure(self.admission.depth()).level(),
            busy: outlook.busy,
            workers: self.workers.standings().len(),
            age: self.admission.oldest(now),
        });
        if !self.agenda.is_empty() || self.plan.running() + self.plan.waiting() > 0 {
            self.foresee(self.now() + self.settings.heartbeat_interval, Cue::Look);
        }
    }

    fn foresee(&mut self, at: Duration, cue: Cue) {
        self.agenda.insert((at, self.foreseen), cue);
        self.foreseen += 1;
    }

    fn now(&self) -> Duration {
        Instant::now().duration_since(self.began)
    }

    fn key(&self, message: Message) -> SessionKey {
        let tenant = self.members[message.tenant].slug.clone();
        SessionKey::new(tenant, "web", &message.conversation.to_string()).unwrap()
    }

    fn wish(&self, message: Message) -> Wish {
        let tier = self.members[message.tenant].tier;
        let number = (message.tenant as u128) << 64 | u128::from(message.conversation);
        Wish {
            session: SessionId(Uuid::from_u128(number)),
            key: self.key(message),
            tokens: message.tokens,
            priority: Priority::Normal,
            standing: Standing {
                weight: tier.weight(),
                running: self.settings.share.of(tier).running,
            },
        }
    }
}

// === impl Member ===

impl Member {
    fn new(number: usize, tier: Tier) -> Self {
        Self { slug: format!("tenant-{number}").parse().unwrap(), tier }
    }

    /// What it is written in these seconds, so many messages in a million seconds as `rate` says of each. Every
    /// stream is drawn for itself: one more changes nothing in the others.
    fn messages(
        number: usize,
        seed: u64,
        seconds: Range<u64>,
        rate: impl Fn(u64) -> u32,
    ) -> Vec<Message> {
        let mut chance = fastrand::Rng::with_seed(seed << 16 | number as u64);
        let mut messages = Vec::new();
        for second in seconds {
            let mut left = rate(second);
            while left > 0 {
                if chance.u32(..MILLION) < left {
                    messages.push(message(number, second, &mut chance));
                }
                left = left.saturating_sub(MILLION);
            }
        }
        messages
    }
}

const MILLION: u32 = 1_000_000;
/// People who write to one tenant.
const PEOPLE: u32 = 40;

/// The model says its first word after a second, more or less, and 60 tokens in each second from then on.
fn message(tenant: usize, second: u64, chance: &mut fastrand::Rng) -> Message {
    let answer = chance.u64(40..300);
    Message {
        at: Duration::from_millis(second * 1_000 + chance.u64(..1_000)),
        tenant,
        conversation: chance.u32(..PEOPLE),
        kept: true,
        tokens: chance.u64(4..80),
        cost: chance.u64(400..1_600) + answer,
        first: Duration::from_millis(chance.u64(700..1_500)),
        rest: Duration::from_millis(answer * 1_000 / 60),
    }
}

/// The time that 95 of 100 stayed below.
fn p95(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    let rank = (waits.len() * 95).div_ceil(100);
    rank.checked_sub(1).map_or(Duration::ZERO, |last| waits[last])
}
