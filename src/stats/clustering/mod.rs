//! Clusters of points in single precision: k-means, mini-batch k-means, linfa's
//! k-means and Gaussian mixtures.
//!
//! [`fit_clusters`] is the way in for all of them:
//!
//! ```
//! use layercake::stats::clustering::{Algorithm, ClusterParams, KMeansParams, fit_clusters};
//! use ndarray::array;
//!
//! let points = array![[0.0f32, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]];
//! let params = ClusterParams {
//!     algorithm: Algorithm::KMeans,
//!     k_means: KMeansParams { n_clusters: 2, seed: 7, ..Default::default() },
//!     ..Default::default()
//! };
//! let clusters = fit_clusters(&params, points.view())?;
//! let assigned = clusters.assign(points.view())?;
//! let (cluster, margin) = assigned[0];
//! assert_eq!(clusters.sizes()[cluster], 2);
//! assert!(margin > 0.9 && margin <= 1.0);
//! # Ok::<(), layercake::stats::clustering::ClusteringError>(())
//! ```
//!
//! [`KMeansParams`] also stands alone, with linfa's traits: `Fit` clusters all
//! points, `FitWith` batch after batch, and [`FittedKMeans`] has `Predict`.
//! Points are matrices of the shape (points, features) whose rows lie one after
//! the other; any other layout is copied first. Whatever is fitted here has the
//! same bytes with any number of threads.

mod algorithm;
mod checks;
mod distances;
mod error;
mod kmeans;
mod level;
mod lloyd;
mod matrix;
mod mini_batch;
mod mixture;
mod params;
mod passes;
mod screen;
mod start;

#[cfg(test)]
mod screen_tests;
#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, ClusterParams, FittedClusters, fit_clusters};
pub use error::ClusteringError;
pub use kmeans::FittedKMeans;
pub use level::{force_simd_level, simd_levels};
pub use mini_batch::MiniBatchKMeans;
pub use mixture::FittedMixture;
pub use params::{KMeansParams, Start};
