use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{ChurnError, FittedBlend, FittedLogistic, FittedTrees, ModelChoice};
use crate::dataset::FeatureMatrix;

/// Tells log odds of churn, and what each feature adds to them.
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

/// Tells what each feature adds to the log odds of a row.
pub trait Explain: Sync {
    /// Contributions, shape (rows, [`Classifier::features`]); a row's sum and a
    /// constant of the model are its log odds.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    fn contributions(&self, matrix: &FeatureMatrix) -> Result<Array2<f32>, ChurnError>;
}

/// A fitted classifier, whichever it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedClassifier {
    /// Logistic regression.
    Logistic(FittedLogistic),
    /// Boosted trees.
    Trees(FittedTrees),
    /// The mean of both, in log odds.
    Blend(FittedBlend),
}

impl FittedClassifier {
    /// Which one it is.
    pub fn kind(&self) -> ModelChoice {
        match self {
            Self::Logistic(_) => ModelChoice::Logistic,
            Self::Trees(_) => ModelChoice::Trees,
            Self::Blend(_) => ModelChoice::Blend,
        }
    }

    fn inner(&self) -> &dyn Classifier {
        match self {
            Self::Logistic(model) => model,
            Self::Trees(model) => model,
            Self::Blend(model) => model,
        }
    }
}

impl Classifier for FittedClassifier {
    fn features(&self) -> Vec<String> {
        self.inner().features()
    }

    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError> {
        self.inner().log_odds(matrix)
    }

    fn explainer(&self) -> Box<dyn Explain + '_> {
        self.inner().explainer()
    }
}
