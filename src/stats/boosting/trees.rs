use std::num::NonZeroUsize;
use std::sync::OnceLock;

use hessboost::config::{GrowPolicy, Monotone};
use hessboost::prelude::{
    BoostedModel, DMatrix, Iterations, ModelFormat, Objective, RegLoss, Trainer, TrainingParams,
    TreeMethod,
};
use ndarray::{Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};

use super::BoostingError;
use super::patterns::PatternTrees;

/// What the trees are to come near to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Squared error: the trees predict a number.
    Squared,
    /// Log loss of two classes, 0 and 1: the trees predict log odds of 1.
    Log,
}

/// How trees are grown.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostingParams {
    /// What the trees are to come near to.
    pub loss: Loss,
    /// Trees at most; [`fit_best_trees`] finds how many of them help.
    pub max_rounds: usize,
    /// Rounds without any gain after which [`fit_best_trees`] stops.
    pub patience_rounds: usize,
    /// Step from tree to tree.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: usize,
    /// Rows that a leaf holds at least; with [`Loss::Log`] as many rows of even
    /// odds, of which more certain ones are worth less.
    pub min_leaf_rows: usize,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Share of the features that each tree sees.
    pub feature_share: f64,
    /// L2 penalty on the leaves.
    pub l2_penalty: f64,
    /// Bins at whose edges a feature can be split, at most.
    pub max_bins: usize,
    /// Columns of features which, when they rise, never lower the prediction.
    pub monotone_increasing: Vec<usize>,
}

impl Default for BoostingParams {
    fn default() -> Self {
        Self {
            loss: Loss::Squared,
            max_rounds: 400,
            patience_rounds: 30,
            learning_rate: 0.04,
            max_leaves: 8,
            min_leaf_rows: 40,
            row_share: 0.7,
            feature_share: 0.5,
            l2_penalty: 1.0,
            max_bins: 64,
            monotone_increasing: Vec::new(),
        }
    }
}

/// Rows for training or validation.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Features, shape (rows, features).
    pub features: ArrayView2<'a, f32>,
    /// What is to be predicted, one number a row.
    pub target: &'a [f64],
    /// How much each row counts; all the same when absent.
    pub weights: Option<&'a [f64]>,
    /// What is known of each row before, which the trees are added to: a number, or log odds.
    pub offset: Option<&'a [f64]>,
}

/// Trees whose sum predicts a number or log odds. In JSON they have the schema of
/// XGBoost's models, which XGBoost itself can read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct BoostedTrees {
    pub(super) model: BoostedModel,
    /// Made when rows are first predicted; `None` where trees are too large for it.
    patterns: OnceLock<Option<PatternTrees>>,
}

/// Grows `n_rounds` trees. The same sample and seed give the
/// same trees with any number of threads.
///
/// Source: Friedman (2001), "Greedy function approximation", algorithm 2, with
/// the second-order leaves of Chen & Guestrin (2016), "XGBoost", equation 5.
///
/// # Errors
/// When there are no rows, or lengths differ.
pub fn fit_trees(
    params: &BoostingParams,
    sample: Sample<'_>,
    n_rounds: usize,
    seed: u64,
) -> Result<BoostedTrees, BoostingError> {
    let settings = settings(params, sample.features.ncols(), seed)?;
    let data = data(sample)?;
    Ok(BoostedTrees::of(Trainer::new(&settings, &data, n_rounds).train()?.model))
}

/// Grows trees on `sample` until those on `validation` gain no more, and keeps as
/// many as helped, at least one: the same as [`fit_trees`] with that number.
///
/// # Errors
/// As [`fit_trees`].
pub fn fit_best_trees(
    params: &BoostingParams,
    sample: Sample<'_>,
    validation: Sample<'_>,
    seed: u64,
) -> Result<BoostedTrees, BoostingError> {
    let settings = settings(params, sample.features.ncols(), seed)?;
    let (data, validation) = (data(sample)?, data(validation)?);
    let patience = NonZeroUsize::new(params.patience_rounds).unwrap_or(NonZeroUsize::MIN);
    let result = Trainer::new(&settings, &data, params.max_rounds)
        .eval(&validation, "validation")
        .early_stopping_rounds(patience)
        .train()?;
    let n_rounds = result.model.best_iteration().unwrap_or(0) + 1;
    Ok(BoostedTrees::of(result.model.slice(..n_rounds, 1)?))
}

