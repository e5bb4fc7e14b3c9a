//! The space in which models work: every feature on a logarithmic scale,
//! centred, in units of its spread.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, FeatureMatrix};

/// Centres and spreads of the features that a model uses.
///
/// A value `x` becomes `(s(x) − mean) / spread`, cut off at ±[`Scaling::LIMIT`],
/// where `s(x) = sign(x) ln(1 + |x|)` tames the long tails of counts and money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Features, in model order.
    pub names: Vec<String>,
    /// Mean of `s(x)` of each.
    pub means: Vec<f64>,
    /// Standard deviation of `s(x)` of each, above zero.
    pub spreads: Vec<f64>,
}

impl Scaling {
    /// Spreads beyond which a value counts no further.
    pub const LIMIT: f64 = 6.0;

    /// Learns centres and spreads of the named features.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn fit(matrix: &FeatureMatrix, names: &[String]) -> Result<Self, DatasetError> {
        let logarithmic = matrix.select(names)?.values().mapv(signed_log);
        let n_rows = logarithmic.nrows().max(1) as f64;
        let means = logarithmic.sum_axis(Axis(0)) / n_rows;
        let centred = &logarithmic - &means;
        let spreads = (centred.mapv(|x| x * x).sum_axis(Axis(0)) / n_rows).mapv(f64::sqrt);
        Ok(Self {
            names: names.to_vec(),
            means: means.to_vec(),
            spreads: spreads.iter().map(|&s| if s > 0.0 { s } else { 1.0 }).collect(),
        })
    }

    /// The matrix in this space, shape (rows, [`Scaling::names`]).
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn apply(&self, matrix: &FeatureMatrix) -> Result<Array2<f64>, DatasetError> {
        let mut scaled = matrix.select(&self.names)?.values().mapv(signed_log);
        scaled -= &Array1::from_vec(self.means.clone());
        scaled /= &Array1::from_vec(self.spreads.clone());
        scaled.mapv_inplace(|x| x.clamp(-Self::LIMIT, Self::LIMIT));
        Ok(scaled)
    }
}

/// `sign(x) ln(1 + |x|)`.
fn signed_log(x: f64) -> f64 {
    x.signum() * x.abs().ln_1p()
}

/// Names of the features to keep so that no two are correlated beyond
/// `max_correlation` (absolute, on the scaled values); of such a pair the
/// earlier one stays. `scaled` has the shape (rows, `names`).
pub fn drop_collinear(scaled: &Array2<f64>, names: &[String], max_correlation: f64) -> Vec<String> {
    let n_rows = scaled.nrows().max(1) as f64;
    let means = scaled.sum_axis(Axis(0)) / n_rows;
    let centred = scaled - &means;
    let covariance = centred.t().dot(&centred);
    let mut kept: Vec<usize> = Vec::new();
    for candidate in 0..names.len() {
        let is_new = kept.iter().all(|&other| {
            let scale = (covariance[[candidate, candidate]] * covariance[[other, other]]).sqrt();
            covariance[[candidate, other]].abs() <= max_correlation * scale
        });
        if is_new && covariance[[candidate, candidate]] > 0.0 {
            kept.push(candidate);
        }
    }
    kept.into_iter().map(|index| names[index].clone()).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn scaled_training_data_has_mean_zero_and_spread_one() {
        let matrix =
            FeatureMatrix::new(names(&["a"]), array![[0.0], [1.0], [10.0], [100.0]]).unwrap();
        let scaling = Scaling::fit(&matrix, matrix.names()).unwrap();
        let scaled = scaling.apply(&matrix).unwrap();
        assert!(scaled.sum().abs() < 1e-12);
        assert!((scaled.mapv(|x| x * x).sum() / 4.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn constants_and_repeats_are_dropped() {
        let values = array![[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [4.0, 8.0, 5.0]];
        assert_eq!(drop_collinear(&values, &names(&["a", "b", "c"]), 0.95), names(&["a"]));
    }
}
