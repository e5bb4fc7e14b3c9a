//! Layers: how much users are worth, and how they shop.

use std::collections::BTreeSet;

use ndarray::Array2;

use super::candidate::{Candidate, KVerdict, cluster_params, mean_rand_index};
use super::choose_layers::{SelectionData, choose_k};
use super::embedding::{
    Embedding, Habits, OutcomeTrees, Resample, Rounds, TrainingRows, ValidationSplit,
    grow_best_trees, grow_trees,
};
use super::groups::{Found, Partition, numbers};
use super::trade_off::{Rival, TradeOff};
use super::{EmbeddingKind, FittedGroups, SegmentationError, SegmentationParams};
use crate::dataset::{FeatureMatrix, Snapshot};
use crate::stats::clustering::{ClusteringError, FittedClusters, fit_clusters};

/// Fits layers to the training snapshots, the latest first, whose outcomes were
/// seen for `horizon_days`. `named_by` has the users of the latest and the features
/// that names read; see [`features_of_names`](super::features_of_names). `rival` is RFM's
/// cells.
///
/// # Errors
/// When parameters are out of bounds, there are fewer different users than
/// layers, no feature varies, or nothing that users did afterwards does.
pub fn fit_layers(
    params: &SegmentationParams,
    training: &[Snapshot],
    named_by: &Snapshot,
    horizon_days: u32,
    rival: Rival<'_>,
    seed: u64,
) -> Result<FittedGroups, SegmentationError> {
    params.check()?;
    let latest = training.first().ok_or(SegmentationError::NoSnapshot)?;
    let n_distinct = check_enough_users(params, &latest.features)?;
    let split = ValidationSplit::new(training, horizon_days, Resample::Off, seed)?;
    let trees = trees_for(params, &split, seed)?;
    let rounds = rounds_of(&trees);
    let embedding = Embedding::fit(params, &split.training, trees)?;
    let mut trade_off = TradeOff::find(params, &embedding, &split, rival, seed)?;
    let habits = Habits::fit(&split.training.matrix)?;
    let embedding = embedding.with_habits(&split.training, &habits, trade_off.taken)?;
    let candidates = try_candidates(params, &split, &embedding, n_distinct, seed)?;
    let k = candidates.iter().find(|c| c.verdict == KVerdict::Taken).map_or(2, |c| c.k);
    let rows = TrainingRows::of(&training.iter().collect::<Vec<_>>(), Resample::Off, seed)?;
    let embedding = Embedding::fit(params, &rows, grow_trees(&rows, &rounds, seed)?)?;
    let habits = Habits::fit(&rows.matrix)?;
    let of_outcomes = embedding;
    let (embedding, clusters) = loop {
        let embedding = of_outcomes.with_habits(&rows, &habits, trade_off.taken)?;
        let points = embedding.transform(&rows.matrix)?;
        let of_latest = embedding.transform(&latest.features)?;
        let clusters = fit_living_clusters(params, k, &points, &of_latest, seed)?;
        let labels = numbers(clusters.assign(points.view())?);
        if trade_off.holds(&embedding, points.view(), &labels) {
            break (embedding, clusters);
        }
        trade_off = trade_off.with_less();
    };
    let partition = Partition::Layers;
    Found { partition, embedding, clusters, candidates, trade_off, latest, named_by }.describe()
}

/// Refits of layers on users who are resampled with replacement.
#[derive(Debug, Clone, Copy)]
pub struct Refits {
    /// Layers of each.
    pub k: usize,
    /// Weight of habits in each; see [`TradeOff`].
    pub habits_weight: f64,
    /// How many refits.
    pub n: usize,
    /// The first refit resamples by the next seed, and so on.
    pub seed: u64,
}