fn settings(
    params: &BoostingParams,
    n_features: usize,
    seed: u64,
) -> Result<TrainingParams, BoostingError> {
    // The Hessian of a row is 1 for squared error and p (1 − p) for log loss.
    let (objective, row_hessian) = match params.loss {
        Loss::Squared => (Objective::SquaredError(RegLoss::default()), 1.0),
        Loss::Log => (Objective::BinaryLogistic(RegLoss::default()), 0.25),
    };
    let direction = |column| match params.monotone_increasing.contains(&column) {
        true => Monotone::Increasing,
        false => Monotone::None,
    };
    let directions = match params.monotone_increasing.is_empty() {
        true => Vec::new(),
        false => (0..n_features).map(direction).collect(),
    };
    Ok(TrainingParams::builder()
        .seed(seed)
        .objective(objective)
        .tree_method(TreeMethod::Hist)
        .grow_policy(GrowPolicy::LossGuide)
        .unlimited_depth()
        .max_leaves(params.max_leaves)
        .eta(params.learning_rate)
        .min_child_weight(params.min_leaf_rows as f64 * row_hessian)
        .subsample(params.row_share)
        .colsample_bytree(params.feature_share)
        .lambda(params.l2_penalty)
        .monotone_constraints(directions)
        .max_bin(params.max_bins)
        .build()?)
}

fn data(sample: Sample<'_>) -> Result<DMatrix, BoostingError> {
    let target: Vec<f32> = sample.target.iter().map(|&value| value as f32).collect();
    let mut data = matrix(sample.features)?.with_labels(&target)?;
    if let Some(offset) = sample.offset {
        let offset: Vec<f32> = offset.iter().map(|&value| value as f32).collect();
        data = data.with_base_margin(&offset)?;
    }
    match sample.weights {
        None => Ok(data),
        Some(weights) => {
            let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
            Ok(data.with_weights(&weights)?)
        }
    }
}

fn matrix(features: ArrayView2<'_, f32>) -> Result<DMatrix, BoostingError> {
    let (values, _) = features.as_standard_layout().into_owned().into_raw_vec_and_offset();
    Ok(DMatrix::from_dense_vec(values, features.nrows(), features.ncols())?)
}

impl BoostedTrees {
    fn of(model: BoostedModel) -> Self {
        Self { model, patterns: OnceLock::new() }
    }

    /// Tables of what the trees predict, if they are small.
    fn patterns(&self) -> Option<&PatternTrees> {
        let of_model = || {
            let model = &self.model;
            let n_trees = model.best_iteration().map_or(model.num_trees(), |best| best + 1);
            let base = self.base().ok()? as f32;
            let trees = model.trees().iter().zip(model.tree_weights()).take(n_trees);
            PatternTrees::new(trees, model.n_features(), base)
        };
        self.patterns.get_or_init(of_model).as_ref()
    }

    /// Number of trees.
    pub fn n_rounds(&self) -> usize {
        self.model.num_boost_rounds()
    }

