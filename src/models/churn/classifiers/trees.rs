use serde::{Deserialize, Serialize};

use super::{Classifier, Explain, Explained};
use crate::dataset::FeatureMatrix;
use crate::models::churn::{ChurnError, ChurnParams, TrainingRows};
use crate::stats::boosting::{BoostedTrees, BoostingParams, Explainer, Loss, Sample, fit_trees};

/// Gradient-boosted trees that predict log odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedTrees {
    /// Features that the trees see, in their order.
    pub names: Vec<String>,
    /// The trees.
    pub trees: BoostedTrees,
}

impl FittedTrees {
    pub(in super::super) fn fit(
        rows: &TrainingRows<'_>,
        params: &ChurnParams,
        n_rounds: usize,
        seed: u64,
    ) -> Result<Self, ChurnError> {
        let names = rows.varying_names()?;
        let features = rows.matrix.select_single(&names)?;
        let target: Vec<f64> =
            rows.churned.iter().map(|&churned| f64::from(u8::from(churned))).collect();
        let monotone =
            names.iter().enumerate().filter(|(_, name)| params.monotone_increasing.contains(name));
        let boosting = BoostingParams {
            loss: Loss::Log,
            learning_rate: params.trees.learning_rate.get(),
            max_leaves: params.trees.max_leaves.get(),
            min_leaf_rows: params.trees.min_leaf_rows.get(),
            monotone_increasing: monotone.map(|(column, _)| column).collect(),
            ..BoostingParams::default()
        };
        let sample = Sample {
            features: features.view(),
            target: &target,
            weights: rows.weights,
            offset: None,
        };
        let trees = fit_trees(&boosting, sample, n_rounds, seed)?;
        Ok(Self { names, trees })
    }

    /// Log odds after every `step` trees.
    pub(in super::super) fn log_odds_in_stages(
        &self,
        matrix: &FeatureMatrix,
        step: usize,
    ) -> Result<Vec<Vec<f64>>, ChurnError> {
        Ok(self.trees.predict_in_stages(matrix.select_single(&self.names)?.view(), step)?)
    }
}

impl Classifier for FittedTrees {
    fn features(&self) -> Vec<String> {
        self.names.clone()
    }

    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError> {
        Ok(self.trees.predict(matrix.select_single(&self.names)?.view())?)
    }

    fn explainer(&self) -> Box<dyn Explain + '_> {
        Box::new(TreeExplainer { model: self, tables: Explainer::new(&self.trees) })
    }
}

/// Explains by tables where trees are small enough for them.
struct TreeExplainer<'a> {
    model: &'a FittedTrees,
    tables: Option<Explainer>,
}

impl Explain for TreeExplainer<'_> {
    fn explain(&self, matrix: &FeatureMatrix) -> Result<Explained, ChurnError> {
        let features = matrix.select_single(&self.model.names)?;
        let contributions = match &self.tables {
            Some(tables) => tables.contributions(features.view())?,
            None => {
                let contributions = self.model.trees.contributions(features.view())?;
                contributions.mapv(|value| value as f32)
            }
        };
        let log_odds = self.model.trees.predict(features.view())?;
        Ok(Explained { log_odds, contributions })
    }
}
