//! What is known of a user besides the features: what followed, and the pace.

use super::orders::{Order, Overflow, collect_orders};
use super::pace::PaceBuffers;
use super::program::Program;
use crate::dataset::{Outcomes, Pace};
use crate::input::history::EventRow;

/// What is known of a user at a date besides the features.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UserFacts {
    pub n_orders: f64,
    pub gmv: f64,
    pub days_to_event: f64,
    pub pace: Pace,
}

/// What users did after a date, with when they next did the event if `has_event`.
pub(super) fn outcomes_of(facts: &[UserFacts], has_event: bool) -> Outcomes {
    let of = |value: fn(&UserFacts) -> f64| facts.iter().map(value).collect::<Vec<f64>>();
    Outcomes {
        n_orders: of(|it| it.n_orders),
        gmv: of(|it| it.gmv),
        days_to_event: if has_event { of(|it| it.days_to_event) } else { vec![] },
    }
}

/// What a user did in a window, with the buffers to find it.
#[derive(Default)]
pub(super) struct OutcomeBuffers {
    orders: Vec<Order>,
    lines: Vec<(u64, Order)>,
    pub pace: PaceBuffers,
}

impl OutcomeBuffers {
    /// Number and amount of the orders in `[from, to)`.
    pub fn of(
        &mut self,
        events: &[EventRow],
        program: &Program,
        from: i64,
        to: i64,
    ) -> Result<(f64, f64), Overflow> {
        let start = events.partition_point(|event| event.time < from);
        let end = events.partition_point(|event| event.time < to);
        let window = &events[start..end];
        collect_orders(window, program.order_event, &mut self.orders, &mut self.lines)?;
        let gmv = self.orders.iter().try_fold(0i64, |sum, order| sum.checked_add(order.amount));
        Ok((self.orders.len() as f64, gmv.ok_or(Overflow)? as f64 / program.scale))
    }
}
