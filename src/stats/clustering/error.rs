/// Why points could not be clustered or assigned.
#[derive(Debug, thiserror::Error)]
pub enum ClusteringError {
    /// A parameter is out of bounds.
    #[error("{0}")]
    Params(String),
    /// There are not as many different points as clusters.
    #[error(
        "n_clusters = {n_clusters} needs as many points that differ, but of {n_points} points only \
         {n_distinct} differ; lower n_clusters or add data"
    )]
    TooFewDistinct {
        /// Clusters asked for.
        n_clusters: usize,
        /// Points given.
        n_points: usize,
        /// Points of different values among them.
        n_distinct: usize,
    },
    /// A value is no number to compute distances with.
    #[error(
        "row {row}, column {column} is {value}, but points must be finite and within ±1e15; \
         clean or scale the data first"
    )]
    Value {
        /// Row of the point, from 0.
        row: usize,
        /// Column of the value, from 0.
        column: usize,
        /// The value.
        value: f64,
    },
    /// The points have other columns than those of the fit.
    #[error("the clusters were fitted on {expected} columns, but the points have {got}")]
    Columns {
        /// Columns of the fit.
        expected: usize,
        /// Columns of the points.
        got: usize,
    },
    /// linfa's k-means failed.
    #[error("linfa's k-means failed: {0}; algorithm = \"k_means\" has no such limit")]
    LinfaKMeans(#[from] linfa_clustering::KMeansError),
    /// The Gaussian mixture failed.
    #[error("the gaussian mixture failed: {0}")]
    Mixture(String),
    /// linfa refused the data set.
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
}
