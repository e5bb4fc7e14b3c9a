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
    #[error("all {n_features} features are constant over {n_users} users: nothing to segment by")]
    ConstantFeatures {
        /// Features in the matrix.
        n_features: usize,
        /// Users in the snapshot.
        n_users: usize,
    },
    /// The clustering library failed.
    #[error("k-means failed: {0}")]
    KMeans(#[from] linfa_clustering::KMeansError),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
