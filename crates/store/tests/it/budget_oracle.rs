//! The ledger against a model of it: whatever calls come and however they end, both say the same.

use domain::Timestamp;
use domain::budget::{Balance, Line, Refused, Subject, Thresholds, Window};
use store::{Error, Reservation, Settlement, Spent};
use testkit::both_engines;

use crate::budget::{HOUR, hold, tokens};

/// The next of a fixed row of numbers, so that a failure comes back.
struct Dice(u64);

// === impl Dice ===

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn line(amount: u64, limit: u64, at: Timestamp) -> Line {
    let thresholds = Thresholds { warn: 75, approve: Some(90) };
    Line { thresholds, ..tokens(amount, limit, at) }
}

both_engines! {
    async fn the_store_and_the_model_say_the_same(world: &World) {
        world.tenant("main").await;
        let main = "main".parse().unwrap();
        for seed in 0..3 {
            let mut dice = Dice(seed);
            world.store.reset_budget(&main, &Subject::Tenant).await.unwrap();
            let mut model = Balance { window: Window { from: Timestamp(0), until: Timestamp(0) }, ..Balance::unused() };
            let mut open: Vec<(Reservation, u64)> = Vec::new();
            for _ in 0..120 {
                match dice.below(10) {
                    0..=4 => {
                        let at = world.store.budget_time().await.unwrap();
                        let asked = line(dice.below(200), 400 + dice.below(200), at);
                        let amount = asked.amount;
                        let told = hold(&world.store, vec![asked.clone()]).await;
                        match (model.admit(&asked, at), told) {
                            (Ok(admitted), Ok(held)) => {
                                model = admitted;
                                open.push((held, amount));
                            }
                            (Err(why), Err(Error::Budget(told))) => {
                                let (standing, approval) = match why {
                                    Refused::Exceeded(standing) => (standing, false),
                                    Refused::NeedsApproval(standing) => (standing, true),
                                };
                                assert_eq!((told.standing, told.needs_approval), (standing, approval));
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                    5..=7 if !open.is_empty() => {
                        let at = usize::try_from(dice.below(open.len() as u64)).unwrap();
                        let (reservation, amount) = open.swap_remove(at);
                        let used = dice.below(amount + 20);
                        let usage = domain::event::Usage { input: used, cached: 0, output: 0 };
                        let spent = Some(Spent { model: "m".to_owned(), usage, money: None });
                        world.store.settle(Settlement { reservation, spent }).await.unwrap();
                        model = model.settle(amount, used);
                    }
                    8 => world.clock.advance(HOUR * u32::try_from(dice.below(14)).unwrap()),
                    _ => {
                        world.store.approve_budget(&main, &Subject::Tenant).await.unwrap();
                        let at = world.store.budget_time().await.unwrap();
                        model.approved |= model.window.until > at;
                    }
                }
                let rows = world.store.budgets(&main).await.unwrap();
                let kept = rows.first().map_or(model, |row| row.balance);
                assert_eq!(kept, model, "seed {seed}");
            }
            for (reservation, amount) in open {
                world.store.release(reservation).await.unwrap();
                model = model.settle(amount, 0);
            }
            assert_eq!(model.reserved, 0);
        }
    }
}
