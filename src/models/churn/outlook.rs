//! What a model of orders says of each user, beside a classifier.

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::ChurnError;
use crate::stats::linear::{LogisticModel, LogisticParams, probability};
use crate::stats::metrics::{log_loss, median};

/// Twice the gain in log-likelihood that a model of orders must bring to count: one that says
/// nothing brings as much once in a hundred times.
const LEAST_GAIN: f64 = 6.63;

/// Slope of the classifier below which nothing is put beside it.
const LEAST_SLOPE: f64 = 0.1;

/// How much the chance of no order in the horizon, by a model of orders that knew no more than
/// the classifier's features, adds to the log odds of churn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderOutlook {
    /// What a unit of log odds of no order adds; above zero.
    pub weight: f64,
    /// Log odds of no order that add nothing: their median where the weight was found.
    pub typical: f64,
}

impl OrderOutlook {
    /// What log odds of no order add; nothing for a user of whom there are none.
    pub fn adds(&self, no_order: Option<f64>) -> f64 {
        no_order.map_or(0.0, |it| self.weight * (it - self.typical))
    }

    /// Finds the weight by which log odds of a classifier and of no order together say best
    /// who churned, of users whom the classifier was not fitted to. `None` where the latter
    /// are unknown or do not help.
    ///
    /// # Errors
    /// When the fit finds no minimum.
    pub(super) fn fit(
        log_odds: &[f64],
        no_order: &[Option<f64>],
        churned: &[bool],
    ) -> Result<Option<Self>, ChurnError> {
        let known: Vec<f64> = no_order.iter().copied().flatten().collect();
        if known.is_empty() || churned.iter().all(|&it| it) || !churned.contains(&true) {
            return Ok(None);
        }
        let typical = median(known);
        let input = |row: usize, column: usize| match column {
            0 => log_odds[row],
            _ => no_order[row].map_or(0.0, |it| it - typical),
        };
        let fit = |n_columns: usize| -> Result<(LogisticModel, f64), ChurnError> {
            let points = Array2::from_shape_fn((churned.len(), n_columns), |at| input(at.0, at.1));
            let dataset = DatasetBase::new(points, Array1::from(churned.to_vec()));
            let params = LogisticParams {
                l2_penalty: 1e-3,
                non_negative: (0..n_columns).collect(),
                ..LogisticParams::default()
            };
            let model = params.fit(&dataset)?;
            let of_row = |row: usize| {
                let weighted = model.coefficients.iter().enumerate();
                let sum: f64 = weighted.map(|(column, it)| it * input(row, column)).sum();
                probability(model.intercept + sum)
            };
            let p: Vec<f64> = (0..churned.len()).map(of_row).collect();
            let loss = log_loss(&p, churned).unwrap_or(0.0) * churned.len() as f64;
            Ok((model, loss))
        };
        let ((_, alone), (both, together)) = (fit(1)?, fit(2)?);
        let [slope, weight] = [both.coefficients[0], both.coefficients[1]];
        let earns_its_place = 2.0 * (alone - together) > LEAST_GAIN && slope >= LEAST_SLOPE;
        Ok((earns_its_place && weight > 0.0).then(|| Self { weight: weight / slope, typical }))
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Log odds of a classifier and of a model of orders, and outcomes by both.
    fn drawn(weight: f64, seed: u64) -> (Vec<f64>, Vec<Option<f64>>, Vec<bool>) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut rows = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..4_000 {
            let (z, q) = (rng.gen_range(-3.0..3.0), rng.gen_range(-2.0..4.0));
            let known = row % 10 > 0;
            let truth = z + if known { weight * (q - 1.0) } else { 0.0 };
            rows.0.push(z);
            rows.1.push(known.then_some(q));
            rows.2.push(rng.gen_bool(probability(truth)));
        }
        rows
    }

    #[test]
    fn what_a_model_of_orders_adds_is_found() {
        let (z, q, churned) = drawn(0.5, 1);
        let found = OrderOutlook::fit(&z, &q, &churned).unwrap().unwrap();
        assert!((found.weight - 0.5).abs() < 0.08, "{found:?}");
        assert!((found.typical - 1.0).abs() < 0.15, "{found:?}");
        assert_eq!(found.adds(None), 0.0);
        assert!((found.adds(Some(found.typical + 2.0)) - 2.0 * found.weight).abs() < 1e-12);
    }

    #[test]
    fn one_that_says_nothing_or_the_contrary_has_no_say() {
        let n_taken = (0..20)
            .filter(|&seed| {
                let (z, q, churned) = drawn(0.0, 100 + seed);
                OrderOutlook::fit(&z, &q, &churned).unwrap().is_some()
            })
            .count();
        assert!(n_taken <= 2, "{n_taken} of 20");
        let (z, q, churned) = drawn(-0.5, 2);
        assert_eq!(OrderOutlook::fit(&z, &q, &churned).unwrap(), None);
        let unknown = vec![None; z.len()];
        assert_eq!(OrderOutlook::fit(&z, &unknown, &churned).unwrap(), None);
    }
}