/// Mean adjusted Rand index over the pairs of refits, embedding included, each of
/// which assigns the users of `validation`.
///
/// # Errors
/// As [`fit_layers`].
pub fn refit_rand_index(
    params: &SegmentationParams,
    training: &[Snapshot],
    horizon_days: u32,
    validation: &FeatureMatrix,
    refits: Refits,
) -> Result<f64, SegmentationError> {
    let groupings = (1..=refits.n as u64)
        .map(|refit| {
            let seed = refits.seed.wrapping_add(refit);
            let resample = Resample::Bootstrap(seed);
            let split = ValidationSplit::new(training, horizon_days, resample, seed)?;
            let rounds = rounds_of(&trees_for(params, &split, seed)?);
            let rows = TrainingRows::of(&training.iter().collect::<Vec<_>>(), resample, seed)?;
            let embedding = Embedding::fit(params, &rows, grow_trees(&rows, &rounds, seed)?)?;
            let habits = Habits::fit(&rows.matrix)?;
            let embedding = embedding.with_habits(&rows, &habits, refits.habits_weight)?;
            let latest = TrainingRows::of(&[&training[0]], resample, seed)?.matrix;
            let points = embedding.transform(&rows.matrix)?;
            let latest = embedding.transform(&latest)?;
            let clusters = fit_living_clusters(params, refits.k, &points, &latest, seed)?;
            Ok(numbers(clusters.assign(embedding.transform(validation)?.view())?))
        })
        .collect::<Result<Vec<_>, SegmentationError>>()?;
    Ok(mean_rand_index(&groupings))
}

/// Trees of each outcome; none where the embedding is `behaviour`.
fn trees_for(
    params: &SegmentationParams,
    split: &ValidationSplit,
    seed: u64,
) -> Result<OutcomeTrees, SegmentationError> {
    if params.embedding == EmbeddingKind::Behaviour {
        return Ok(OutcomeTrees::new());
    }
    let trees = grow_best_trees(split, seed)?;
    if trees.is_empty() { Err(SegmentationError::ConstantOutcomes) } else { Ok(trees) }
}

fn rounds_of(trees: &OutcomeTrees) -> Rounds {
    trees.iter().map(|(outcome, trees)| (*outcome, trees.n_rounds())).collect()
}

/// Clusters beyond `k` that are tried at most.
const MAX_EXTRA: usize = 4;

/// Clusters of all training rows, of which `k` have users in the latest
/// snapshot: where users of earlier times were of a kind that is no more, their
/// clusters come on top.
fn fit_living_clusters(
    params: &SegmentationParams,
    k: usize,
    points: &Array2<f32>,
    latest: &Array2<f32>,
    seed: u64,
) -> Result<FittedClusters, SegmentationError> {
    let mut best: Option<(usize, FittedClusters)> = None;
    for n_clusters in k..=k + MAX_EXTRA {
        let fitted =
            match fit_clusters(&cluster_params(params.into(), n_clusters, seed), points.view()) {
                // There are no more different users than that.
                Err(ClusteringError::TooFewDistinct { .. }) if best.is_some() => break,
                fitted => fitted?,
            };
        let living: BTreeSet<usize> = numbers(fitted.assign(latest.view())?).into_iter().collect();
        let n_living = living.len();
        if n_living <= k && best.as_ref().is_none_or(|(most, _)| n_living > *most) {
            best = Some((n_living, fitted));
        }
        if n_living >= k {
            break;
        }
    }
    Ok(best.expect("k clusters have at most k with users").1)
}

/// Number of users that differ, as far as it matters.
fn check_enough_users(
    params: &SegmentationParams,
    matrix: &FeatureMatrix,
) -> Result<usize, SegmentationError> {
    let (n_users, k) = (matrix.n_rows(), *params.bounds().start());
    if matrix.varying_names_for_models().is_empty() && n_users > 0 {
        return Err(SegmentationError::ConstantFeatures {
            n_features: matrix.n_features(),
            n_users,
        });
    }
    let n_distinct = n_distinct_rows(matrix, *params.bounds().end());
    if n_distinct < k {
        return Err(SegmentationError::TooFewUsers { k, n_users, n_distinct });
    }
    Ok(n_distinct)
}

