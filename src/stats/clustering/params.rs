use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::ClusteringError;
use super::matrix;

/// Parameters of k-means; `fit` of linfa's `Fit` gives a
/// [`FittedKMeans`](super::FittedKMeans).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansParams {
    /// Number of clusters, at least 1.
    pub n_clusters: usize,
    /// Runs from different starts, at least 1; the one of least inertia counts.
    pub n_starts: usize,
    /// Most iterations of a run, at least 1.
    pub max_iterations: usize,
    /// A run ends when the squared shifts of all centroids add up to no more
    /// than this share of the features' mean variance; 0 runs until nothing moves.
    pub tolerance: f64,
    /// Seed of the starts.
    pub seed: u64,
    /// Where the first centroids come from.
    pub start: Start,
}

/// Where the first centroids come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Greedy k-means++.
    PlusPlus,
    /// These centroids, shape (clusters, features); then there is one run.
    Given(#[serde(with = "matrix")] Array2<f32>),
}

impl Default for KMeansParams {
    fn default() -> Self {
        Self {
            n_clusters: 8,
            n_starts: 10,
            max_iterations: 300,
            tolerance: 1e-4,
            seed: 0,
            start: Start::PlusPlus,
        }
    }
}

impl KMeansParams {
    /// Whether every parameter is within its bounds.
    ///
    /// # Errors
    /// Names the first parameter that is not.
    pub fn check(&self) -> Result<(), ClusteringError> {
        at_least_one("n_clusters", self.n_clusters)?;
        at_least_one("n_starts", self.n_starts)?;
        at_least_one("max_iterations", self.max_iterations)?;
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            let message =
                format!("tolerance must be finite and not negative, got {}", self.tolerance);
            return Err(ClusteringError::Params(message));
        }
        if let Start::Given(centroids) = &self.start
            && centroids.nrows() != self.n_clusters
        {
            let message = format!(
                "n_clusters is {}, but {} starting centroids are given",
                self.n_clusters,
                centroids.nrows()
            );
            return Err(ClusteringError::Params(message));
        }
        Ok(())
    }
}

/// An error unless the parameter is at least 1.
pub(super) fn at_least_one(name: &str, value: usize) -> Result<(), ClusteringError> {
    if value == 0 {
        return Err(ClusteringError::Params(format!("{name} must be at least 1, got 0")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn message(params: KMeansParams) -> String {
        params.check().unwrap_err().to_string()
    }

    #[test]
    fn parameters_out_of_bounds_are_named() {
        let default = KMeansParams::default;
        default().check().unwrap();
        let none = KMeansParams { n_clusters: 0, ..default() };
        assert_eq!(message(none), "n_clusters must be at least 1, got 0");
        let endless = KMeansParams { tolerance: f64::NAN, ..default() };
        assert_eq!(message(endless), "tolerance must be finite and not negative, got NaN");
        let start = Start::Given(array![[1.0]]);
        let other = KMeansParams { n_clusters: 2, start, ..default() };
        assert_eq!(message(other), "n_clusters is 2, but 1 starting centroids are given");
    }
}
