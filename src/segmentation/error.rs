use crate::boosting::BoostingError;
use crate::clustering::ClusteringError;
use crate::dataset::DatasetError;

/// Why users could not be segmented.
#[derive(Debug, thiserror::Error)]
pub enum SegmentationError {
    /// A parameter is out of bounds.
    #[error("{0}")]
    Params(String),
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
    /// No feature tells users apart.
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
    /// Nothing to foretell.
    #[error(
        "after the training snapshots all users did the same: nobody ordered, or all did. Change \
         [snapshots] horizon_days, or set [segmentation] space = \"behaviour\""
    )]
    ConstantOutcomes,
    /// Clusters could not be found.
    #[error(transparent)]
    Clustering(#[from] ClusteringError),
    /// Outcomes could not be foretold.
    #[error(transparent)]
    Boosting(#[from] BoostingError),
    /// Directions of behaviour could not be found.
    #[error("principal components of the features failed: {0}")]
    Components(#[from] linfa_linalg::LinalgError),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
