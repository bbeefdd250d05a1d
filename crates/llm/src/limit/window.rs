//! How much was used in the last span of time.
//!
//! Pure: the time is handed in. Remembers slots of time, not single uses, so its memory is bounded whatever
//! is used; a slot counts until all of it is too old, so that it never counts too little.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How many slots a span has.
const SLOTS: u32 = 240;

/// A sliding window.
#[derive(Debug)]
pub(crate) struct Window {
    span: Duration,
    width: Duration,
    begun: Instant,
    slots: VecDeque<Slot>,
    used: u64,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    amount: u64,
}

// === impl Window ===

impl Window {
    /// An empty window of this span.
    pub(crate) fn new(span: Duration, now: Instant) -> Self {
        Self { span, width: span / SLOTS, begun: now, slots: VecDeque::new(), used: 0 }
    }

    /// What was used in the span that ends now.
    pub(crate) fn used(&mut self, now: Instant) -> u64 {
        while let Some(oldest) = self.slots.front()
            && self.forgotten(oldest.number) <= now
        {
            self.used -= oldest.amount;
            self.slots.pop_front();
        }
        self.used
    }

    /// When so much more can be used without exceeding the limit; `None`: never.
    pub(crate) fn room_at(&mut self, now: Instant, amount: u64, limit: u64) -> Option<Instant> {
        let spare = limit.checked_sub(amount)?;
        let mut used = self.used(now);
        if used <= spare {
            return Some(now);
        }
        self.slots.iter().find_map(|slot| {
            used -= slot.amount;
            (used <= spare).then(|| self.forgotten(slot.number))
        })
    }

    /// When the oldest use is forgotten; `None` when there is none.
    pub(crate) fn resets_at(&mut self, now: Instant) -> Option<Instant> {
        self.used(now);
        self.slots.front().map(|slot| self.forgotten(slot.number))
    }

    /// Notes a use, and returns the slot that holds it.
    pub(crate) fn add(&mut self, now: Instant, amount: u64) -> u64 {
        let elapsed = now.saturating_duration_since(self.begun).as_nanos();
        let number = u64::try_from(elapsed / self.width.as_nanos().max(1)).unwrap_or(u64::MAX);
        self.used = self.used.saturating_add(amount);
        match self.slots.back_mut() {
            Some(last) if last.number >= number => {
                last.amount = last.amount.saturating_add(amount);
                last.number
            }
            _ => {
                self.slots.push_back(Slot { number, amount });
                number
            }
        }
    }

    /// Changes what was noted in a slot, as long as it is remembered.
    pub(crate) fn correct(&mut self, slot: u64, noted: u64, truth: u64) {
        if let Some(slot) = self.slots.iter_mut().find(|other| other.number == slot) {
            let amount = slot.amount.saturating_sub(noted).saturating_add(truth);
            self.used = self.used.saturating_sub(slot.amount).saturating_add(amount);
            slot.amount = amount;
        }
    }

    /// When a slot is too old as a whole.
    fn forgotten(&self, number: u64) -> Instant {
        let end = u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX);
        self.begun + self.width.saturating_mul(end) + self.span
    }
}