/// Number of different rows, counted no further than `enough`.
fn n_distinct_rows(matrix: &FeatureMatrix, enough: usize) -> usize {
    let mut seen = BTreeSet::new();
    for row in matrix.values().rows() {
        seen.insert(row.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        if seen.len() >= enough {
            break;
        }
    }
    seen.len()
}

/// Validates every allowed `k` in an embedding that was fitted to the training rows of
/// the split.
fn try_candidates(
    params: &SegmentationParams,
    split: &ValidationSplit,
    embedding: &Embedding,
    n_distinct: usize,
    seed: u64,
) -> Result<Vec<Candidate>, SegmentationError> {
    let (training, validation) = (
        embedding.transform(&split.training.matrix)?,
        embedding.transform(&split.validation.matrix)?,
    );
    let data = SelectionData {
        training: training.view(),
        training_outcomes: &split.training.outcomes,
        validation: validation.view(),
        validation_outcomes: &split.validation.outcomes,
    };
    let bounds = params.bounds();
    choose_k(params, &data, *bounds.start()..=n_distinct.min(*bounds.end()), seed)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;
    use crate::dataset::{Outcomes, Purchases, UserIds};
    use crate::models::segmentation::{GroupBounds, GroupCount};
    use crate::settings::Clusters;

    fn matrix(rows: &[[f64; 2]]) -> FeatureMatrix {
        let values = Array2::from(rows.to_vec());
        FeatureMatrix::new(vec!["n_orders".into(), "gmv".into()], values).unwrap()
    }

    fn snapshot(rows: &[[f64; 2]], n_orders: Vec<f64>, gmv: Vec<f64>) -> Snapshot {
        let users = UserIds::Integer((0..rows.len() as i64).collect());
        let outcomes = Some(Outcomes::of_orders(n_orders, gmv));
        let purchases = vec![Purchases::default(); rows.len()];
        Snapshot::new(NaiveDateTime::default(), users, matrix(rows), purchases, outcomes).unwrap()
    }

    fn no_rival(_: &FeatureMatrix, _: &FeatureMatrix) -> Option<Vec<usize>> {
        None
    }

    fn refused(k: usize, rows: &[[f64; 2]]) -> String {
        let params = SegmentationParams { k: GroupCount::exactly(k), ..Default::default() };
        let zeros = vec![0.0; rows.len()];
        let snapshots = [snapshot(rows, zeros.clone(), zeros)];
        fit_layers(&params, &snapshots, &snapshots[0], 30, &no_rival, 1).unwrap_err().to_string()
    }

    #[test]
    fn more_layers_than_users_is_an_error_with_both_figures() {
        let error = refused(5, &[[1.0, 2.0], [2.0, 9.0]]);
        assert!(error.contains("needs at least 5 users"), "{error}");
        assert!(error.contains("of 2 users"), "{error}");
    }

    #[test]
    fn fewer_layers_are_tried_where_half_of_the_users_allow_no_more() {
        let rows: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        let snapshots = [snapshot(&rows, vec![1.0; 12], vec![1.0; 12])];
        let params = |min| SegmentationParams {
            k: GroupCount::Between(GroupBounds { min: Clusters::of(min), max: Clusters::of(12) }),
            embedding: EmbeddingKind::Behaviour,
            ..Default::default()
        };
        // Six users train, of whom resamples have fewer.
        let found = fit_layers(&params(2), &snapshots, &snapshots[0], 30, &no_rival, 1).unwrap();
        assert!(found.candidates.last().unwrap().k < 6, "{:?}", found.candidates);
        let error = fit_layers(&params(7), &snapshots, &snapshots[0], 30, &no_rival, 1)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("[segmentation] 7 layers need at least 7 users"), "{error}");
    }

    #[test]
    fn constant_features_are_an_error() {
        let error = refused(2, &[[1.0, 2.0]; 4]);
        assert!(error.contains("all 2 features are constant"), "{error}");
    }

    #[test]
    fn layers_are_distinctly_named_and_the_most_valuable_comes_first() {
        let rows: Vec<[f64; 2]> = (0..60)
            .map(|i| {
                if i % 2 == 0 {
                    [1.0, 5.0 + f64::from(i % 3)]
                } else {
                    [30.0, 900.0 + f64::from(i % 5)]
                }
            })
            .collect();
        let gmv = rows.iter().map(|row| row[1]).collect();
        let snapshots = [snapshot(&rows, vec![1.0; 60], gmv)];
        let params = SegmentationParams {
            k: GroupCount::exactly(2),
            embedding: EmbeddingKind::Behaviour,
            ..Default::default()
        };
        let fitted = fit_layers(&params, &snapshots, &snapshots[0], 30, &no_rival, 1).unwrap();
        assert_eq!(fitted.groups[0].profile.n_users, 30);
        assert!(fitted.groups[0].profile.gmv_per_user > 800.0);
        assert_ne!(fitted.groups[0].name, fitted.groups[1].name);
        assert_ne!(fitted.groups[0].name_zh, fitted.groups[1].name_zh);
        let assigned = fitted.assign(&matrix(&rows)).unwrap();
        assert_eq!(assigned.groups[..2], [1, 0]);
    }
}
