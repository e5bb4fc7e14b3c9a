use std::collections::BTreeMap;

use rayon::prelude::*;

/// Days of a unit of time of all models.
pub const DAYS_PER_WEEK: f64 = 7.0;

/// When one customer ordered: x, t_x and T of the papers. The unit of time is a day of the
/// calendar, or for BG/BB a whole period of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderTimes {
    /// Days (periods) with an order after the first: x.
    pub n_repeats: u32,
    /// From the first one with an order to the last one of the data: T, or n of BG/BB.
    pub age: u32,
    /// From the first one with an order to the last one, 0 without a repeat: t_x.
    pub last_repeat: u32,
}

impl OrderTimes {
    /// x as a number.
    pub fn x(&self) -> f64 {
        f64::from(self.n_repeats)
    }

    /// T in weeks, where it is in days.
    pub fn age_weeks(&self) -> f64 {
        f64::from(self.age) / DAYS_PER_WEEK
    }

    /// t_x in weeks, where it is in days.
    pub fn last_repeat_weeks(&self) -> f64 {
        f64::from(self.last_repeat) / DAYS_PER_WEEK
    }
}

/// Customers who cannot be told apart by when they ordered, counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupedTimes {
    /// Distinct, ascending, each with the number of customers.
    pub rows: Vec<(OrderTimes, f64)>,
    /// Customers with more than j repeats, by j from 0: sums over repeats are sums over
    /// this.
    pub n_with_more: Vec<f64>,
    /// Customers.
    pub n_customers: f64,
    /// The longest T.
    pub max_age: u32,
}

impl GroupedTimes {
    /// Groups customers; the result does not depend on their order.
    pub fn of(mut customers: Vec<OrderTimes>) -> Self {
        customers.par_sort_unstable();
        let chunks = customers.chunk_by(|a, b| a == b);
        let rows: Vec<(OrderTimes, f64)> =
            chunks.map(|alike| (alike[0], alike.len() as f64)).collect();
        Self::of_counted(rows)
    }

    /// The same of rows that are distinct and ascending.
    pub fn of_counted(rows: Vec<(OrderTimes, f64)>) -> Self {
        let mut by_repeats: BTreeMap<u32, f64> = BTreeMap::new();
        for (times, n) in &rows {
            *by_repeats.entry(times.n_repeats).or_default() += n;
        }
        let most = rows.last().map_or(0, |(times, _)| times.n_repeats as usize);
        let mut n_with_more = vec![0.0; most];
        let mut above = 0.0;
        for j in (0..most).rev() {
            above += by_repeats.get(&(j as u32 + 1)).copied().unwrap_or(0.0);
            n_with_more[j] = above;
        }
        Self {
            n_customers: rows.iter().map(|(_, n)| n).sum(),
            max_age: rows.iter().map(|(times, _)| times.age).max().unwrap_or(0),
            n_with_more,
            rows,
        }
    }

    /// Customers with a repeat.
    pub fn n_repeaters(&self) -> f64 {
        self.n_with_more.first().copied().unwrap_or(0.0)
    }

    /// Repeats of all customers.
    pub fn n_repeats(&self) -> f64 {
        self.n_with_more.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_alike_are_one_row() {
        let of = |n_repeats, last_repeat| OrderTimes { n_repeats, last_repeat, age: 70 };
        let grouped = GroupedTimes::of(vec![of(2, 30), of(0, 0), of(1, 5), of(0, 0), of(4, 69)]);
        let counts: Vec<f64> = grouped.rows.iter().map(|(_, n)| *n).collect();
        assert_eq!(counts, [2.0, 1.0, 1.0, 1.0]);
        assert_eq!(grouped.n_with_more, [3.0, 2.0, 1.0, 1.0]);
        assert_eq!((grouped.n_repeaters(), grouped.n_repeats()), (3.0, 7.0));
        let shuffled = GroupedTimes::of(vec![of(4, 69), of(0, 0), of(0, 0), of(1, 5), of(2, 30)]);
        assert_eq!(grouped, shuffled);
    }
}
