use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array2, ArrayView2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::checks::check_distinct;
use super::kmeans::{given_start, training_rows};
use super::mini_batch::fit_in_batches;
use super::mixture::fit_mixture;
use super::params::at_least_one;
use super::passes::{Rows, mean_variance};
use super::{ClusteringError, FittedKMeans, FittedMixture, KMeansParams, Start};

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Lloyd's algorithm, from greedy k-means++ starts.
    #[default]
    KMeans,
    /// Mini-batch k-means: less memory, nearly the same clusters.
    MiniBatch,
    /// The k-means of linfa, the reference; for code only, not for a config file.
    #[serde(skip)]
    LinfaKMeans,
    /// Normal distributions of any shape: for groups that are long or of
    /// different spread. Time and memory grow with the square of the features.
    GaussianMixture,
}

/// Parameters of [`fit_clusters`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterParams {
    /// How clusters are found.
    pub algorithm: Algorithm,
    /// Number of clusters, starts, iterations and seed, for all algorithms; a
    /// Gaussian mixture has one start of its own and ends by its own tolerance.
    pub k_means: KMeansParams,
    /// Points in a mini-batch, at least 1.
    pub batch_size: usize,
    /// Times that mini-batches go through all points, at least 1.
    pub n_epochs: usize,
    /// What a Gaussian mixture adds to each variance, not negative.
    pub min_variance: f64,
}

impl Default for ClusterParams {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            k_means: KMeansParams::default(),
            batch_size: 8192,
            n_epochs: 3,
            min_variance: 1e-6,
        }
    }
}

impl ClusterParams {
    /// Whether every parameter is within its bounds.
    ///
    /// # Errors
    /// Names the first parameter that is not.
    pub fn check(&self) -> Result<(), ClusteringError> {
        self.k_means.check()?;
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("n_epochs", self.n_epochs)?;
        if !(self.min_variance >= 0.0 && self.min_variance.is_finite()) {
            let got = self.min_variance;
            let message = format!("min_variance must be finite and not negative, got {got}");
            return Err(ClusteringError::Params(message));
        }
        Ok(())
    }
}

/// Clusters that any of the algorithms found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedClusters {
    /// Each point belongs to the nearest centroid.
    KMeans(FittedKMeans),
    /// Each point belongs to the likeliest component.
    GaussianMixture(FittedMixture),
}

impl FittedClusters {
    /// For each point its cluster and how clear the choice is, in 0..1: see
    /// [`FittedKMeans::assign`] and [`FittedMixture::assign`].
    ///
    /// # Errors
    /// When the points have other columns than those of the fit, or a value is
    /// not finite.
    pub fn assign(&self, points: ArrayView2<f32>) -> Result<Vec<(usize, f64)>, ClusteringError> {
        match self {
            Self::KMeans(fitted) => fitted.assign(points),
            Self::GaussianMixture(fitted) => fitted.assign(points),
        }
    }

    /// Means of the clusters, shape (clusters, features).
    pub fn centroids(&self) -> &Array2<f32> {
        match self {
            Self::KMeans(fitted) => &fitted.centroids,
            Self::GaussianMixture(fitted) => &fitted.centroids,
        }
    }

    /// Training points that `assign` gives to each cluster.
    pub fn sizes(&self) -> &[usize] {
        match self {
            Self::KMeans(fitted) => &fitted.sizes,
            Self::GaussianMixture(fitted) => &fitted.sizes,
        }
    }
}

/// Clusters points of the shape (points, features).
///
/// # Errors
/// When a parameter is out of bounds, a value is not finite, fewer points differ
/// than there are clusters, or linfa fails.
pub fn fit_clusters(
    params: &ClusterParams,
    points: ArrayView2<f32>,
) -> Result<FittedClusters, ClusteringError> {
    params.check()?;
    let points = points.as_standard_layout();
    let rows = training_rows(points.view())?;
    check_distinct(rows, params.k_means.n_clusters)?;
    let (k_means, points) = (&params.k_means, points.view());
    Ok(match params.algorithm {
        Algorithm::KMeans => FittedClusters::KMeans(k_means.fit(&DatasetBase::from(points))?),
        Algorithm::MiniBatch => FittedClusters::KMeans(fit_in_batches(
            k_means,
            params.batch_size,
            params.n_epochs,
            points,
        )?),
        Algorithm::LinfaKMeans => FittedClusters::KMeans(fit_linfa(k_means, rows, points)?),
        Algorithm::GaussianMixture => {
            FittedClusters::GaussianMixture(fit_mixture(k_means, params.min_variance, points)?)
        }
    })
}

/// linfa's k-means, in double precision.
fn fit_linfa(
    params: &KMeansParams,
    rows: Rows,
    points: ArrayView2<f32>,
) -> Result<FittedKMeans, ClusteringError> {
    let rng = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    let (init, n_runs) = match &params.start {
        // K-means|| would not repeat under a seed.
        Start::PlusPlus => (KMeansInit::KMeansPlusPlus, params.n_starts),
        Start::Given(centroids) => {
            given_start(rows, centroids)?;
            (KMeansInit::Precomputed(centroids.mapv(f64::from)), 1)
        }
    };
    // There the tolerance is a distance, above zero.
    let tolerance = (params.tolerance * mean_variance(rows)).sqrt().max(f64::MIN_POSITIVE);
    let model = KMeans::params_with_rng(params.n_clusters, rng)
        .init_method(init)
        .n_runs(n_runs)
        .max_n_iterations(params.max_iterations as u64)
        .tolerance(tolerance)
        .fit(&DatasetBase::from(points.mapv(f64::from)))?;
    // Its own counts are those of its last run, not of its best.
    FittedKMeans::from_centroids(points, model.centroids().mapv(|value| value as f32), 0)
}
