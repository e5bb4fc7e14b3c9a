//! How much of how users shop goes into layers: as much as costs little of what they
//! predict.

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::candidate::{cluster_params, labels, thinned};
use super::choose_layers::{MAX_POINTS, mean_r2, r2_of_outcomes};
use super::embedding::{Embedding, Habits, Outcome, ValidationSplit, total_sd};
use super::params::Clustering;
use super::{EmbeddingKind, HabitsWeight, SegmentationError, SegmentationParams};
use crate::dataset::FeatureMatrix;
use crate::stats::clustering::fit_clusters;

/// Weights that are tried.
const WEIGHTS: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// Fits of each weight, of which the means count: one alone says by chance a few
/// hundredths more or less.
const N_FITS: u64 = 3;

/// The number of layers that weights are tried with, where it is not fixed.
const USUAL_LAYERS: usize = 10;

/// Of what layers explain of the predicted outcomes in the trial of a weight, the share that
/// those of the model explain at least. Just beyond the largest weight that costs little,
/// layers may fall apart by habits alone, and on other rows that weight may be smaller.
const MIN_KEPT: f64 = 0.75;

/// Groups of users, by a rule that is fitted to the first matrix, of the second; `None`
/// where the rule cannot be fitted.
pub type Rival<'a> = &'a dyn Fn(&FeatureMatrix, &FeatureMatrix) -> Option<Vec<usize>>;

/// What layers predict with more and more of how users shop, on rows that they were not
/// fitted to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeOff {
    /// Each weight that was tried, ascending; the first is 0.
    pub trials: Vec<Trial>,
    /// R² of log GMV of RFM's cells on the same rows: layers stay above it.
    pub rfm_r2: Option<f64>,
    /// The weight of the model.
    pub taken: f64,
}

/// Layers with one weight of habits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Standard deviation of habits, as a multiple of that of the predicted outcomes.
    pub weight: f64,
    /// R² of the outcomes, averaged.
    pub outcome_r2: f64,
    /// R² of log(1 + GMV), or of log(1 + orders) where the data has no money.
    pub value_r2: f64,
    /// Share of the variance of habits that the layers explain.
    pub habits_r2: f64,
    /// Share of the variance of the predicted outcomes that layers explain on the rows that
    /// they were fitted to.
    pub predictions_r2: f64,
    /// What it costs: the share of what layers of outcomes alone predict that is lost, of
    /// the outcomes' mean or of value, whichever is more.
    pub cost: f64,
}

/// What each weight costs. More of habits can only cost, and where a weight seems to gain,
/// that is chance: figures that rise are averaged with those before, so that all weights
/// together say what one does.
fn costs(trials: &[Trial]) -> Vec<f64> {
    let lost = |r2: fn(&Trial) -> f64| -> Vec<f64> {
        let r2 = non_rising(&trials.iter().map(r2).collect::<Vec<_>>());
        r2.iter().map(|with| if r2[0] > 0.0 { 1.0 - with / r2[0] } else { 0.0 }).collect()
    };
    let (of_outcomes, of_value) = (lost(|it| it.outcome_r2), lost(|it| it.value_r2));
    of_outcomes.into_iter().zip(of_value).map(|(a, b)| a.max(b)).collect()
}

/// The values that never rise and are nearest in squares: neighbours that rise are pooled.
///
/// Source: Ayer, Brunk, Ewing, Reid & Silverman (1955), "An empirical distribution function
/// for sampling with incomplete information", Ann. Math. Stat. 26 (pool adjacent violators).
fn non_rising(values: &[f64]) -> Vec<f64> {
    // Mean and number of values of each.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for &value in values {
        let (mut mean, mut n) = (value, 1);
        while let Some((before, n_before)) = pools.pop_if(|(before, _)| *before < mean) {
            mean = (mean * n as f64 + before * n_before as f64) / (n + n_before) as f64;
            n += n_before;
        }
        pools.push((mean, n));
    }
    pools.into_iter().flat_map(|(mean, n)| std::iter::repeat_n(mean, n)).collect()
}

impl TradeOff {
    /// A weight that the config gives, untried.
    fn fixed(taken: f64) -> Self {
        Self { taken, ..Self::default() }
    }

