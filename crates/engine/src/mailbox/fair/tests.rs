//! Shares, order and priorities.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const SMALL: Standing = Standing { weight: 1, running: usize::MAX };

fn slug(number: usize) -> TenantSlug {
    format!("t{number}").parse().unwrap()
}

fn request(number: u64, tokens: u64, priority: Priority) -> Request {
    let session = SessionId(Uuid::from_u128(u128::from(number)));
    Request { session, number, tokens, priority }
}

fn normal(number: u64, tokens: u64) -> Request {
    request(number, tokens, Priority::Normal)
}

/// Serves one request after the other, each costing what it was thought to; the tokens of each tenant.
fn served(fair: &mut Fair, owner: &HashMap<u64, usize>, count: usize) -> HashMap<usize, u64> {
    let mut tokens = HashMap::new();
    for _ in 0..count {
        let (request, cost) = fair.take().unwrap();
        *tokens.entry(owner[&request.number]).or_default() += cost;
        fair.ended(&slug(owner[&request.number]), cost, cost, Instant::now());
    }
    tokens
}

#[test]
fn a_flood_waits_behind_nobody_but_itself() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    for number in 0..1_000 {
        fair.push(&slug(1), SMALL, normal(number, 0), now);
    }
    fair.push(&slug(2), SMALL, normal(5_000, 0), now);
    let position = (0..).find(|_| fair.take().unwrap().0.number == 5_000).unwrap();
    assert!(position <= 2, "it came {position} places later");
}

#[test]
fn who_wanted_little_goes_before_who_wants_everything() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    for number in 0..1_000 {
        fair.push(&slug(1), SMALL, normal(number, 0), now);
    }
    let mut flood = 0;
    while flood < 100 {
        let (_, cost) = fair.take().unwrap();
        fair.ended(&slug(1), cost, cost, now);
        flood += 1;
    }
    let wanted = 5_000..5_000 + u64::try_from(KEPT).unwrap();
    for number in wanted.clone() {
        fair.push(&slug(2), SMALL, normal(number, 0), now);
    }
    let taken: Vec<u64> = wanted.clone().map(|_| fair.take().unwrap().0.number).collect();
    let at_once = taken.iter().filter(|number| wanted.contains(number)).count();
    assert!(at_once >= wanted.count() - 1, "{taken:?}");
    fair.push(&slug(2), SMALL, normal(6_000, 0), now);
    fair.push(&slug(2), SMALL, normal(6_001, 0), now);
    let next: Vec<u64> = (0..6).map(|_| fair.take().unwrap().0.number).collect();
    assert!(next.iter().any(|number| *number < 1_000), "from then on they share: {next:?}");
}

#[test]
fn the_dearest_request_has_its_turn_too() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    fair.push(&slug(1), SMALL, normal(1, 1_000_000), now);
    for number in 2..2_000 {
        fair.push(&slug(2), SMALL, normal(number, 0), now);
    }
    let place = (0..).find(|_| {
        let (request, cost) = fair.take().unwrap();
        let tenant = if request.number == 1 { 1 } else { 2 };
        fair.ended(&slug(tenant), cost, cost, now);
        request.number == 1
    });
    assert!(place.unwrap() <= 2);
    fair.push(&slug(1), SMALL, normal(2_000, 0), now);
    let next: Vec<u64> = (0..900).map(|_| fair.take().unwrap().0.number).collect();
    assert!(!next.contains(&2_000), "it pays for it afterwards");
}

#[test]
fn weights_share_the_tokens() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    let mut owner = HashMap::new();
    for number in 0..3_000 {
        let tenant = usize::try_from(number % 3).unwrap();
        let weight = [1, 2, 4][tenant];
        owner.insert(number, tenant);
        fair.push(&slug(tenant), Standing { weight, ..SMALL }, normal(number, 0), now);
    }
    let tokens = served(&mut fair, &owner, 700);
    assert_eq!((tokens[&0], tokens[&1], tokens[&2]), (100_000, 200_000, 400_000));
}

