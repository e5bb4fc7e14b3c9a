use ndarray::{Array2, Axis};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::kmeans::{assign, fit_centroids};
use crate::metrics::silhouette;

/// Users on which candidates are fitted, and on which they are judged.
const N_FIT: usize = 20_000;
const N_JUDGE: usize = 1_000;

/// How one number of segments did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Number of segments.
    pub k: usize,
    /// Mean silhouette width on a sample of users, −1..1.
    pub silhouette: f64,
    /// Share of users in the smallest segment.
    pub smallest_share: f64,
}

/// Tries every `k` within the bounds and returns the one with the largest
/// silhouette (of equals the smallest `k`) among those whose smallest segment
/// holds `min_share` of the users; if none does, among all.
pub(super) fn choose_k(
    points: &Array2<f64>,
    bounds: std::ops::RangeInclusive<usize>,
    n_starts: usize,
    min_share: f64,
    seed: u64,
) -> Result<(usize, Vec<Candidate>), SegmentationError> {
    let fit_points = sample_rows(points, N_FIT, seed);
    let judge_points = sample_rows(points, N_JUDGE, seed.wrapping_add(1));
    let mut candidates = Vec::new();
    for k in bounds {
        let centroids = fit_centroids(&fit_points, k, n_starts, seed)?;
        let labels = |points: &Array2<f64>| -> Vec<usize> {
            assign(points.view(), centroids.view()).iter().map(|(label, _)| *label).collect()
        };
        let mut sizes = vec![0usize; k];
        labels(&fit_points).iter().for_each(|&label| sizes[label] += 1);
        let smallest = *sizes.iter().min().unwrap_or(&0);
        candidates.push(Candidate {
            k,
            silhouette: silhouette(judge_points.view(), &labels(&judge_points)).unwrap_or(-1.0),
            smallest_share: smallest as f64 / fit_points.nrows() as f64,
        });
    }
    let large_enough = |candidate: &&Candidate| candidate.smallest_share >= min_share;
    let best = |pool: Vec<&Candidate>| {
        pool.into_iter()
            .reduce(|best, next| if next.silhouette > best.silhouette { next } else { best })
            .map(|candidate| candidate.k)
    };
    let chosen = best(candidates.iter().filter(large_enough).collect())
        .or_else(|| best(candidates.iter().collect()))
        .ok_or_else(|| SegmentationError::Params("[segmentation] no k to try".into()))?;
    Ok((chosen, candidates))
}

/// `n` rows at random without replacement, in their order; all if fewer.
fn sample_rows(points: &Array2<f64>, n: usize, seed: u64) -> Array2<f64> {
    if points.nrows() <= n {
        return points.clone();
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rows = sample(&mut rng, points.nrows(), n).into_vec();
    rows.sort_unstable();
    points.select(Axis(0), &rows)
}
