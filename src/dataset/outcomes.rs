/// What each user did in the horizon after the as-of date, in snapshot order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcomes {
    /// Orders placed.
    pub n_orders: Vec<f64>,
    /// Amount ordered, in the currency of the data.
    pub gmv: Vec<f64>,
    /// Days of the calendar on which they paid, as of [`PaidDays`](super::PaidDays).
    pub n_paid_days: Vec<f64>,
    /// Days until the event whose absence is churn; infinite where it did not
    /// happen in the horizon.
    pub days_to_event: Vec<f64>,
    /// The label: whether the user churned by the rule of the config; `None` where the
    /// rule does not apply to the user at this date.
    pub churned: Vec<Option<bool>>,
}

impl Outcomes {
    /// Outcomes of users who are all eligible by the rule that churn is no order in
    /// the horizon, and who order once a day.
    pub fn of_orders(n_orders: Vec<f64>, gmv: Vec<f64>) -> Self {
        let days_to_event =
            n_orders.iter().map(|&n| if n > 0.0 { 0.0 } else { f64::INFINITY }).collect();
        let churned = n_orders.iter().map(|&n| Some(n == 0.0)).collect();
        let n_paid_days = n_orders.clone();
        Self { n_orders, gmv, n_paid_days, days_to_event, churned }
    }

    /// The users to whom the churn rule applies, as rows, and whether each churned.
    pub fn eligible(&self) -> (Vec<usize>, Vec<bool>) {
        let rows = self.churned.iter().enumerate();
        rows.filter_map(|(row, churned)| Some((row, (*churned)?))).unzip()
    }

    /// True for a user without an order in the horizon.
    pub fn has_no_order(&self, row: usize) -> bool {
        self.n_orders[row] == 0.0
    }

    /// The outcome that all users have: the churn label of those to whom the rule
    /// applies, and of the others whether they have no order in the horizon.
    ///
    /// Where churn is no order in the horizon, that is simply no order.
    pub fn churned_or_no_order(&self, row: usize) -> bool {
        self.churned[row].unwrap_or_else(|| self.has_no_order(row))
    }

    /// Share of the eligible users among `rows` who churned; `None` without any.
    pub fn churn_rate(&self, rows: &[usize]) -> Option<f64> {
        let labels: Vec<bool> = rows.iter().filter_map(|&row| self.churned[row]).collect();
        let n_churned = labels.iter().filter(|&&churned| churned).count();
        (!labels.is_empty()).then(|| n_churned as f64 / labels.len() as f64)
    }

    /// The outcomes of the given users, in that order.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect();
        Self {
            n_orders: pick(&self.n_orders),
            gmv: pick(&self.gmv),
            n_paid_days: pick(&self.n_paid_days),
            days_to_event: pick(&self.days_to_event),
            churned: rows.iter().map(|&row| self.churned[row]).collect(),
        }
    }

    /// Adds other users' outcomes below these.
    pub fn append(&mut self, mut other: Self) {
        self.n_orders.append(&mut other.n_orders);
        self.gmv.append(&mut other.gmv);
        self.n_paid_days.append(&mut other.n_paid_days);
        self.days_to_event.append(&mut other.days_to_event);
        self.churned.append(&mut other.churned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_eligible_counts_by_orders() {
        let outcomes = Outcomes {
            churned: vec![None, None, Some(true), Some(false)],
            ..Outcomes::of_orders(vec![0.0, 2.0, 1.0, 0.0], vec![0.0; 4])
        };
        assert_eq!(outcomes.eligible(), (vec![2, 3], vec![true, false]));
        let lost: Vec<bool> = (0..4).map(|row| outcomes.churned_or_no_order(row)).collect();
        assert_eq!(lost, [true, false, true, false]);
        let mut picked = outcomes.select_rows(&[3, 0]);
        picked.append(outcomes.select_rows(&[2]));
        assert_eq!(picked.churned, [Some(false), None, Some(true)]);
        assert_eq!(picked.days_to_event, [f64::INFINITY, f64::INFINITY, 0.0]);
    }
}