#[test]
fn whoever_costs_more_than_was_thought_waits_for_it() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    for number in 0..100 {
        fair.push(&slug(1), SMALL, normal(number, 0), now);
        fair.push(&slug(2), SMALL, normal(1_000 + number, 0), now);
    }
    let mut turns = [0; 3];
    for _ in 0..60 {
        let (request, thought) = fair.take().unwrap();
        let tenant = if request.number < 1_000 { 1 } else { 2 };
        turns[tenant] += 1;
        let cost = if tenant == 1 { 4_000 } else { 1_000 };
        fair.ended(&slug(tenant), thought, cost, now);
    }
    assert!((44..=50).contains(&turns[2]), "four cheap ones for each dear one: {turns:?}");
}

#[test]
fn a_tenant_at_its_cap_is_passed_over() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    let capped = Standing { weight: 8, running: 1 };
    fair.push(&slug(1), capped, normal(1, 0), now);
    fair.push(&slug(1), capped, normal(2, 0), now);
    fair.push(&slug(2), SMALL, normal(3, 0), now);
    assert_eq!(fair.take().unwrap().0.number, 1);
    assert_eq!(fair.take().unwrap().0.number, 3);
    assert!(fair.take().is_none());
    fair.ended(&slug(1), 1_000, 1_000, now);
    assert_eq!(fair.take().unwrap().0.number, 2);
}

#[test]
fn a_higher_priority_goes_first() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    for (number, priority) in
        [(1, Priority::Low), (2, Priority::Normal), (3, Priority::Critical), (4, Priority::High)]
    {
        fair.push(&slug(1), SMALL, request(number, 0, priority), now);
    }
    let order: Vec<u64> = (0..4).map(|_| fair.take().unwrap().0.number).collect();
    assert_eq!(order, [3, 4, 2, 1]);
}

#[test]
fn nothing_is_remembered_of_whom_nothing_needs_to_be_known() {
    let (mut fair, now) = (Fair::default(), Instant::now());
    for tenant in 0..100 {
        fair.push(&slug(tenant), SMALL, normal(u64::try_from(tenant).unwrap(), 0), now);
    }
    while let Some((request, cost)) = fair.take() {
        let tenant = slug(usize::try_from(request.number).unwrap());
        fair.ended(&tenant, cost, cost * 20, now);
    }
    fair.forget(now);
    assert_eq!(fair.lanes.len(), 100, "they are in debt");
    fair.forget(now + MEMORY);
    assert_eq!(fair.lanes.len(), 0);
    for tenant in 0..1_000 {
        fair.push(&slug(tenant), SMALL, normal(0, 0), now);
        let (_, cost) = fair.take().unwrap();
        fair.ended(&slug(tenant), cost, cost, now);
        assert!(fair.lanes.len() <= FEW + 1);
    }
}

proptest! {
    /// Whatever arrives in whatever order: each tenant's requests come out in order, nothing is lost or
    /// doubled, and two tenants that always want something never drift apart by more than the largest
    /// request, one quantum of each, and what one may have kept.
    #[test]
    fn order_and_shares(costs in prop::collection::vec((0_usize..4, 1_u64..5_000), 1..300)) {
        let (mut fair, now) = (Fair::default(), Instant::now());
        let (mut owner, kept) = (HashMap::new(), u64::try_from(KEPT).unwrap());
        for (number, (tenant, tokens)) in (0_u64..).zip(&costs) {
            owner.insert(number, *tenant);
            fair.push(&slug(*tenant), SMALL, normal(number, *tokens), now);
        }
        let mut left: HashMap<usize, usize> = HashMap::new();
        for tenant in owner.values() {
            *left.entry(*tenant).or_default() += 1;
        }
        let (mut last, mut tokens) = (HashMap::new(), [0_u64; 4]);
        while let Some((request, cost)) = fair.take() {
            let tenant = owner[&request.number];
            if let Some(before) = last.insert(tenant, request.number) {
                prop_assert!(before < request.number);
            }
            *left.get_mut(&tenant).unwrap() -= 1;
            tokens[tenant] += cost;
            fair.ended(&slug(tenant), cost, cost, now);
            if left.len() == 4 && left.values().all(|&left| left > 0) {
                let (most, least) = (tokens.iter().max().unwrap(), tokens.iter().min().unwrap());
                prop_assert!(most - least <= 2 * 5_000 + (2 + kept) * QUANTUM, "{:?}", tokens);
            }
        }
        prop_assert!(left.values().all(|&left| left == 0));
        prop_assert_eq!(fair.ready(), 0);
    }
}
