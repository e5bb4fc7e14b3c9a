use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::outcome::{Outcome, spread};
use super::training_rows::{TrainingRows, Trial};
use crate::boosting::{BoostedTrees, BoostingParams, Sample, best_n_rounds, fit_trees};
use crate::dataset::{DatasetError, FeatureMatrix};

/// Boosted trees that foretell outcomes; each makes a coordinate of the space.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foretellers {
    /// Features that the trees see, in their order.
    pub features: Vec<String>,
    /// One coordinate each.
    pub of: Vec<Foreteller>,
}

/// One outcome and the trees that foretell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreteller {
    /// What is foretold.
    pub outcome: Outcome,
    /// What a unit of the outcome counts in the space: its weight over its
    /// spread among users, so that each outcome counts by what can be foretold.
    pub scale: f64,
    /// The trees.
    pub trees: BoostedTrees,
}

/// How many trees each outcome is worth.
pub(super) type Rounds = Vec<(Outcome, usize)>;

/// Finds how many trees help to foretell what the trial's judges did.
pub(super) fn find_rounds(trial: &Trial, seed: u64) -> Result<Rounds, SegmentationError> {
    let names = trial.learn.matrix.varying_names();
    let (learn, judge) =
        (single(&trial.learn.matrix, &names)?, single(&trial.judge.matrix, &names)?);
    Outcome::that_vary(&trial.learn.outcomes)
        .into_iter()
        .map(|outcome| {
            let (of_learn, of_judge) =
                (outcome.of(&trial.learn.outcomes), outcome.of(&trial.judge.outcomes));
            let sample = Sample { features: learn.view(), target: &of_learn };
            let judge = Sample { features: judge.view(), target: &of_judge };
            let params = boosting_params(of_learn.len());
            Ok((outcome, best_n_rounds(&params, sample, judge, seed)?))
        })
        .collect()
}

/// Leaves must be smaller where there are few rows.
fn boosting_params(n_rows: usize) -> BoostingParams {
    BoostingParams { min_leaf_rows: (n_rows / 500).clamp(5, 50), ..BoostingParams::default() }
}

impl Foretellers {
    /// Fits trees for every outcome that varies.
    pub(super) fn fit(
        rows: &TrainingRows,
        rounds: &Rounds,
        seed: u64,
    ) -> Result<Self, SegmentationError> {
        let features = rows.matrix.varying_names();
        let values = single(&rows.matrix, &features)?;
        let of = rounds
            .iter()
            .map(|&(outcome, n_rounds)| {
                let target = outcome.of(&rows.outcomes);
                let sample = Sample { features: values.view(), target: &target };
                let trees = fit_trees(&boosting_params(target.len()), sample, n_rounds, seed)?;
                Ok(Foreteller {
                    outcome,
                    scale: outcome.weight() / spread(&target).max(f64::MIN_POSITIVE),
                    trees,
                })
            })
            .collect::<Result<Vec<_>, SegmentationError>>()?;
        Ok(Self { features, of })
    }

    /// What is foretold, shape (rows, [`Foretellers::of`]), in units of the space.
    pub(super) fn coordinates(
        &self,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, SegmentationError> {
        let mut coordinates = Array2::zeros((features.nrows(), self.of.len()));
        for (mut column, foreteller) in coordinates.columns_mut().into_iter().zip(&self.of) {
            let foretold = foreteller.trees.predict(features)?;
            column
                .iter_mut()
                .zip(foretold)
                .for_each(|(cell, value)| *cell = value * foreteller.scale);
        }
        Ok(coordinates)
    }

    /// What each feature adds to coordinate `index`, shape (rows, features).
    pub(super) fn contributions(
        &self,
        index: usize,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, SegmentationError> {
        let foreteller = &self.of[index];
        Ok(foreteller.trees.contributions(features)? * foreteller.scale)
    }
}

/// The named features in single precision, as trees see them.
pub(super) fn single(
    matrix: &FeatureMatrix,
    names: &[String],
) -> Result<Array2<f32>, DatasetError> {
    Ok(matrix.select(names)?.values().mapv(|value| value as f32))
}
