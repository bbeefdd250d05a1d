//! How often an address may guess.
//!
//! Owns the count of wrong credentials by address, in bounded memory; refuses an address that guessed too
//! often, also when it comes with the right one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::AddressKey;
use crate::{Error, Limits};

/// Counts failures and locks addresses out.
#[derive(Debug)]
pub struct FailureLimiter {
    allowed: u32,
    window: Duration,
    lockout: Duration,
    exempt_loopback: bool,
    capacity: usize,
    addresses: Mutex<HashMap<AddressKey, Record>>,
}

/// Frames of one socket: a bucket that fills steadily.
#[derive(Debug, Clone)]
pub struct Bucket {
    level: f64,
    rate: f64,
    burst: f64,
    filled: Instant,
}

#[derive(Debug)]
struct Record {
    failures: u32,
    since: Instant,
    locked_until: Option<Instant>,
}

// === impl FailureLimiter ===

impl FailureLimiter {
    /// A limiter with nothing counted yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            allowed: limits.failures,
            window: limits.failure_window,
            lockout: limits.lockout,
            exempt_loopback: limits.exempt_loopback,
            capacity: limits.failure_addresses,
            addresses: Mutex::default(),
        }
    }

    /// Whether the address may try a credential.
    ///
    /// # Errors
    /// [`Error::LockedOut`] while it may not.
    pub fn check(&self, address: AddressKey) -> Result<(), Error> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match addresses.get(&address).and_then(|record| record.locked_until) {
            Some(until) if until > now => Err(Error::LockedOut { retry_after: until - now }),
            _ => Ok(()),
        }
    }

    /// Counts a wrong credential.
    pub fn failed(&self, address: AddressKey) {
        if self.exempt_loopback && address.is_loopback() {
            return;
        }
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if addresses.len() >= self.capacity && !addresses.contains_key(&address) {
            self.make_room(&mut addresses, now);
        }
        let fresh = || Record { failures: 0, since: now, locked_until: None };
        let record = addresses.entry(address).or_insert_with(fresh);
        if self.is_over(record, now) {
            *record = fresh();
        }
        record.failures += 1;
        if record.failures >= self.allowed {
            record.locked_until = Some(now + self.lockout);
        }
    }

    /// Forgets what no longer matters; when everything still does, the oldest.
    fn make_room(&self, addresses: &mut HashMap<AddressKey, Record>, now: Instant) {
        addresses.retain(|_, record| !self.is_over(record, now));
        if addresses.len() >= self.capacity {
            let oldest = addresses.iter().min_by_key(|(_, record)| record.since);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                addresses.remove(&oldest);
            }
        }
    }

    fn is_over(&self, record: &Record, now: Instant) -> bool {
        match record.locked_until {
            Some(until) => until <= now,
            None => now.duration_since(record.since) >= self.window,
        }
    }
}

// === impl Bucket ===

impl Bucket {
    /// A full bucket: `burst` at once, then `rate` per second.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { level: burst, rate: f64::from(rate), burst, filled: Instant::now() }
    }

    /// Takes one; `false` when there is none.
    pub fn take(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.filled).as_secs_f64() * self.rate;
        self.level = (self.level + gained).min(self.burst);
        self.filled = now;
        if self.level < 1.0 {
            return false;
        }
        self.level -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::time::advance;

    use super::*;

    fn address(number: u32) -> AddressKey {
        IpAddr::V4(Ipv4Addr::from_bits(number)).into()
    }

    #[tokio::test(start_paused = true)]
    async fn ten_guesses_lock_out_for_five_minutes() {
        let limiter = FailureLimiter::new(&Limits::default());
        for _ in 0..9 {
            limiter.failed(address(1));
        }
        assert!(limiter.check(address(1)).is_ok());
        limiter.failed(address(1));
        advance(Duration::from_secs(299)).await;
        let Err(Error::LockedOut { retry_after }) = limiter.check(address(1)) else {
            panic!("not locked out")
        };
        assert_eq!(retry_after, Duration::from_secs(1));
        assert!(limiter.check(address(2)).is_ok());
        advance(Duration::from_secs(1)).await;
        assert!(limiter.check(address(1)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn slow_guesses_are_forgotten() {
        let limiter = FailureLimiter::new(&Limits::default());
        for _ in 0..50 {
            limiter.failed(address(1));
            advance(Duration::from_secs(7)).await;
            assert!(limiter.check(address(1)).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn loopback_is_exempt_only_when_that_is_configured() {
        let locked_out = |exempt_loopback| {
            let limiter = FailureLimiter::new(&Limits { exempt_loopback, ..Limits::default() });
            let here = AddressKey::from(IpAddr::from([127, 0, 0, 1]));
            (0..50).for_each(|_| limiter.failed(here));
            limiter.check(here).is_err()
        };
        assert_eq!((locked_out(false), locked_out(true)), (true, false));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let limiter = FailureLimiter::new(&Limits { failure_addresses: 100, ..Limits::default() });
        for number in 0..10_000 {
            limiter.failed(address(number));
        }
        assert_eq!(limiter.addresses.lock().unwrap().len(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_again() {
        let mut bucket = Bucket::new(100, 200);
        assert!((0..200).all(|_| bucket.take()));
        assert!(!bucket.take());
        advance(Duration::from_millis(10)).await;
        assert!(bucket.take() && !bucket.take());
        advance(Duration::from_secs(60)).await;
        assert_eq!((0..300).filter(|_| bucket.take()).count(), 200);
    }
}
