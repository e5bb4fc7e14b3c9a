use serde::{Deserialize, Serialize};

use crate::dataset::Outcomes;

/// A quantity of the outcome window that is predicted of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// `ln(1 + GMV)`: who buys, and of what order of magnitude.
    LogGmv,
    /// `GMV^¾`: who buys for how much. Plain GMV would hang on a few orders.
    Gmv,
    /// `ln(1 + orders)`, where the data has no money.
    LogOrders,
    /// `orders^¾`, where the data has no money.
    Orders,
    /// 1 for a user who churned by the rule of the config or, where it does not apply
    /// to them, placed no order.
    Churn,
}

impl Outcome {
    /// The outcomes that vary over these users.
    pub(in super::super) fn that_vary(outcomes: &Outcomes) -> Vec<Self> {
        let has_money = outcomes.gmv.iter().any(|&gmv| gmv > 0.0);
        let of_value =
            if has_money { [Self::LogGmv, Self::Gmv] } else { [Self::LogOrders, Self::Orders] };
        of_value
            .into_iter()
            .chain([Self::Churn])
            .filter(|outcome| {
                let values = outcome.of(outcomes);
                values.iter().any(|&value| value != values[0])
            })
            .collect()
    }

    /// One number a user.
    pub fn of(self, outcomes: &Outcomes) -> Vec<f64> {
        (0..outcomes.gmv.len()).map(|row| self.of_user(outcomes, row)).collect()
    }

    /// The number of one user.
    pub fn of_user(self, outcomes: &Outcomes, row: usize) -> f64 {
        // What is sent back may exceed what is bought.
        let gmv = outcomes.gmv[row].max(0.0);
        let n_orders = outcomes.n_orders[row];
        match self {
            Self::LogGmv => gmv.ln_1p(),
            Self::Gmv => gmv.powf(0.75),
            Self::LogOrders => n_orders.ln_1p(),
            Self::Orders => n_orders.powf(0.75),
            Self::Churn => f64::from(u8::from(outcomes.churned_or_no_order(row))),
        }
    }

    /// Whether few users make most of it.
    pub(in super::super) fn is_of_few(self) -> bool {
        matches!(self, Self::Gmv | Self::Orders)
    }

    /// How much it counts in the embedding: churn twice, since two coordinates are of
    /// value.
    pub(in super::super) fn weight(self) -> f64 {
        if self == Self::Churn { 2.0 } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn churn_is_the_label_and_no_order_where_the_rule_does_not_apply() {
        let churned = vec![Some(true), Some(false), None, None];
        let outcomes =
            Outcomes { churned, ..Outcomes::of_orders(vec![1.0, 0.0, 0.0, 3.0], vec![0.0; 4]) };
        assert_eq!(Outcome::Churn.of(&outcomes), [1.0, 0.0, 1.0, 0.0]);
    }
}