    /// Tries weights on the validation rows of the split, in an embedding that was fitted to
    /// its training rows.
    pub(super) fn find(
        params: &SegmentationParams,
        embedding: &Embedding,
        split: &ValidationSplit,
        rival: Rival<'_>,
        seed: u64,
    ) -> Result<Self, SegmentationError> {
        if params.embedding == EmbeddingKind::Behaviour {
            return Ok(Self::fixed(0.0));
        }
        if let HabitsWeight::Exactly(weight) = params.habits_weight {
            return Ok(Self::fixed(weight.get()));
        }
        let (training, validation) = (&split.training.matrix, &split.validation.matrix);
        let habits = Habits::fit(training)?;
        // Of orders alone outcomes say all: their size and hours are no way of shopping.
        if habits.are_of_orders() {
            return Ok(Self::fixed(0.0));
        }
        let points = [embedding.transform(training)?, embedding.transform(validation)?];
        let of_habits =
            [habits.of_users(training)?.coordinates, habits.of_users(validation)?.coordinates];
        let scale = embedding.outcome_sd(points[0].view()) / total_sd(of_habits[0].view());
        let bounds = params.bounds();
        let k = USUAL_LAYERS.clamp(*bounds.start(), *bounds.end());
        let outcomes = (&split.training.outcomes, &split.validation.outcomes);
        let try_weight = |weight: f64| {
            let with = |place: usize| -> Array2<f32> {
                if weight == 0.0 {
                    return points[place].clone();
                }
                let outcomes = points[place].slice(s![.., ..embedding.n_outcomes()]);
                let habits = of_habits[place].mapv(|value| (value * weight * scale) as f32);
                concatenate![Axis(1), outcomes, habits]
            };
            let (training, validation) = (with(0), with(1));
            let thinned = thinned(training.view(), MAX_POINTS);
            let mut trial = Trial { weight, ..Trial::default() };
            for number in 0..N_FITS {
                let seed = seed.wrapping_add(number);
                let params = cluster_params(Clustering::from(params).for_trials(), k, seed);
                let clusters = fit_clusters(&params, thinned.view())?;
                let labels =
                    [labels(&clusters, training.view())?, labels(&clusters, validation.view())?];
                let scores = r2_of_outcomes((&labels[0], &labels[1]), outcomes.0, outcomes.1);
                trial.outcome_r2 += mean_r2(&scores).unwrap_or(0.0) / N_FITS as f64;
                trial.value_r2 += value_r2(&scores) / N_FITS as f64;
                trial.habits_r2 += explained(of_habits[1].view(), &labels[1]) / N_FITS as f64;
                let predicted = embedding.of_outcomes(training.view());
                trial.predictions_r2 += explained(predicted.view(), &labels[0]) / N_FITS as f64;
            }
            Ok(trial)
        };
        let mut trials = WEIGHTS
            .into_par_iter()
            .map(try_weight)
            .collect::<Result<Vec<_>, SegmentationError>>()?;
        let costs = costs(&trials);
        trials.iter_mut().zip(costs).for_each(|(trial, cost)| trial.cost = cost);
        let rfm_r2 = rival(training, training)
            .zip(rival(training, validation))
            .map(|it| value_r2(&r2_of_outcomes((&it.0, &it.1), outcomes.0, outcomes.1)));
        let found = Self { trials, rfm_r2, taken: 0.0 };
        Ok(Self { taken: found.largest_allowed(params.habits_cost.get()), ..found })
    }

    /// The largest weight that costs at most so much and leaves layers above RFM's cells.
    pub fn largest_allowed(&self, cost: f64) -> f64 {
        let is_allowed = |it: &&Trial| it.cost <= cost && Some(it.value_r2) >= self.rfm_r2;
        self.trials.iter().rev().find(is_allowed).map_or(0.0, |it| it.weight)
    }

    /// Whether layers with the weight that is taken, given as labels of points in their
    /// embedding, carry what they did in its trial. A weight that was not tried does.
    pub(super) fn holds(
        &self,
        embedding: &Embedding,
        points: ArrayView2<f32>,
        labels: &[usize],
    ) -> bool {
        let Some(trial) = self.trials.iter().find(|it| it.weight == self.taken) else {
            return true;
        };
        let predictions_r2 = explained(embedding.of_outcomes(points).view(), labels);
        trial.weight == 0.0 || predictions_r2 >= MIN_KEPT * trial.predictions_r2
    }

    /// The same with the next smaller weight.
    pub(super) fn with_less(self) -> Self {
        let smaller = self.trials.iter().map(|it| it.weight).filter(|it| *it < self.taken);
        let taken = smaller.fold(0.0, f64::max);
        Self { taken, ..self }
    }
}

fn value_r2(scores: &[(Outcome, f64)]) -> f64 {
    let is_value = |outcome| matches!(outcome, Outcome::LogGmv | Outcome::LogOrders);
    scores.iter().find(|it| is_value(it.0)).map_or(0.0, |it| it.1)
}

/// Share of the variance of points that is between labels.
fn explained(points: ArrayView2<f64>, labels: &[usize]) -> f64 {
    let n_labels = labels.iter().max().map_or(0, |&most| most + 1);
    let mut sums = Array2::<f64>::zeros((n_labels, points.ncols()));
    let mut sizes = vec![0.0; n_labels];
    for (point, &label) in points.rows().into_iter().zip(labels) {
        let mut sum = sums.row_mut(label);
        sum += &point;
        sizes[label] += 1.0;
    }
    let mean = points.mean_axis(Axis(0)).unwrap_or_default();
    let total: f64 = points.rows().into_iter().map(|point| squared(&point.to_owned(), &mean)).sum();
    let between: f64 = sums
        .rows()
        .into_iter()
        .zip(&sizes)
        .filter(|(_, size)| **size > 0.0)
        .map(|(sum, size)| size * squared(&(&sum / *size), &mean))
        .sum();
    if total > 0.0 { between / total } else { 0.0 }
}

fn squared(a: &ndarray::Array1<f64>, b: &ndarray::Array1<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seems_to_gain_is_chance() {
        assert_eq!(non_rising(&[0.3, 0.4, 0.35, 0.36, 0.2]), [0.3525, 0.3525, 0.3525, 0.3525, 0.2]);
        assert_eq!(non_rising(&[0.4, 0.3, 0.3, 0.1]), [0.4, 0.3, 0.3, 0.1]);
        let trial = |outcome_r2, value_r2| Trial { outcome_r2, value_r2, ..Trial::default() };
        let costs =
            costs(&[trial(0.2, 0.38), trial(0.2, 0.42), trial(0.19, 0.39), trial(0.1, 0.3)]);
        let expected = [0.0, 0.0, 0.05, 0.5];
        assert!(costs.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{costs:?}");
        // Layers that predict nothing cannot lose anything.
        assert_eq!(super::costs(&[trial(-0.1, 0.0), trial(-0.2, 0.0)]), [0.0, 0.0]);
    }
}
