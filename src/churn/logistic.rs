use linfa::DatasetBase;
use linfa::prelude::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::ChurnError;
use crate::dataset::{DatasetError, FeatureMatrix};
use crate::scaling::{Scaling, Transform, drop_collinear};

/// Correlation beyond which a feature says again what an earlier one says: two
/// coefficients would share one effect, and neither could be read.
const REPEATED: f64 = 0.995;

/// `[churn]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChurnParams {
    /// L2 penalty on the coefficients, on the summed log loss.
    pub l2_penalty: f64,
    /// Share of the customers to flag: the threshold is the probability that
    /// this share of the training customers exceeds.
    pub at_risk_share: f64,
    /// Only customers whose last order is at most this many days old are
    /// flagged; nobody calls back those who left long ago.
    pub lookback_days: u32,
    /// Iterations of the optimiser at most.
    pub max_iterations: u64,
}

impl Default for ChurnParams {
    fn default() -> Self {
        Self { l2_penalty: 1.0, at_risk_share: 0.2, lookback_days: 90, max_iterations: 300 }
    }
}

impl ChurnParams {
    /// Checks the bounds.
    ///
    /// # Errors
    /// One line that names the key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), String> {
        if !self.l2_penalty.is_finite() || self.l2_penalty < 0.0 {
            return Err(format!(
                "[churn] l2_penalty must be zero or more, got {}",
                self.l2_penalty
            ));
        }
        if !(0.0..=1.0).contains(&self.at_risk_share) {
            return Err(format!(
                "[churn] at_risk_share must lie between 0 and 1, got {}",
                self.at_risk_share
            ));
        }
        if self.lookback_days == 0 || self.max_iterations == 0 {
            return Err("[churn] lookback_days and max_iterations must be at least 1, got 0".into());
        }
        Ok(())
    }
}

/// A fitted logistic regression on scaled features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedChurn {
    /// The space of the coefficients.
    pub scaling: Scaling,
    /// One number a feature: log odds by spread.
    pub coefficients: Vec<f64>,
    /// Log odds of a user at the centre.
    pub intercept: f64,
    /// Probability from which a customer is at risk.
    pub at_risk_threshold: f64,
    /// Days since the last order beyond which nobody is flagged.
    pub lookback_days: u32,
}

/// Fits the model to customers' features, shape (rows, features), and whether
/// each churned.
///
/// # Errors
/// When parameters are out of bounds, only one class is present, no feature
/// varies, or the optimiser fails.
pub fn fit_churn(
    params: &ChurnParams,
    matrix: &FeatureMatrix,
    churned: &[bool],
) -> Result<FittedChurn, ChurnError> {
    params.check().map_err(ChurnError::Params)?;
    check_classes(churned)?;
    let varying = matrix.varying_names();
    if varying.is_empty() {
        return Err(ChurnError::ConstantFeatures(matrix.n_features()));
    }
    let all = Scaling::fit(matrix, &varying, Transform::Log)?;
    let kept = drop_collinear(&all.apply(matrix)?, &varying, REPEATED);
    let scaling = Scaling::fit(matrix, &kept, Transform::Log)?;
    let points = scaling.apply(matrix)?;
    // The optimiser's tolerance is on the gradient of the summed loss.
    let tolerance = 1e-5 * churned.len() as f64;
    let dataset = DatasetBase::new(points.view(), Array1::from_vec(churned.to_vec()));
    let fitted = LogisticRegression::default()
        .alpha(params.l2_penalty)
        .max_iterations(params.max_iterations)
        .gradient_tolerance(tolerance)
        .fit(&dataset)?;
    // The library may take either class as the positive one.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    let mut model = FittedChurn {
        scaling,
        coefficients: fitted.params().iter().map(|coefficient| sign * coefficient).collect(),
        intercept: sign * fitted.intercept(),
        at_risk_threshold: 1.0,
        lookback_days: params.lookback_days,
    };
    model.at_risk_threshold = model.threshold_for(matrix, params.at_risk_share)?;
    Ok(model)
}

fn check_classes(churned: &[bool]) -> Result<(), ChurnError> {
    let (n_customers, n_churned) = (churned.len(), churned.iter().filter(|&&c| c).count());
    let hint = match n_churned {
        _ if n_customers == 0 => ": nobody ordered before the snapshots",
        0 => ": a shorter one",
        n if n == n_customers => ": a longer one",
        _ => return Ok(()),
    };
    Err(ChurnError::OneClass { n_customers, n_churned, hint })
}

