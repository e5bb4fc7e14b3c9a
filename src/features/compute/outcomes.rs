//! What is known of a user besides the features: what they did before in short,
//! and what followed.

use super::program::Program;
use super::purchases::{PurchaseSummaries, days_to_next, paid_days};
use crate::dataset::{ChurnLabel, Outcomes, Purchases};
use crate::features::orders::{Order, Overflow, collect_orders};
use crate::input::history::EventRow;

/// What is known of a user at a date besides the features.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UserFacts {
    pub purchases: Purchases,
    pub outcome: Outcome,
}

/// What a user did in the horizon.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    n_orders: f64,
    gmv: f64,
    n_paid_days: f64,
    days_to_event: f64,
    churned: Option<bool>,
}

impl FromIterator<Outcome> for Outcomes {
    fn from_iter<I: IntoIterator<Item = Outcome>>(users: I) -> Self {
        let mut all = Self::default();
        for of_user in users {
            all.n_orders.push(of_user.n_orders);
            all.gmv.push(of_user.gmv);
            all.n_paid_days.push(of_user.n_paid_days);
            all.days_to_event.push(of_user.days_to_event);
            all.churned.push(of_user.churned);
        }
        all
    }
}

/// Finds out what a user did before and after a date.
pub(super) struct UserFactsFinder<'a> {
    program: &'a Program,
    label: &'a ChurnLabel,
    /// Code of the label's event.
    kept_by: u32,
    summaries: PurchaseSummaries,
    orders: Vec<Order>,
    lines: Vec<(u64, Order)>,
}

impl<'a> UserFactsFinder<'a> {
    pub fn new(program: &'a Program, label: &'a ChurnLabel, kept_by: u32) -> Self {
        let (summaries, orders, lines) = (PurchaseSummaries::default(), Vec::new(), Vec::new());
        Self { program, label, kept_by, summaries, orders, lines }
    }

    /// The user's purchases before `as_of`, and what they did from then until the end
    /// of the horizon, if it is given.
    pub fn find(
        &mut self,
        events: &[EventRow],
        as_of: i64,
        horizon_end: Option<i64>,
    ) -> Result<UserFacts, Overflow> {
        let purchases = self.summaries.of(events, self.kept_by, self.program, as_of)?;
        let outcome = match horizon_end {
            Some(end) => self.outcome(events, &purchases, as_of, end)?,
            None => Outcome::default(),
        };
        Ok(UserFacts { purchases, outcome })
    }

    fn outcome(
        &mut self,
        events: &[EventRow],
        purchases: &Purchases,
        as_of: i64,
        end: i64,
    ) -> Result<Outcome, Overflow> {
        let from = events.partition_point(|event| event.time < as_of);
        let to = events.partition_point(|event| event.time < end);
        let order_event = self.program.order_event;
        collect_orders(&events[from..to], order_event, &mut self.orders, &mut self.lines)?;
        let gmv = self.orders.iter().try_fold(0i64, |sum, order| sum.checked_add(order.amount));
        let paid = paid_days(events[from..to].iter(), self.program, end)?;
        let days_to_event = days_to_next(events, self.kept_by, as_of, end);
        Ok(Outcome {
            n_orders: self.orders.len() as f64,
            gmv: gmv.ok_or(Overflow)? as f64 / self.program.scale,
            n_paid_days: f64::from(paid.n_days),
            days_to_event,
            churned: self.label.churned(&purchases.kept_by, days_to_event),
        })
    }
}
