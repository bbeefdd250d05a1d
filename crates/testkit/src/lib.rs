//! What tests stand on: a clock that can be moved, ids that can be foreseen, a fresh store on each engine.
//!
//! Only for tests: whatever goes wrong here panics, because that is how a test says so.
#![expect(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod world;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{Clock, Ids, Timestamp, Uptime};

pub use world::{Engine, World};

/// A clock that stands still until it is moved, or let run.
#[derive(Debug)]
pub struct ManualClock {
    at: AtomicI64,
    jumped: AtomicI64,
    running_since: OnceLock<Instant>,
}

/// Ids that count up: the same test gets the same ids in every run.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

/// Runs an async test on both engines: `both_engines!(async fn name(world: &World) { ... });` makes the
/// tests `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: &World) $body:block)*) => {
        $(
            async fn $name($world: &$crate::World) $body

            $(#[$meta])*
            mod $name {
                #[test]
                fn sqlite() {
                    $crate::World::run($crate::Engine::Sqlite, async |world| super::$name(world).await);
                }

                #[test]
                fn postgres() {
                    $crate::World::run($crate::Engine::Postgres, async |world| super::$name(world).await);
                }
            }
        )*
    };
}

// === impl ManualClock ===

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            at: AtomicI64::new(1_790_000_000_000),
            jumped: AtomicI64::new(0),
            running_since: OnceLock::new(),
        }
    }
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        let span =
            i64::try_from(span.as_millis()).expect("a test moves the clock by less than ages");
        self.at.fetch_add(span, Ordering::SeqCst);
    }

    /// Sets the wall clock so much forward, or back, while no time passes.
    pub fn jump(&self, milliseconds: i64) {
        self.jumped.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// The moment if nobody had ever set the clock.
    fn unmoved(&self) -> Timestamp {
        let ran = self.running_since.get().map(Instant::elapsed).unwrap_or_default();
        Timestamp(self.at.load(Ordering::SeqCst)).after(ran)
    }

    /// Lets it run from now on as a real clock does.
    pub fn let_run(&self) {
        self.running_since.get_or_init(Instant::now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.unmoved().0 + self.jumped.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        Uptime { boot: uuid::Uuid::from_u128(1), span: self.unmoved().since(Timestamp(0)) }
    }
}

// === impl CountingIds ===

impl Ids for CountingIds {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in bytes.iter_mut().rev().zip(count.iter().rev()) {
            *byte = *value;
        }
    }
}
