use crate::dataset::DatasetError;
use crate::settings::Conflict;
use crate::stats::boosting::BoostingError;
use crate::stats::clustering::ClusteringError;
use crate::stats::linear::LinearError;

/// Why users could not be segmented.
#[derive(Debug, thiserror::Error)]
pub enum SegmentationError {
    /// Settings that exclude each other.
    #[error("[segmentation] {0}")]
    Params(#[from] Conflict),
    /// Fewer users than segments.
    #[error(
        "[segmentation] k = {k} needs at least {k} users that differ, but there are {n_distinct} \
         (of {n_users} users); lower k or add data"
    )]
    TooFewUsers {
        /// Segments asked for.
        k: usize,
        /// Users in the snapshot.
        n_users: usize,
        /// Users with different features.
        n_distinct: usize,
    },
    /// No feature varies.
    #[error(
        "all {n_features} features are constant over {n_users} users: nothing to segment by; \
         map more columns in [[source]]"
    )]
    ConstantFeatures {
        /// Features in the matrix.
        n_features: usize,
        /// Users in the snapshot.
        n_users: usize,
    },
    /// There is nothing to learn from.
    #[error("there is no training snapshot; add data or lower [snapshots] min_history_days")]
    NoSnapshot,
    /// No outcome varies.
    #[error(
        "after the training snapshots all users did the same: nobody ordered, or all did. Change \
         [snapshots] horizon_days, or set [segmentation] embedding = \"behaviour\""
    )]
    ConstantOutcomes,
    /// Clusters could not be found.
    #[error(transparent)]
    Clustering(ClusteringError),
    /// Too few users with different coordinates.
    #[error(
        "[segmentation] {k} layers need at least {k} users that differ, but of {n_users} \
         training rows only {n_distinct} differ in predicted outcomes or behaviour; lower k, or add \
         data"
    )]
    TooFewPoints {
        /// Layers that were tried.
        k: usize,
        /// Training rows.
        n_users: usize,
        /// Different coordinates among them.
        n_distinct: usize,
    },
    /// Fewer users who shop differently than kinds.
    #[error(
        "[kinds] k = {k} needs at least {k} users who shop differently, but of {n_users} that were \
         drawn, of whom enough is known, only {n_distinct} do; lower k, or add data"
    )]
    TooFewHabits {
        /// Kinds asked for.
        k: usize,
        /// Users of whom enough is known, as far as they were drawn.
        n_users: usize,
        /// Users with different habits.
        n_distinct: usize,
    },
    /// Outcomes could not be predicted.
    #[error(transparent)]
    Boosting(#[from] BoostingError),
    /// The ridge regression or the principal components of the features failed.
    #[error("ridge regression or principal components of the features failed: {0}")]
    Linear(#[from] LinearError),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl From<ClusteringError> for SegmentationError {
    fn from(error: ClusteringError) -> Self {
        match error {
            ClusteringError::TooFewDistinct { n_clusters, n_points, n_distinct } => {
                Self::TooFewPoints { k: n_clusters, n_users: n_points, n_distinct }
            }
            other => Self::Clustering(other),
        }
    }
}
