//! One number of groups that training tried, of layers or of kinds, and what trying takes.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::params::Clustering;
use crate::stats::clustering::{ClusterParams, FittedClusters, KMeansParams};
use crate::stats::metrics::adjusted_rand_index;
use crate::stats::resample::every_nth;

/// Adjusted Rand index between refits below which a candidate is unstable.
const MIN_STABILITY: f64 = 0.85;
/// Share of the variance of outcomes that some hundreds of users show by chance.
const MIN_OUTCOME_R2: f64 = 0.02;

/// How one number of groups did, validated on users or times that it was not
/// fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Number of groups.
    pub k: usize,
    /// R² of the layers' means as predictions of the outcomes, averaged over these;
    /// `None` when no outcome varies, and of kinds.
    pub outcome_r2: Option<f64>,
    /// Mean silhouette width on a sample of users, −1..1.
    pub silhouette: f64,
    /// Mean adjusted Rand index between clusters of resampled users in one
    /// embedding; of kinds, of two halves of the users.
    pub stability: f64,
    /// Of kinds, of the number that is taken: the same for a Gaussian mixture of as many,
    /// where it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixture_stability: Option<f64>,
    /// Of kinds: share of the pairs of users in one cluster that clusters of other users
    /// put together as well, in the cluster where it is least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction_strength: Option<f64>,
    /// Of kinds: how much nearer users are to their centroids than those of one cloud
    /// without kinds, which is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<Gap>,
    /// Share of users in the smallest group.
    pub smallest_share: f64,
    /// Taken, or why not.
    pub verdict: KVerdict,
}

impl Candidate {
    /// Whether clusters of resampled users agree well enough.
    pub fn is_stable(&self) -> bool {
        self.stability >= MIN_STABILITY
    }

    /// Whether layers predict outcomes better than chance. True where no outcome
    /// varies.
    pub fn predicts(&self) -> bool {
        self.outcome_r2.is_none_or(|r2| r2 >= MIN_OUTCOME_R2)
    }
}

/// The gap statistic: logarithm of the mean squared distance to the nearest centroid in
/// clouds without groups, less that of the users.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Mean over the clouds.
    pub mean: f64,
    /// Standard error over the clouds.
    pub error: f64,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KVerdict {
    /// The number of groups of the model.
    Taken,
    /// Its smallest group is too small.
    SmallGroup,
    /// Refits disagree too much.
    Unstable,
    /// Its outcome R² is lower than that of the best.
    LowerOutcomeR2,
    /// Its outcome R² is as good, but its silhouette is lower.
    LowerSilhouette,
    /// One cloud of users, cut into as many pieces, is as tight.
    NotSeparated,
    /// One kind more is clearly tighter.
    MoreAreFound,
    /// A smaller number of kinds is as tight, but for cuts through a cloud.
    NoTighter,
}

/// Clustering as the config has it.
pub(super) fn cluster_params(params: Clustering, k: usize, seed: u64) -> ClusterParams {
    let k_means =
        KMeansParams { n_clusters: k, n_starts: params.n_starts, seed, ..Default::default() };
    ClusterParams { algorithm: params.algorithm, k_means, ..Default::default() }
}

pub(super) fn labels(
    fitted: &FittedClusters,
    points: ArrayView2<'_, f32>,
) -> Result<Vec<usize>, SegmentationError> {
    Ok(fitted.assign(points)?.into_iter().map(|(label, _)| label).collect())
}

/// Rows at equal steps, at most `n`.
pub(super) fn thinned(points: ArrayView2<'_, f32>, n: usize) -> Array2<f32> {
    points.select(Axis(0), &every_nth(points.nrows(), n).collect::<Vec<_>>())
}

/// Mean adjusted Rand index over all pairs of groupings of the same users; 1 for
/// a single grouping.
pub(super) fn mean_rand_index(groupings: &[Vec<usize>]) -> f64 {
    let pairs = (0..groupings.len()).flat_map(|first| (0..first).map(move |other| (first, other)));
    let indices: Vec<f64> = pairs
        .map(|(first, other)| adjusted_rand_index(&groupings[first], &groupings[other]))
        .collect();
    if indices.is_empty() {
        return 1.0;
    }
    indices.iter().sum::<f64>() / indices.len() as f64
}
