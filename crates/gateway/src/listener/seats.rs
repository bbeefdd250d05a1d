//! How many connections there may be, in all and from one address.
//!
//! Owns the count; refuses the next one. The map has at most as many entries as there are connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Limits;
use crate::client::AddressKey;

/// All connections of one gateway.
#[derive(Debug)]
pub struct Seats {
    total: usize,
    per_loopback: usize,
    per_address: usize,
    taken: Mutex<Taken>,
}

/// The right to one connection; dropping it frees the place.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    address: AddressKey,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<AddressKey, usize>,
}

// === impl Seats ===

impl Seats {
    /// With all places free.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            total: limits.connections,
            per_loopback: limits.connections_per_loopback,
            per_address: limits.connections_per_address,
            taken: Mutex::default(),
        }
    }

    /// Takes a place, if there is one for this address.
    #[must_use]
    pub fn take(seats: &Arc<Self>, address: AddressKey) -> Option<Seat> {
        let most = if address.is_loopback() { seats.per_loopback } else { seats.per_address };
        let mut taken = seats.lock();
        let here = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.total >= seats.total || here >= most {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, here + 1);
        Some(Seat { seats: Arc::clone(seats), address })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seat ===

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.total = taken.total.saturating_sub(1);
        if let Some(here) = taken.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let limits = Limits {
            connections: 5,
            connections_per_loopback: 4,
            connections_per_address: 2,
            ..Limits::default()
        };
        let seats = Arc::new(Seats::new(&limits));
        let take = |text: &str| Seats::take(&seats, text.parse::<IpAddr>().unwrap().into());
        let stranger = [take("1.2.3.4"), take("::ffff:1.2.3.4")];
        assert!(stranger.iter().all(Option::is_some));
        assert!(take("1.2.3.4").is_none());
        let neighbours = [take("127.0.0.1"), take("127.0.0.1"), take("127.0.0.1")];
        assert!(neighbours.iter().all(Option::is_some));
        assert!(take("127.0.0.1").is_none(), "five in all");
        drop((stranger, neighbours));
        assert!(seats.lock().by_address.is_empty());
        assert!(take("1.2.3.4").is_some());
    }
}
