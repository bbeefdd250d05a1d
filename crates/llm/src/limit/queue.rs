//! Who is next: fair between tenants, first come first served within one.
//!
//! Pure. Deficit round robin (Shreedhar and Varghese, 1995): the tenants stand in a ring, each visit adds to
//! what a tenant may spend, and it is served as long as its next request costs no more than that.

use std::collections::VecDeque;

use domain::TenantSlug;

/// What one visit adds for a weight of one, in tokens: about the size of a common request.
const QUANTUM: u64 = 4_096;

/// Requests that wait.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    /// The tenants that wait; the first is being visited.
    ring: VecDeque<Flow<T>>,
    length: usize,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    pub(crate) id: u64,
    /// What it costs, in tokens.
    pub(crate) cost: u64,
    pub(crate) what: T,
}

#[derive(Debug)]
struct Flow<T> {
    tenant: TenantSlug,
    weight: u64,
    deficit: u64,
    waiting: VecDeque<Waiting<T>>,
}

// === impl FairQueue ===

impl<T> FairQueue<T> {
    pub(crate) fn new() -> Self {
        Self { ring: VecDeque::new(), length: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Puts a request behind those of its tenant. The tenant's latest weight holds.
    pub(crate) fn push(&mut self, tenant: &TenantSlug, weight: u32, waiting: Waiting<T>) {
        self.length += 1;
        let weight = u64::from(weight.max(1));
        if let Some(flow) = self.ring.iter_mut().find(|flow| flow.tenant == *tenant) {
            flow.weight = weight;
            flow.waiting.push_back(waiting);
            return;
        }
        let deficit = if self.ring.is_empty() { weight.saturating_mul(QUANTUM) } else { 0 };
        let waiting = VecDeque::from([waiting]);
        self.ring.push_back(Flow { tenant: tenant.clone(), weight, deficit, waiting });
    }

    /// The request that is next among those that may go. It stays the same until it is taken, or until
    /// others may go.
    pub(crate) fn next(&mut self, may_go: impl Fn(&T) -> bool) -> Option<&Waiting<T>> {
        let first = |flow: &Flow<T>| flow.waiting.iter().position(|waiting| may_go(&waiting.what));
        if !self.ring.iter().any(|flow| first(flow).is_some()) {
            return None;
        }
        loop {
            let flow = self.ring.front()?;
            if let Some(index) = first(flow)
                && flow.waiting.get(index).is_some_and(|next| next.cost <= flow.deficit)
            {
                return self.ring.front()?.waiting.get(index);
            }
            self.ring.rotate_left(1);
            // Who cannot go saves nothing up meanwhile.
            let can_go = self.ring.front().is_some_and(|flow| first(flow).is_some());
            self.visit(can_go);
        }
    }

    /// Takes the next request out; its tenant has paid for it.
    pub(crate) fn take(&mut self, id: u64) -> Option<Waiting<T>> {
        self.remove(id, true)
    }

    /// Lets a request go that waits no longer.
    pub(crate) fn leave(&mut self, id: u64) -> Option<Waiting<T>> {
        self.remove(id, false)
    }

    fn remove(&mut self, id: u64, paid: bool) -> Option<Waiting<T>> {
        let place = |flow: &Flow<T>| flow.waiting.iter().position(|waiting| waiting.id == id);
        let at = self.ring.iter().position(|flow| place(flow).is_some())?;
        let flow = self.ring.get_mut(at)?;
        let index = place(flow)?;
        let taken = flow.waiting.remove(index)?;
        self.length -= 1;
        if paid {
            flow.deficit = flow.deficit.saturating_sub(taken.cost);
        }
        if flow.waiting.is_empty() {
            self.ring.remove(at);
            if at == 0 {
                self.visit(true);
            }
        }
        Some(taken)
    }

    fn visit(&mut self, earns: bool) {
        if let Some(flow) = self.ring.front_mut().filter(|_| earns) {
            flow.deficit = flow.deficit.saturating_add(flow.weight.saturating_mul(QUANTUM));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn tenant(number: u32) -> TenantSlug {
        format!("tenant-{number}").parse().unwrap()
    }

    fn serve(queue: &mut FairQueue<u32>) -> Option<(u32, u64, u64)> {
        let id = queue.next(|_| true)?.id;
        let taken = queue.take(id)?;
        Some((taken.what, taken.id, taken.cost))
    }

    #[test]
    fn one_that_may_not_go_is_passed_and_keeps_its_place() {
        let mut queue = FairQueue::new();
        for (id, what) in [(1, 7), (2, 8), (3, 7)] {
            queue.push(&tenant(0), 1, Waiting { id, cost: 1, what });
        }
        assert_eq!(queue.next(|what| *what == 8).map(|next| next.id), Some(2));
        assert!(queue.next(|what| *what == 9).is_none());
        assert_eq!(serve(&mut queue), Some((7, 1, 1)));
        assert_eq!(queue.leave(2).map(|gone| gone.id), Some(2));
        assert_eq!((serve(&mut queue), serve(&mut queue), queue.len()), (Some((7, 3, 1)), None, 0));
    }

    #[test]
    fn a_weight_of_three_is_served_three_times_as_much() {
        let mut queue = FairQueue::new();
        for id in 0..4_000 {
            let who = u32::from(id % 2 == 1);
            let weight = if who == 1 { 3 } else { 1 };
            queue.push(&tenant(who), weight, Waiting { id, cost: 1_024, what: who });
        }
        let served: Vec<u32> = (0..1_600).map(|_| serve(&mut queue).unwrap().0).collect();
        let heavy = served.iter().filter(|who| **who == 1).count();
        assert!((1_190..=1_210).contains(&heavy), "{heavy}");
    }

    proptest! {
        #[test]
        fn nobody_gets_much_more_than_anybody_else(
            costs in prop::collection::vec((0..4_u32, 1..20_000_u64), 40..200),
        ) {
            let mut queue = FairQueue::new();
            for (id, (who, cost)) in costs.iter().enumerate() {
                let id = u64::try_from(id).unwrap();
                queue.push(&tenant(*who), 1, Waiting { id, cost: *cost, what: *who });
            }
            let mut left: BTreeMap<u32, usize> = BTreeMap::new();
            for (who, _) in &costs {
                *left.entry(*who).or_default() += 1;
            }
            let (everybody, mut served) = (left.len(), BTreeMap::<u32, u64>::new());
            let mut last: BTreeMap<u32, u64> = BTreeMap::new();
            // As long as everybody waits, the difference is one visit and one request of the largest kind.
            while left.len() == everybody && left.values().all(|left| *left > 0) {
                let (who, id, cost) = serve(&mut queue).unwrap();
                prop_assert!(last.insert(who, id).is_none_or(|before| before < id), "not in order");
                *served.entry(who).or_default() += cost;
                *left.get_mut(&who).unwrap() -= 1;
                let most = served.values().max().copied().unwrap_or(0);
                let least = (0..4).filter(|who| left.contains_key(who))
                    .map(|who| served.get(&who).copied().unwrap_or(0)).min().unwrap_or(0);
                prop_assert!(most - least <= 2 * (QUANTUM + 20_000), "{served:?}");
            }
        }
    }
}
