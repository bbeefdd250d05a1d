//! What tokens cost: whole numbers only, and always rounded up.

use super::{Currency, MOST};
use crate::event::Usage;

/// What a model costs: millionths of a currency for a million tokens, which is the same as millionths of
/// a millionth for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// In which currency.
    pub currency: Currency,
    /// For tokens that it reads.
    pub input: u64,
    /// For tokens that it writes.
    pub output: u64,
    /// For tokens that it reads from a cache.
    pub cache_read: u64,
    /// For tokens that it puts into a cache.
    pub cache_write: u64,
}

/// How much of one currency another one is worth: `to / from`, both in millionths of the same third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much of the currency that is given makes one of the third.
    pub from: u64,
    /// How much of the currency that is wanted makes one of the third.
    pub to: u64,
}

const MILLION: u128 = 1_000_000;

// === impl Price ===

impl Price {
    /// What this use costs, in millionths of the currency.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> u64 {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = part(usage.input, self.input)
            .saturating_add(part(usage.cached, self.cache_read))
            .saturating_add(part(usage.output, self.output));
        bounded(sum.div_ceil(MILLION))
    }

    /// The most that a call can cost: its prompt at the dearest way of reading it, its answer at full length.
    #[must_use]
    pub fn most(&self, prompt: u64, output: u64) -> u64 {
        let input = self.input.max(self.cache_read).max(self.cache_write);
        Self { input, ..*self }.cost(Usage { input: prompt, cached: 0, output })
    }

    /// The same price in another currency.
    #[must_use]
    pub fn exchanged(self, currency: Currency, rate: Rate) -> Self {
        let exchange = |price: u64| {
            let worth = u128::from(price).saturating_mul(u128::from(rate.to));
            bounded(worth.div_ceil(u128::from(rate.from.max(1))))
        };
        Self {
            currency,
            input: exchange(self.input),
            output: exchange(self.output),
            cache_read: exchange(self.cache_read),
            cache_write: exchange(self.cache_write),
        }
    }
}

/// Reads a decimal number such as `0.15` as millionths, rounded up; `None` when it is none, is negative, or is
/// beyond what can be counted.
#[must_use]
pub fn millionths(decimal: &str) -> Option<u64> {
    let (whole, part) = decimal.split_once('.').unwrap_or((decimal, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let (near, beyond) = part.split_at(part.len().min(6));
    let near: u64 = format!("{near:0<6}").parse().ok()?;
    let up = u64::from(beyond.bytes().any(|digit| digit != b'0'));
    let amount = whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(near + up)?;
    (amount <= MOST).then_some(amount)
}

/// Millionths as a decimal number with at least two digits behind the point.
pub(super) fn decimal(amount: u64) -> String {
    let (whole, part) = (amount / 1_000_000, format!("{:06}", amount % 1_000_000));
    let (cents, rest) = part.split_at(2);
    format!("{whole}.{cents}{}", rest.trim_end_matches('0'))
}

fn bounded(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX).min(MOST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICE: Price = Price {
        currency: Currency::USD,
        input: 3_000_000,
        output: 15_000_000,
        cache_read: 300_000,
        cache_write: 3_750_000,
    };

    #[test]
    fn a_million_tokens_cost_the_price_and_one_token_is_never_free() {
        let cost = |input, cached, output| PRICE.cost(Usage { input, cached, output });
        assert_eq!(cost(1_000_000, 1_000_000, 1_000_000), 18_300_000);
        assert_eq!(cost(1, 0, 0), 3);
        assert_eq!(cost(0, 1, 0), 1, "0.3 millionths are rounded up");
        assert_eq!(cost(0, 0, 0), 0);
        assert_eq!(PRICE.most(1_000_000, 1_000_000), 18_750_000);
        assert_eq!(cost(u64::MAX, u64::MAX, u64::MAX), MOST, "bounded, never wrapped");
    }

    #[test]
    fn currencies_are_exchanged_upwards() {
        let rouble: Currency = "RUB".parse().unwrap();
        let dear = PRICE.exchanged(rouble, Rate { from: 1_000_000, to: 92_500_000 });
        assert_eq!((dear.currency, dear.input), (rouble, 277_500_000));
        let back = dear.exchanged(Currency::USD, Rate { from: 92_500_000, to: 1_000_000 });
        assert_eq!(back, PRICE);
        assert_eq!(
            PRICE.exchanged(rouble, Rate { from: 7_000_000, to: 1_000_000 }).cache_read,
            42_858
        );
    }

    #[test]
    fn decimals_are_read_exactly() {
        for (text, wanted) in [
            ("0.15", Some(150_000)),
            ("3", Some(3_000_000)),
            ("0.0000001", Some(1)),
            ("1000000000", Some(MOST)),
            ("1000000001", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("NaN", None),
        ] {
            assert_eq!(millionths(text), wanted, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(amount in 0..=MOST) {
            prop_assert_eq!(millionths(&decimal(amount)), Some(amount));
        }

        #[test]
        fn no_call_costs_more_than_the_most_it_can(prompt in 0_u64..1_000_000, read in 0_u64..1_000_000, output in 0_u64..100_000) {
            let cached = read.min(prompt);
            let usage = Usage { input: prompt - cached, cached, output };
            prop_assert!(PRICE.cost(usage) <= PRICE.most(prompt, output));
        }
    }
}
