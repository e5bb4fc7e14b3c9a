use ndarray::Array2;

use crate::dataset::FeatureMatrix;
use crate::models::churn::ChurnError;

/// Predicts log odds of churn, and explains what each feature adds to them.
pub trait Classifier {
    /// The features that it looks at, in the order of contributions.
    fn features(&self) -> Vec<String>;

    /// Log odds of churn of each row, not calibrated.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError>;

    /// Prepares to explain rows.
    fn explainer(&self) -> Box<dyn Explain + '_>;
}

/// Explains what each feature adds to the log odds of a row.
pub trait Explain: Sync {
    /// Predicts and explains the rows of a matrix.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    fn explain(&self, matrix: &FeatureMatrix) -> Result<Explained, ChurnError>;
}

/// Rows with their explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As by [`Classifier::log_odds`].
    pub log_odds: Vec<f64>,
    /// Shape (rows, [`Classifier::features`]); a row's sum and a constant of the model are
    /// its log odds.
    pub contributions: Array2<f32>,
}
