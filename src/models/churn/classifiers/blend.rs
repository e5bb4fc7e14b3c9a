use ndarray::Axis;
use serde::{Deserialize, Serialize};

use super::{Classifier, Explain, Explained, FittedLogistic, FittedTrees};
use crate::dataset::FeatureMatrix;
use crate::models::churn::ChurnError;

/// The mean of a logistic regression and of boosted trees, in log odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedBlend {
    /// The regression; its features are among those of the trees.
    pub logistic: FittedLogistic,
    /// The trees.
    pub trees: FittedTrees,
}

/// The mean of two log odds.
pub(in super::super) fn blended(logistic: &[f64], trees: &[f64]) -> Vec<f64> {
    logistic.iter().zip(trees).map(|(a, b)| (a + b) / 2.0).collect()
}

impl Classifier for FittedBlend {
    fn features(&self) -> Vec<String> {
        self.trees.features()
    }

    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError> {
        Ok(blended(&self.logistic.log_odds(matrix)?, &self.trees.log_odds(matrix)?))
    }

    fn explainer(&self) -> Box<dyn Explain + '_> {
        let features = self.trees.features();
        let place = |name: &String| features.iter().position(|feature| feature == name);
        Box::new(BlendExplainer {
            places: self.logistic.features().iter().filter_map(place).collect(),
            logistic: self.logistic.explainer(),
            trees: self.trees.explainer(),
        })
    }
}

struct BlendExplainer<'a> {
    /// Where each feature of the regression stands among those of the trees.
    places: Vec<usize>,
    logistic: Box<dyn Explain + 'a>,
    trees: Box<dyn Explain + 'a>,
}

impl Explain for BlendExplainer<'_> {
    fn explain(&self, matrix: &FeatureMatrix) -> Result<Explained, ChurnError> {
        let Explained { log_odds, contributions: mut sums } = self.trees.explain(matrix)?;
        let linear = self.logistic.explain(matrix)?;
        let log_odds = blended(&linear.log_odds, &log_odds);
        let linear = linear.contributions;
        for (mut sums, linear) in sums.axis_iter_mut(Axis(0)).zip(linear.axis_iter(Axis(0))) {
            self.places.iter().zip(linear).for_each(|(&place, value)| sums[place] += value);
        }
        sums /= 2.0;
        Ok(Explained { log_odds, contributions: sums })
    }
}
