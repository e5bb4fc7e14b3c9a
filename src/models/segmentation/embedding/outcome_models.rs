use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::training_rows::{TrainingRows, ValidationSplit};
use crate::models::segmentation::SegmentationError;
use crate::stats::boosting::{BoostedTrees, BoostingParams, Sample, fit_best_trees, fit_trees};
use crate::stats::linear::ridge_weights;
use crate::stats::metrics::standard_deviation;

/// Boosted trees that predict outcomes; each is part of one coordinate of the
/// embedding.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeModels {
    /// Features that the trees see, in their order.
    pub features: Vec<String>,
    /// One model for each outcome.
    pub models: Vec<OutcomeModel>,
}

/// One outcome and the trees that predict it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeModel {
    /// The outcome.
    pub outcome: Outcome,
    /// What the prediction of the trees is multiplied by in the embedding.
    pub scale: f64,
    /// The trees.
    pub trees: BoostedTrees,
}

/// How many trees each outcome is worth.
pub(in super::super) type Rounds = Vec<(Outcome, usize)>;

/// Trees of each outcome.
pub(in super::super) type OutcomeTrees = Vec<(Outcome, BoostedTrees)>;

/// Grows as many trees on the training rows as help to predict the outcomes of the
/// validation rows.
pub(in super::super) fn grow_best_trees(
    split: &ValidationSplit,
    seed: u64,
) -> Result<OutcomeTrees, SegmentationError> {
    let names = split.training.matrix.varying_names_for_models();
    let (training, validation) = (
        split.training.matrix.select_single(&names)?,
        split.validation.matrix.select_single(&names)?,
    );
    Outcome::that_vary(&split.training.outcomes)
        .into_par_iter()
        .map(|outcome| {
            let (of_training, of_validation) =
                (outcome.of(&split.training.outcomes), outcome.of(&split.validation.outcomes));
            let sample = Sample {
                features: training.view(),
                target: &of_training,
                weights: None,
                offset: None,
            };
            let validation = Sample {
                features: validation.view(),
                target: &of_validation,
                weights: None,
                offset: None,
            };
            let params = boosting_params(outcome, &split.training);
            Ok((outcome, fit_best_trees(&params, sample, validation, seed)?))
        })
        .collect()
}

/// Grows trees of each outcome.
pub(in super::super) fn grow_trees(
    rows: &TrainingRows,
    rounds: &Rounds,
    seed: u64,
) -> Result<OutcomeTrees, SegmentationError> {
    let features = rows.matrix.select_single(&rows.matrix.varying_names_for_models())?;
    rounds
        .par_iter()
        .map(|&(outcome, n_rounds)| {
            let target = outcome.of(&rows.outcomes);
            let sample =
                Sample { features: features.view(), target: &target, weights: None, offset: None };
            Ok((outcome, fit_trees(&boosting_params(outcome, rows), sample, n_rounds, seed)?))
        })
        .collect()
}

/// Users that a leaf holds at least, where there are many.
const MIN_LEAF_USERS: usize = 100;

/// Leaves must be smaller where there are few users, and where few users make
/// the outcome: a large GMV.
fn boosting_params(outcome: Outcome, rows: &TrainingRows) -> BoostingParams {
    let n_rows = rows.matrix.n_rows();
    let min_leaf_rows = if outcome.is_of_few() {
        (n_rows / 500).clamp(5, 50)
    } else {
        let rows_of_user = n_rows as f64 / rows.n_users.max(1) as f64;
        let n_users = (rows.n_users / 30).clamp(5, MIN_LEAF_USERS);
        (n_users as f64 * rows_of_user) as usize
    };
    BoostingParams { min_leaf_rows, ..BoostingParams::default() }
}

/// Number of users at which trees count as much as a weighted sum; also the penalty
/// on that sum.
const PRIOR_USERS: f64 = 4_000.0;

/// Weight of trees that were grown from these users, 0..1.
///
/// Source: Bühlmann (1967), "Experience rating and credibility", ASTIN Bulletin
/// 4, the factor n / (n + k).
pub(in super::super) fn credibility(rows: &TrainingRows) -> f64 {
    rows.n_users as f64 / (rows.n_users as f64 + PRIOR_USERS)
}

/// Rows of [`PRIOR_USERS`] users, without any relation, are what the penalty on a
/// weighted sum is worth.
fn penalty_rows(rows: &TrainingRows) -> f64 {
    PRIOR_USERS * rows.matrix.n_rows() as f64 / rows.n_users.max(1) as f64
}

impl OutcomeModels {
    /// Predicts each outcome by the mean of trees and of a weighted sum of the
    /// scaled features, in which the trees count by their [`credibility`]: trees
    /// alone change too much from one fit to the next where users are few. GMV is
    /// left to trees, since a sum does not single out the few who buy for thousands.
    ///
    /// `trees` were grown on the same rows. Returns them and the weights, shape
    /// (outcomes, scaled features).
    pub(in super::super) fn fit(
        rows: &TrainingRows,
        scaled: ArrayView2<f64>,
        trees: OutcomeTrees,
    ) -> Result<(Self, Array2<f64>), SegmentationError> {
        let mut models = Vec::new();
        let mut targets = Array2::zeros((rows.matrix.n_rows(), trees.len()));
        for ((outcome, trees), mut column) in trees.into_iter().zip(targets.columns_mut()) {
            let target = outcome.of(&rows.outcomes);
            let share = if outcome.is_of_few() { 1.0 } else { credibility(rows) };
            // In standard deviations of the outcome: it counts by how well it is predicted.
            let scale = outcome.weight() / standard_deviation(&target).max(f64::MIN_POSITIVE);
            column.assign(&(Array1::from(target) * (scale * (1.0 - share))));
            models.push(OutcomeModel { outcome, scale: scale * share, trees });
        }
        let weights = ridge_weights(scaled, targets.view(), penalty_rows(rows))?;
        Ok((Self { features: rows.matrix.varying_names_for_models(), models }, weights))
    }

    /// The predictions of the trees in units of the embedding, shape (rows,
    /// [`OutcomeModels::models`]).
    pub(in super::super) fn coordinates(
        &self,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, SegmentationError> {
        let mut coordinates = Array2::zeros((features.nrows(), self.models.len()));
        for (mut column, model) in coordinates.columns_mut().into_iter().zip(&self.models) {
            let predicted = model.trees.predict(features)?;
            column.iter_mut().zip(predicted).for_each(|(cell, value)| *cell = value * model.scale);
        }
        Ok(coordinates)
    }

    /// What each feature adds to coordinate `index`, shape (rows, features).
    pub(in super::super) fn contributions(
        &self,
        index: usize,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, SegmentationError> {
        let model = &self.models[index];
        Ok(model.trees.contributions(features)? * model.scale)
    }
}
