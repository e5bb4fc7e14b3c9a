use serde::{Deserialize, Serialize};

use crate::dataset::PaidDays;

/// How far customers are what the models take them to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueChecks {
    /// Share of the customers who order on more than half of the days since their first
    /// order, of those who have been here for four weeks: no one does at random times.
    pub share_of_daily_buyers: f64,
    /// Share of the customers whose first order is in the first 20th of the time since the
    /// first order of all: many seem to begin where the data does.
    pub share_of_early_first_orders: f64,
}

/// Days since the first order from which on a customer's days can be many.
const DAILY_FROM_DAYS: u32 = 28;

impl ValueChecks {
    pub(super) fn of(users: &[PaidDays]) -> Self {
        let customers: Vec<&PaidDays> = users.iter().filter(|paid| paid.n_days > 0).collect();
        let share = |is_so: &dyn Fn(&PaidDays) -> bool| {
            let n = customers.iter().filter(|paid| is_so(paid)).count();
            n as f64 / customers.len().max(1) as f64
        };
        let span = customers.iter().map(|paid| paid.first_days_ago).max().unwrap_or(0);
        let early = f64::from(span) * (1.0 - 1.0 / 20.0);
        Self {
            share_of_daily_buyers: share(&|paid| {
                paid.first_days_ago >= DAILY_FROM_DAYS && paid.n_days * 2 > paid.first_days_ago
            }),
            share_of_early_first_orders: share(&|paid| f64::from(paid.first_days_ago) >= early),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_buyers_and_early_ones_are_counted() {
        let of =
            |n_days, first_days_ago| PaidDays { n_days, first_days_ago, ..PaidDays::default() };
        let users = [of(0, 0), of(60, 100), of(20, 25), of(2, 97), of(1, 10)];
        let checks = ValueChecks::of(&users);
        assert_eq!(checks.share_of_daily_buyers, 0.25);
        assert_eq!(checks.share_of_early_first_orders, 0.5);
        let nobody = ValueChecks::of(&[]);
        assert_eq!((nobody.share_of_daily_buyers, nobody.share_of_early_first_orders), (0.0, 0.0));
    }
}
