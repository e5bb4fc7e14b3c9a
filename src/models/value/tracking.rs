//! Repeat orders from week to week, beside those that a model expects.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::fit::covariates;
use super::{FittedValue, ValueError};
use crate::dataset::{Snapshot, UserIds};
use crate::stats::orders::{Forecaster, Horizons, OrderTimes};
use crate::stats::resample::{Interval, Z_95};

/// Repeat orders of some weeks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackedWeeks {
    /// First day.
    pub from: NaiveDate,
    /// The day after the last.
    pub until: NaiveDate,
    /// Days with a repeat order that the model expects.
    pub expected: f64,
    /// Those that there were.
    pub actual: f64,
    /// The 95 % interval of the latter, with customers as what is independent.
    pub interval: Interval,
    /// Whether they came after all that the model was fitted to.
    pub is_foretold: bool,
}

/// Repeat orders from week to week.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracking {
    /// Customers who were followed: a sample where they are many.
    pub n_customers: usize,
    /// In order.
    pub weeks: Vec<TrackedWeeks>,
}

/// The customers of a fitted model, as those whose weeks are counted.
pub struct Tracker<'m> {
    fitted: &'m FittedValue,
    users: UserIds,
    /// Customers by the day of their first order and covariates.
    births: BTreeMap<(NaiveDate, Vec<u64>), f64>,
    /// By covariates and days since the first order.
    expected: HashMap<(Vec<u64>, i64), f64>,
    last: Option<Count>,
    weeks: Vec<TrackedWeeks>,
}

/// Days (of BG/BB occasions) with an order of each customer up to a moment.
struct Count {
    as_of: NaiveDateTime,
    n_paid: Vec<u32>,
    expected: f64,
}

impl<'m> Tracker<'m> {
    /// Follows the customers of a snapshot of the date of the fit.
    ///
    /// # Errors
    /// When it lacks a covariate.
    pub fn new(fitted: &'m FittedValue, snapshot: &Snapshot) -> Result<Self, ValueError> {
        let covariates = covariates(&snapshot.features, &fitted.covariates)?;
        let mut births = BTreeMap::new();
        let mut rows = Vec::new();
        for (row, purchases) in snapshot.purchases.iter().enumerate() {
            if purchases.paid.n_days == 0 {
                continue;
            }
            let days = chrono::Days::new(u64::from(purchases.paid.first_days_ago));
            let Some(first) = snapshot.as_of.date().checked_sub_days(days) else { continue };
            let level = covariates.row(row).iter().map(|value| value.to_bits()).collect();
            *births.entry((first, level)).or_insert(0.0) += 1.0;
            rows.push(row);
        }
        let users = snapshot.users.select(&rows);
        let (expected, weeks) = (HashMap::new(), Vec::new());
        Ok(Self { fitted, users, births, expected, last: None, weeks })
    }

    /// Counts up to the moment of a snapshot, which is later than that before.
    pub fn count(&mut self, snapshot: &Snapshot) {
        let clock = self.fitted.clock(snapshot.as_of);
        let paid = |row: &Option<usize>| {
            row.map_or(0, |row| clock.n_occasions(&snapshot.purchases[row].paid))
        };
        let n_paid: Vec<u32> = self.users.rows_in(&snapshot.users).iter().map(paid).collect();
        let as_of = snapshot.as_of;
        let now = Count { as_of, n_paid, expected: self.expected_until(as_of) };
        if let Some(last) = self.last.replace(now) {
            let now = self.last.as_ref().expect("it was just put there");
            let (mut actual, mut squares) = (0.0, 0.0);
            for (before, after) in last.n_paid.iter().zip(&now.n_paid) {
                // The first day is no repeat.
                let n_before = before.saturating_sub(1);
                let n = f64::from(after.saturating_sub(1).saturating_sub(n_before));
                actual += n;
                squares += n * n;
            }
            let n = self.users.len().max(1) as f64;
            let half = Z_95 * (squares - actual * actual / n).max(0.0).sqrt();
            self.weeks.push(TrackedWeeks {
                from: last.as_of.date(),
                until: as_of.date(),
                expected: now.expected - last.expected,
                actual,
                interval: Interval { low: (actual - half).max(0.0), high: actual + half },
                is_foretold: last.as_of >= self.fitted.as_of,
            });
        }
    }

    /// What was counted.
    pub fn tracking(self) -> Tracking {
        Tracking { n_customers: self.users.len(), weeks: self.weeks }
    }

    /// Days with a repeat order that the model expects of all customers before a moment.
    fn expected_until(&mut self, as_of: NaiveDateTime) -> f64 {
        let mut total = 0.0;
        for ((first, level), n) in &self.births {
            // The last day before the moment is a day that has passed.
            let n_days = (as_of.date() - *first).num_days() - 1;
            if n_days > 0 {
                let fitted = self.fitted;
                let of_one = self
                    .expected
                    .entry((level.clone(), n_days))
                    .or_insert_with(|| expected_repeats(fitted, as_of, level, n_days));
                total += n * *of_one;
            }
        }
        total
    }
}

/// Days with a repeat order that are expected of a customer in so many days after the first.
fn expected_repeats(fitted: &FittedValue, as_of: NaiveDateTime, level: &[u64], n_days: i64) -> f64 {
    let length = fitted.clock(as_of).units(n_days as f64);
    let horizons = Horizons { short: length, long: length, discount: 0.0 };
    let forecaster = Forecaster::new(fitted.orders.model.clone(), horizons);
    let covariates: Vec<f64> = level.iter().map(|bits| f64::from_bits(*bits)).collect();
    let new = OrderTimes { n_repeats: 0, age: 0, last_repeat: 0 };
    forecaster.forecast(&new, &covariates).short.orders
}
