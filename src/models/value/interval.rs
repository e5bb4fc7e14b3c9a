//! Between which amounts what a customer pays will lie.

use serde::{Deserialize, Serialize};

use super::spend::ExpectedSpend;
use crate::stats::distributions::normal_quantile;
use crate::stats::orders::OrdersAhead;

/// Share of customers whose amount lies in their interval.
pub const COVERAGE: f64 = 0.9;

/// What a customer will pay, as a chance to pay nothing and a lognormal amount otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AmountAhead {
    p_order: f64,
    /// Expected amount, over all.
    mean: f64,
    /// Square of the coefficient of variation of the amount of those who order.
    spread: f64,
}

/// Two amounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountInterval {
    /// 0 where paying nothing is likely enough.
    pub low: f64,
    /// At least `low`.
    pub high: f64,
}

impl AmountInterval {
    /// Whether an amount lies between the two.
    pub fn contains(&self, amount: f64) -> bool {
        // What was taken back is no less than nothing.
        let amount = amount.max(0.0);
        (self.low..=self.high).contains(&amount)
    }
}

impl AmountAhead {
    /// The sum of a random number of orders of random value, whose two first moments are
    /// known: given their number n, n days of one customer have the mean n ζ and the square
    /// ζ² (n² + n · within), ζ being the customer's true mean.
    pub fn new(ahead: &OrdersAhead, spend: &ExpectedSpend, mean: f64) -> Self {
        let squared_orders = ahead.variance + ahead.orders.powi(2);
        let square = spend.mean_square * (squared_orders + spend.within * ahead.orders);
        let undiscounted = ahead.orders * spend.mean;
        let spread = match ahead.p_order > 0.0 && undiscounted > 0.0 {
            true => (ahead.p_order * square / undiscounted.powi(2) - 1.0).max(0.0),
            false => 0.0,
        };
        Self { p_order: ahead.p_order, mean, spread }
    }

    /// The same where an order is more or less likely.
    pub fn with_p_order(self, p_order: f64) -> Self {
        Self { p_order, ..self }
    }

    /// The narrowest interval of its form that holds the amount with a probability of 90 %
    /// at least: from 0 where paying nothing has 5 % or more, and else between the 5 % and
    /// the 95 % quantile. `factor` widens or narrows the spread of those who order.
    pub fn interval(&self, factor: f64) -> AmountInterval {
        let tail = (1.0 - COVERAGE) / 2.0;
        match 1.0 - self.p_order >= tail {
            true => AmountInterval { low: 0.0, high: self.quantile(COVERAGE, factor) },
            false => AmountInterval {
                low: self.quantile(tail, factor),
                high: self.quantile(1.0 - tail, factor),
            },
        }
    }

    /// Whether its interval ends above 0, whatever the spread.
    pub fn can_be_more_than_0(&self) -> bool {
        self.p_order > 1.0 - COVERAGE && self.mean > 0.0
    }

    fn quantile(&self, share: f64, factor: f64) -> f64 {
        let of_those_who_order = (share - (1.0 - self.p_order)) / self.p_order;
        if self.p_order <= 0.0 || of_those_who_order <= 0.0 {
            return 0.0;
        }
        let variance = (factor * self.spread).ln_1p();
        let mean = (self.mean / self.p_order).max(0.0);
        mean * (variance.sqrt() * normal_quantile(of_those_who_order) - variance / 2.0).exp()
    }
}

/// Factors of the spread of amounts that are tried.
const SPREAD_FACTORS: [f64; 11] = [0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0];

/// The factor by which intervals hold as often as they say, or nearest to that. Those which
/// are nothing but 0 say nothing of it, and hold more often.
pub(super) fn spread_factor<'a>(amounts: impl Iterator<Item = &'a (AmountAhead, f64)>) -> f64 {
    let amounts: Vec<&(AmountAhead, f64)> =
        amounts.filter(|it| it.0.can_be_more_than_0()).collect();
    if amounts.is_empty() {
        return 1.0;
    }
    let miss = |factor: &f64| {
        let is_inside =
            |(ahead, paid): &&&(AmountAhead, f64)| ahead.interval(*factor).contains(*paid);
        let share = amounts.iter().filter(is_inside).count() as f64 / amounts.len() as f64;
        (share - COVERAGE).abs()
    };
    let misses: Vec<f64> = SPREAD_FACTORS.iter().map(miss).collect();
    let best = (0..misses.len()).min_by(|&a, &b| misses[a].total_cmp(&misses[b]));
    best.map_or(1.0, |place| SPREAD_FACTORS[place])
}

/// Whether a factor is the least or the most that is tried.
pub(super) fn is_at_an_end(factor: f64) -> bool {
    let [first, .., last] = SPREAD_FACTORS;
    factor <= first || factor >= last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_begins_at_nothing_where_that_is_likely() {
        let spend = ExpectedSpend { mean: 20.0, mean_square: 500.0, within: 0.3 };
        let of = |p_order: f64, orders: f64| {
            let ahead =
                OrdersAhead { p_order, orders, discounted_orders: orders, variance: orders };
            AmountAhead::new(&ahead, &spend, orders * spend.mean).interval(1.0)
        };
        assert_eq!(of(0.05, 0.06), AmountInterval { low: 0.0, high: 0.0 });
        let unsure = of(0.5, 0.8);
        assert!(unsure.low == 0.0 && unsure.high > 16.0, "{unsure:?}");
        let sure = of(0.99, 5.0);
        assert!(sure.low > 10.0 && sure.low < 100.0 && sure.high > 100.0, "{sure:?}");
    }

    #[test]
    fn a_lognormal_amount_has_its_quantiles() {
        // Orders of one, always: the amount has the spread of the mean.
        let spend = ExpectedSpend { mean: 1.0, mean_square: 1.5, within: 0.0 };
        let ahead =
            OrdersAhead { p_order: 1.0, orders: 1.0, discounted_orders: 1.0, variance: 0.0 };
        let found = AmountAhead::new(&ahead, &spend, 1.0).interval(1.0);
        let deviation = 1.5f64.ln().sqrt();
        let at = |z: f64| (z * deviation - deviation * deviation / 2.0).exp();
        assert!((found.low - at(-1.644_854)).abs() < 1e-6, "{found:?}");
        assert!((found.high - at(1.644_854)).abs() < 1e-6);
    }
}