impl FittedChurn {
    /// Probability of no order within the horizon, for each row.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the model.
    pub fn predict(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, DatasetError> {
        let points = self.scaling.apply(matrix)?;
        let coefficients = Array1::from_vec(self.coefficients.clone());
        let probability = |log_odds: f64| 1.0 / (1.0 + (-log_odds).exp());
        Ok(points
            .rows()
            .into_iter()
            .map(|row| probability(self.intercept + row.dot(&coefficients)))
            .collect())
    }

    /// Whether each customer is at risk: probable enough to leave, and not
    /// gone already.
    ///
    /// # Errors
    /// When the matrix lacks days since last order.
    pub fn at_risk(
        &self,
        matrix: &FeatureMatrix,
        probabilities: &[f64],
    ) -> Result<Vec<bool>, DatasetError> {
        let silence = matrix.column("days_since_last_order")?;
        let limit = f64::from(self.lookback_days);
        Ok(probabilities
            .iter()
            .zip(silence)
            .map(|(&p, &days)| p >= self.at_risk_threshold && days <= limit)
            .collect())
    }

    /// The probability that `share` of those who could be flagged exceed.
    fn threshold_for(&self, matrix: &FeatureMatrix, share: f64) -> Result<f64, DatasetError> {
        let silence = matrix.column("days_since_last_order")?;
        let limit = f64::from(self.lookback_days);
        let mut probabilities: Vec<f64> = self
            .predict(matrix)?
            .into_iter()
            .zip(silence)
            .filter(|(_, days)| **days <= limit)
            .map(|(p, _)| p)
            .collect();
        probabilities.sort_by(|a, b| b.total_cmp(a));
        let n_flagged = (probabilities.len() as f64 * share).round() as usize;
        Ok(match n_flagged.checked_sub(1).and_then(|last| probabilities.get(last)) {
            Some(&probability) => probability,
            // Nobody is to be flagged: no probability reaches beyond 1.
            None => 2.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn customers(n: usize) -> (FeatureMatrix, Vec<bool>) {
        let values =
            Array2::from_shape_fn(
                (n, 2),
                |(row, column)| {
                    if column == 0 { (row % 100) as f64 } else { 1.0 }
                },
            );
        let names = vec!["days_since_last_order".to_owned(), "constant".to_owned()];
        let churned = (0..n).map(|row| row % 100 > 50 || row % 7 == 0).collect();
        (FeatureMatrix::new(names, values).unwrap(), churned)
    }

    #[test]
    fn the_longer_silent_are_the_likelier_gone() {
        let (matrix, churned) = customers(1_000);
        let params = ChurnParams { lookback_days: 180, ..Default::default() };
        let model = fit_churn(&params, &matrix, &churned).unwrap();
        assert_eq!(model.scaling.names, ["days_since_last_order"]);
        let p = model.predict(&matrix).unwrap();
        assert!(p[99] > 0.8 && p[1] < 0.3, "{} {}", p[99], p[1]);
        let flagged = model.at_risk(&matrix, &p).unwrap().iter().filter(|&&f| f).count();
        assert_eq!(flagged, 200);
    }

    #[test]
    fn mean_probability_is_the_churn_rate_whichever_class_comes_first() {
        let (matrix, churned) = customers(1_000);
        for churned in [churned.clone(), churned.iter().map(|c| !c).collect()] {
            let params = ChurnParams { l2_penalty: 0.0, ..Default::default() };
            let p = fit_churn(&params, &matrix, &churned).unwrap().predict(&matrix).unwrap();
            let rate = churned.iter().filter(|&&c| c).count() as f64 / 1_000.0;
            assert!((p.iter().sum::<f64>() / 1_000.0 - rate).abs() < 1e-3);
        }
    }

    #[test]
    fn one_class_is_an_error_that_says_which() {
        let (matrix, _) = customers(100);
        let error = fit_churn(&ChurnParams::default(), &matrix, &[true; 100]).unwrap_err();
        assert!(error.to_string().contains("a longer one"), "{error}");
        let error = fit_churn(&ChurnParams::default(), &matrix, &[false; 100]).unwrap_err();
        assert!(error.to_string().contains("a shorter one"), "{error}");
    }
}
