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
    /// Contributions, shape (rows, [`Classifier::features`]); a row's sum and a
    /// constant of the model are its log odds.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    fn contributions(&self, matrix: &FeatureMatrix) -> Result<Array2<f32>, ChurnError>;
}
