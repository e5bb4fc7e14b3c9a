//! Kinds: how users shop, whatever the volume.

use ndarray::{Array2, Axis};

use super::candidate::{cluster_params, mean_rand_index};
use super::choose_kinds::{Choice, choose_kinds};
use super::embedding::{Embedding, Habits, Resample, TrainingRows};
use super::groups::{Found, Partition, numbers};
use super::params::Clustering;
use super::trade_off::TradeOff;
use super::{FittedGroups, KindParams, Refits, SegmentationError};
use crate::dataset::{FeatureMatrix, Snapshot};
use crate::stats::clustering::fit_clusters;

/// Fits kinds to the latest training snapshot: how users shop needs no outcome, and earlier
/// snapshots hold the same users with less known of each. `named_by` has its users and the
/// features that names read.
///
/// There may be one kind only: where users differ by chance alone, or no more than a single
/// cloud of them would.
///
/// # Errors
/// When the matrix lacks a feature, or clusters cannot be found.
pub fn fit_kinds(
    params: &KindParams,
    latest: &Snapshot,
    named_by: &Snapshot,
    seed: u64,
) -> Result<FittedGroups, SegmentationError> {
    let (embedding, points) = embed(latest, Resample::Off, seed)?;
    let Choice { candidates, k, clustering } = choose_kinds(params, points.view(), seed)?;
    let clusters = fit_clusters(&cluster_params(clustering, k, seed), points.view())?;
    let partition = Partition::Kinds;
    let trade_off = TradeOff::default();
    Found { partition, embedding, clusters, candidates, trade_off, latest, named_by }.describe()
}

/// Mean adjusted Rand index over the pairs of refits of kinds, habits included, each of
/// which assigns the users of `validation`. Clusters are found as those of `fitted` were.
///
/// # Errors
/// As [`fit_kinds`].
pub fn refit_rand_index_of_kinds(
    params: &KindParams,
    fitted: &FittedGroups,
    latest: &Snapshot,
    validation: &FeatureMatrix,
    refits: Refits,
) -> Result<f64, SegmentationError> {
    let clustering = if fitted.are_of_mixture() { Clustering::of_mixture() } else { params.into() };
    let groupings = (1..=refits.n as u64)
        .map(|refit| {
            let seed = refits.seed.wrapping_add(refit);
            let (embedding, points) = embed(latest, Resample::Bootstrap(seed), seed)?;
            let params = cluster_params(clustering, refits.k, seed);
            let clusters = fit_clusters(&params, points.view())?;
            Ok(numbers(clusters.assign(embedding.transform(validation)?.view())?))
        })
        .collect::<Result<Vec<_>, SegmentationError>>()?;
    Ok(mean_rand_index(&groupings))
}

/// Learns habits, and where the users are of whom enough is known.
fn embed(
    latest: &Snapshot,
    resample: Resample,
    seed: u64,
) -> Result<(Embedding, Array2<f32>), SegmentationError> {
    let rows = TrainingRows::of(&[latest], resample, seed)?.matrix;
    let embedding = Embedding::of_habits(Habits::fit(&rows)?);
    let (points, known) = embedding.transform_with_known(&rows)?;
    let known: Vec<usize> = (0..rows.n_rows()).filter(|&row| known[row]).collect();
    // Where nobody is known, the one kind is that of all.
    let points = if known.is_empty() { points } else { points.select(Axis(0), &known) };
    Ok((embedding, points))
}
