use serde::{Deserialize, Serialize};

use crate::dataset::Outcomes;

/// What is foretold of users and judged afterwards.
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
    /// 1 for no order.
    Churn,
}

impl Outcome {
    /// The outcomes that vary over these users.
    pub(super) fn that_vary(outcomes: &Outcomes) -> Vec<Self> {
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
    pub(super) fn of(self, outcomes: &Outcomes) -> Vec<f64> {
        let each = |values: &[f64], of: fn(f64) -> f64| values.iter().map(|&x| of(x)).collect();
        // What is sent back may exceed what is bought.
        match self {
            Self::LogGmv => each(&outcomes.gmv, |gmv| gmv.max(0.0).ln_1p()),
            Self::Gmv => each(&outcomes.gmv, |gmv| gmv.max(0.0).powf(0.75)),
            Self::LogOrders => each(&outcomes.n_orders, f64::ln_1p),
            Self::Orders => each(&outcomes.n_orders, |n| n.powf(0.75)),
            Self::Churn => each(&outcomes.n_orders, |n| f64::from(u8::from(n == 0.0))),
        }
    }

    /// Whether few users make most of it.
    pub(super) fn is_of_few(self) -> bool {
        matches!(self, Self::Gmv | Self::Orders)
    }

    /// How much it counts in the space: churn twice, since two coordinates tell of
    /// value.
    pub(super) fn weight(self) -> f64 {
        if self == Self::Churn { 2.0 } else { 1.0 }
    }
}

/// Standard deviation; 0 of nothing.
pub(super) fn spread(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}