    /// The predictions of the trees for each row of `features`, shape (rows,
    /// features): a number, or with [`Loss::Log`] log odds.
    ///
    /// # Errors
    /// When the number of features differs from that of the fit.
    pub fn predict(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f64>, BoostingError> {
        let expected = self.model.n_features();
        if features.ncols() != expected {
            return Err(BoostingError::Width { expected, got: features.ncols() });
        }
        match self.patterns() {
            Some(patterns) => Ok(patterns.predict(features)),
            None => self.predict_by_walking(features),
        }
    }

    /// The sum of the trees alone, to be added to the offset that they were grown on.
    ///
    /// # Errors
    /// As [`BoostedTrees::predict`].
    pub fn predict_on_offset(
        &self,
        features: ArrayView2<'_, f32>,
    ) -> Result<Vec<f64>, BoostingError> {
        let base = self.base()?;
        Ok(self.predict(features)?.into_iter().map(|value| value - base).collect())
    }

    /// What is predicted without any tree.
    fn base(&self) -> Result<f64, BoostingError> {
        let nobody = Array2::zeros((1, self.model.n_features()));
        let margins = self.model.predict_margin(&matrix(nobody.view())?, 0..0)?;
        Ok(margins.as_slice().first().map_or(0.0, |&base| base.into()))
    }

    /// The same from the root of each tree to a leaf.
    fn predict_by_walking(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f64>, BoostingError> {
        let margins = self.model.predict_margin(&matrix(features)?, Iterations::Best)?;
        Ok(margins.into_vec().into_iter().map(f64::from).collect())
    }

    /// What the first `n`, 2 `n`, 3 `n` … trees predict, for each row of
    /// `features`; the last of it is all of them.
    ///
    /// # Errors
    /// As [`BoostedTrees::predict`].
    pub fn predict_in_stages(
        &self,
        features: ArrayView2<'_, f32>,
        n: usize,
    ) -> Result<Vec<Vec<f64>>, BoostingError> {
        let rows = matrix(features)?;
        let n_rounds = self.model.num_boost_rounds();
        let base: f64 =
            self.model.predict_margin(&rows, 0..0)?.as_slice().first().map_or(0.0, |&b| b.into());
        let mut sum = vec![base; features.nrows()];
        let mut stages = Vec::new();
        for start in (0..n_rounds).step_by(n.max(1)) {
            let part = self.model.predict_margin(&rows, start..(start + n.max(1)).min(n_rounds))?;
            sum.iter_mut().zip(part.as_slice()).for_each(|(s, &p)| *s += f64::from(p) - base);
            stages.push(sum.clone());
        }
        Ok(stages)
    }

    /// What each feature adds to the prediction, shape (rows, features): with
    /// the mean of all rows of the fit, a row's contributions sum to its
    /// prediction.
    ///
    /// Source: Lundberg et al. (2020), "From local explanations to global
    /// understanding with explainable AI for trees", algorithm 2.
    ///
    /// # Errors
    /// As [`BoostedTrees::predict`].
    pub fn contributions(
        &self,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f64>, BoostingError> {
        let found = self.model.predict_contribs(&matrix(features)?, Iterations::Best)?;
        let (n_rows, n_features) = features.dim();
        let mut contributions = Array2::zeros((n_rows, n_features + 1));
        for (index, mut row) in contributions.rows_mut().into_iter().enumerate() {
            let values = found.get(index, 0).unwrap_or_default();
            row.iter_mut().zip(values).for_each(|(cell, &value)| *cell = f64::from(value));
        }
        Ok(contributions.slice_move(s![.., ..n_features]))
    }
}

impl PartialEq for BoostedTrees {
    fn eq(&self, other: &Self) -> bool {
        self.json().ok() == other.json().ok()
    }
}

impl BoostedTrees {
    fn json(&self) -> Result<serde_json::Value, BoostingError> {
        Ok(serde_json::from_slice(&self.model.encode(ModelFormat::XgboostJson)?)?)
    }
}

impl From<BoostedTrees> for serde_json::Value {
    fn from(trees: BoostedTrees) -> Self {
        // Trees of this module always have this form.
        trees.json().unwrap_or_default()
    }
}

impl TryFrom<serde_json::Value> for BoostedTrees {
    type Error = BoostingError;

    fn try_from(json: serde_json::Value) -> Result<Self, BoostingError> {
        let bytes = serde_json::to_vec(&json)?;
        Ok(Self::of(BoostedModel::decode(bytes, ModelFormat::XgboostJson)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(n_rows: usize) -> (Array2<f32>, Vec<f64>) {
        let features = Array2::from_shape_fn((n_rows, 3), |(row, column)| {
            ((row * (column * 7 + 3)) % 53) as f32
        });
        let target = features
            .rows()
            .into_iter()
            .map(|row| {
                f64::from(u8::from(row[0] > 25.0)) + 2.0 * f64::from(u8::from(row[1] > 10.0))
            })
            .collect();
        (features, target)
    }

    fn fitted(features: &Array2<f32>, target: &[f64]) -> BoostedTrees {
        let params = BoostingParams { row_share: 1.0, feature_share: 1.0, ..Default::default() };
        let sample = Sample { features: features.view(), target, weights: None, offset: None };
        fit_trees(&params, sample, 200, 1).unwrap()
    }

    #[test]
    fn steps_are_found_and_contributions_sum_to_the_prediction() {
        let (features, target) = steps(2_000);
        let trees = fitted(&features, &target);
        let predicted = trees.predict(features.view()).unwrap();
        let contributions = trees.contributions(features.view()).unwrap();
        let base = predicted[0] - contributions.row(0).sum();
        for (row, &value) in predicted.iter().enumerate() {
            assert!((value - target[row]).abs() < 0.05, "{value} {}", target[row]);
            assert!((base + contributions.row(row).sum() - value).abs() < 1e-4);
        }
        assert!(contributions.column(2).iter().all(|value| value.abs() < 0.05));
    }

    #[test]
    fn saved_trees_predict_the_same() {
        let (features, target) = steps(500);
        let trees = fitted(&features, &target);
        let json = serde_json::to_string(&trees).unwrap();
        let loaded: BoostedTrees = serde_json::from_str(&json).unwrap();
        assert_eq!(
            loaded.predict(features.view()).unwrap(),
            trees.predict(features.view()).unwrap()
        );
        assert_eq!(serde_json::to_string(&loaded).unwrap(), json);
    }

    #[test]
    fn patterns_predict_what_walking_does_to_the_last_bit() {
        let (features, target) = steps(1_000);
        for (loss, max_leaves) in [(Loss::Squared, 8), (Loss::Log, 11), (Loss::Squared, 31)] {
            let params = BoostingParams { loss, max_leaves, ..BoostingParams::default() };
            let target: Vec<f64> = match loss {
                Loss::Squared => target.clone(),
                Loss::Log => target.iter().map(|&it| f64::from(u8::from(it > 1.5))).collect(),
            };
            let sample =
                Sample { features: features.view(), target: &target, weights: None, offset: None };
            let trees = fit_trees(&params, sample, 80, 1).unwrap();
            assert_eq!(trees.patterns().is_some(), max_leaves < 31);
            let expected = trees.predict_by_walking(features.view()).unwrap();
            assert_eq!(trees.predict(features.view()).unwrap(), expected);
            let some = features.slice(s![..77, ..]);
            assert_eq!(trees.predict(some).unwrap(), expected[..77]);
        }
    }

    #[test]
    fn trees_do_not_depend_on_threads() {
        let (features, target) = steps(3_000);
        let with = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| serde_json::to_string(&fitted(&features, &target)).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn noise_needs_few_rounds() {
        let (features, target) = steps(2_000);
        let noise: Vec<f64> = (0..2_000).map(|row| f64::from(row * 7919 % 104_729 % 13)).collect();
        let n_rounds = |target: &[f64]| {
            let (rows, others) = features.view().split_at(ndarray::Axis(0), 1_000);
            let sample =
                Sample { features: rows, target: &target[..1_000], weights: None, offset: None };
            let validation =
                Sample { features: others, target: &target[1_000..], weights: None, offset: None };
            let params = BoostingParams::default();
            let best = fit_best_trees(&params, sample, validation, 1).unwrap();
            assert_eq!(best, fit_trees(&params, sample, best.n_rounds(), 1).unwrap());
            best.n_rounds()
        };
        assert!(n_rounds(&noise) < 20 && n_rounds(&target) > 100);
    }

    #[test]
    fn another_number_of_features_is_an_error() {
        let (features, target) = steps(200);
        let trees = fitted(&features, &target);
        assert!(trees.predict(features.slice(s![.., ..2])).is_err());
    }
}
