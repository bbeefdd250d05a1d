//! What comes in, what is refused, and that the books add up.

use proptest::prelude::*;

use super::*;

fn key(tenant: &str, conversation: u32) -> SessionKey {
    format!("agent:{tenant}:web:direct:{conversation}").parse().unwrap()
}

fn outlook(busy: usize) -> Outlook {
    Outlook { settings: Concurrency::default(), busy, turn: Duration::from_secs(15) }
}

fn with_admin(tenant: &str) -> Admission {
    let admission = Admission::default();
    admission.learn(&tenant.parse().unwrap(), Tier::Admin);
    admission
}

#[test]
fn refusing_begins_at_the_documents_depth_and_tells_every_number() {
    let (admission, now) = (with_admin("aa"), Instant::now());
    for conversation in 0..19 {
        admission.decide(&key("aa", conversation), "anna", outlook(4), now).unwrap().keep();
    }
    let refused = admission.decide(&key("aa", 19), "anna", outlook(4), now).err().unwrap();
    let Refusal::Backpressure { pressure, threshold, level, retry_after } = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!((pressure.depth, pressure.busy, *threshold, *level), (19, 4, 70, 72));
    assert_eq!(retry_after.as_secs(), 15, "one round of turns");
    assert!(admission.decide(&key("aa", 3), "anna", outlook(4), now).is_ok(), "it waits already");
    admission.served(&key("aa", 3));
    assert!(admission.decide(&key("aa", 19), "anna", outlook(4), now).is_ok());
}

#[test]
fn the_queue_of_each_tenant_is_told_the_longest_wait_first() {
    let (admission, start) = (with_admin("aa"), Instant::now());
    let later = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(admission.queues(start), []);
    admission.decide(&key("bb", 1), "anna", outlook(0), start).unwrap().keep();
    admission.decide(&key("aa", 1), "anna", outlook(0), later(1)).unwrap().keep();
    admission.decide(&key("aa", 2), "anna", outlook(0), later(2)).unwrap().keep();
    let told = |now| -> Vec<(String, Tier, usize, u64)> {
        let queues = admission.queues(now).into_iter();
        queues.map(|it| (it.tenant.to_string(), it.tier, it.waiting, it.oldest_ms)).collect()
    };
    let (aa, bb) = ("aa".to_owned(), "bb".to_owned());
    assert_eq!(told(later(3)), [(bb, Tier::Free, 1, 3_000), (aa.clone(), Tier::Admin, 2, 2_000)]);
    admission.served(&key("bb", 1));
    admission.served(&key("aa", 1));
    assert_eq!(told(later(3)), [(aa, Tier::Admin, 1, 1_000)]);
}

#[test]
fn a_tenant_has_its_share_and_no_more() {
    let (admission, now) = (Admission::default(), Instant::now());
    for conversation in 0..3 {
        admission.decide(&key("small", conversation), "anna", outlook(0), now).unwrap().keep();
    }
    let refused = admission.decide(&key("small", 3), "anna", outlook(0), now).err().unwrap();
    assert!(matches!(refused, Refusal::TenantQueue { waiting: 3, cap: 3, .. }), "{refused:?}");
    assert!(
        admission.decide(&key("other", 0), "anna", outlook(0), now).is_ok(),
        "others are not touched"
    );
    admission.learn(&"small".parse().unwrap(), Tier::Standard);
    assert!(admission.decide(&key("small", 3), "anna", outlook(0), now).is_ok());
}

#[test]
fn twenty_a_minute_and_then_the_exact_moment() {
    let (admission, start) = (Admission::default(), Instant::now());
    for second in 0..20 {
        let now = start + Duration::from_secs(second);
        admission.decide(&key("aa", 1), "anna", outlook(0), now).unwrap().keep();
    }
    let at = |second| {
        admission.decide(&key("aa", 1), "anna", outlook(0), start + Duration::from_secs(second))
    };
    let Some(Refusal::TenantRate { cap: 20, retry_after, .. }) = at(20).err() else { panic!() };
    assert_eq!(retry_after.as_secs(), 40);
    assert!(at(59).is_err());
    at(60).unwrap().keep();
    assert!(at(60).is_err(), "one place was free");
}

#[test]
fn what_was_not_stored_does_not_wait() {
    let (admission, now) = (Admission::default(), Instant::now());
    drop(admission.decide(&key("aa", 1), "anna", outlook(0), now).unwrap());
    assert_eq!(admission.depth(), 0);
    admission.decide(&key("aa", 1), "anna", outlook(0), now).unwrap().keep();
    drop(admission.decide(&key("aa", 1), "anna", outlook(0), now).unwrap());
    assert_eq!(admission.depth(), 1, "the first one still waits");
}

proptest! {
    #[test]
    fn the_books_always_add_up(steps in prop::collection::vec((0_u8..4, 0_u32..6, 0_u32..3), 0..200)) {
        let (admission, now) = (with_admin("t0"), Instant::now());
        let mut waiting = std::collections::HashSet::new();
        for (what, conversation, tenant) in steps {
            let key = key(&format!("t{tenant}"), conversation);
            match what {
                0 => if let Ok(ticket) = admission.decide(&key, "anna", outlook(0), now) {
                    ticket.keep();
                    waiting.insert(key);
                },
                1 => drop(admission.decide(&key, "anna", outlook(0), now)),
                2 => { admission.found(key.clone(), now); waiting.insert(key); }
                _ => { admission.served(&key); waiting.remove(&key); }
            }
            admission.tidy(now);
            prop_assert_eq!(admission.depth(), waiting.len());
            for tenant in 0..3 {
                let slug: TenantSlug = format!("t{tenant}").parse().unwrap();
                let of = waiting.iter().filter(|key| key.tenant == slug).count();
                prop_assert_eq!(admission.lock().waiting(&slug), of);
            }
        }
    }
}
