use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Data, Ix2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::checks::{bad_row, check_distinct, check_values, too_few};
use super::distances::PackedCentroids;
use super::lloyd::{self, Run};
use super::passes::{Rows, exact_inertia, for_each_label, for_each_nearest, mean_variance};
use super::screen::Screen;
use super::start::plus_plus;
use super::{ClusteringError, KMeansParams, Start, matrix};

/// Clusters that k-means found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedKMeans {
    /// Means of the clusters, shape (clusters, features).
    #[serde(with = "matrix")]
    pub centroids: Array2<f32>,
    /// Training points nearest to each centroid.
    pub sizes: Vec<usize>,
    /// Sum of squared distances of the training points to their centroids.
    pub inertia: f64,
    /// Iterations of the best run; batches of mini-batch k-means; 0 from linfa's
    /// k-means, which does not say.
    pub n_iterations: usize,
}

impl<D: Data<Elem = f32>, T> Fit<ArrayBase<D, Ix2>, T, ClusteringError> for KMeansParams {
    type Object = FittedKMeans;

    /// Clusters the records, shape (points, features): the run of least inertia,
    /// the first of equals. The result depends on the points, their order and the
    /// parameters, not on the number of threads or the processor.
    ///
    /// # Errors
    /// When a parameter is out of bounds, a value is not finite, or fewer points
    /// differ than there are clusters.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<FittedKMeans, ClusteringError> {
        self.check()?;
        let points = dataset.records().as_standard_layout();
        let rows = training_rows(points.view())?;
        check_distinct(rows, self.n_clusters)?;
        let least_shift =
            if self.tolerance > 0.0 { self.tolerance * mean_variance(rows) } else { 0.0 };
        let best = self.best_run(rows, least_shift)?;
        FittedKMeans::new(rows, best)
    }
}

impl KMeansParams {
    fn best_run(&self, points: Rows, least_shift: f64) -> Result<Run, ClusteringError> {
        let run = |start| lloyd::run(points, start, self.max_iterations, least_shift);
        if let Start::Given(centroids) = &self.start {
            return Ok(run(given_start(points, centroids)?));
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut best = run(self.random_start(points, &mut rng.clone())?);
        for _ in 1..self.n_starts {
            // Each start has its own stretch of the generator's numbers.
            rng.jump();
            let next = run(self.random_start(points, &mut rng.clone())?);
            if next.inertia < best.inertia {
                best = next;
            }
        }
        Ok(best)
    }

    fn random_start(
        &self,
        points: Rows,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Vec<f32>, ClusteringError> {
        let start = plus_plus(points, self.n_clusters, rng);
        let n_found = start.len() / points.n_features;
        if n_found < self.n_clusters {
            return Err(too_few(points, self.n_clusters, n_found));
        }
        Ok(start)
    }
}

/// Points to learn from: in row order, with columns, all values finite.
pub(super) fn training_rows(points: ArrayView2<'_, f32>) -> Result<Rows<'_>, ClusteringError> {
    let no_columns = || ClusteringError::Params("the points have no columns".to_owned());
    let rows = Rows::new(points).ok_or_else(no_columns)?;
    check_values(rows)?;
    Ok(rows)
}

pub(super) fn given_start(
    points: Rows,
    centroids: &Array2<f32>,
) -> Result<Vec<f32>, ClusteringError> {
    if centroids.ncols() != points.n_features {
        let (expected, got) = (centroids.ncols(), points.n_features);
        return Err(ClusteringError::Columns { expected, got });
    }
    let centroids = centroids.as_standard_layout();
    training_rows(centroids.view()).map(|rows| rows.values.to_vec())
}

impl FittedKMeans {
    fn new(points: Rows, run: Run) -> Result<Self, ClusteringError> {
        let inertia = exact_inertia(points, &run.centroids);
        let shape = (run.sizes.len(), points.n_features);
        let centroids = Array2::from_shape_vec(shape, run.centroids);
        let centroids = centroids.map_err(linfa::error::Error::from)?;
        Ok(Self { centroids, sizes: run.sizes, inertia, n_iterations: run.n_iterations })
    }

    /// Centroids that were found otherwise, with the sizes and the inertia of
    /// the points given.
    pub(super) fn from_centroids(
        points: ArrayView2<f32>,
        centroids: Array2<f32>,
        n_iterations: usize,
    ) -> Result<Self, ClusteringError> {
        let points = points.as_standard_layout();
        let rows = training_rows(points.view())?;
        let start = given_start(rows, &centroids)?;
        let run = lloyd::run(rows, start, 0, 0.0);
        Self::new(rows, Run { n_iterations, ..run })
    }

    /// For each point, shape (points, features), its nearest centroid, ties
    /// going to the first, and its margin: `1 − d₁/d₂` of the distances to the
    /// nearest and the second nearest centroid, 0 on the border between two, 1
    /// on a centroid and where there is one centroid only.
    ///
    /// # Errors
    /// When the points have other columns than those of the fit, or a value is
    /// not finite.
    pub fn assign(&self, points: ArrayView2<f32>) -> Result<Vec<(usize, f64)>, ClusteringError> {
        let mut found = vec![(0, 0.0); points.nrows()];
        self.in_rows(points, |rows, centroids| {
            let packed = PackedCentroids::new(centroids, rows.n_features);
            let make = |label, first, second| (label, margin(first, second));
            for_each_nearest(rows, &packed, &mut found, make)
        })?;
        Ok(found)
    }

    /// Runs `find` on the points and the centroids, both row by row; it returns the first
    /// point that has no distance.
    fn in_rows(
        &self,
        points: ArrayView2<f32>,
        find: impl FnOnce(Rows, &[f32]) -> Option<usize>,
    ) -> Result<(), ClusteringError> {
        let (expected, got) = (self.centroids.ncols(), points.ncols());
        let columns = || ClusteringError::Columns { expected, got };
        let points = points.as_standard_layout();
        let rows = Rows::new(points.view()).filter(|_| expected == got).ok_or_else(columns)?;
        let centroids: Vec<f32> = self.centroids.iter().copied().collect();
        match find(rows, &centroids) {
            Some(row) => Err(bad_row(rows, row)),
            None => Ok(()),
        }
    }
}

/// `1 − d₁/d₂` of squared distances; between centroids of one place 0.
fn margin(first: f32, second: f32) -> f64 {
    if second > 0.0 { 1.0 - (f64::from(first) / f64::from(second)).sqrt() } else { 0.0 }
}

/// linfa's `Predict` rests on this one.
impl<D: Data<Elem = f32>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for FittedKMeans {
    /// The nearest centroid of each point, as [`FittedKMeans::assign`] finds it.
    ///
    /// # Panics
    /// Where `assign` gives an error, and when `labels` differs in length from
    /// the points: the trait knows no errors.
    fn predict_inplace(&self, points: &ArrayBase<D, Ix2>, labels: &mut Array1<usize>) {
        assert_eq!(points.nrows(), labels.len(), "one label for each point");
        if !labels.is_standard_layout() {
            *labels = Array1::zeros(labels.len());
        }
        let out = labels.as_slice_mut().unwrap_or_default();
        let find = |rows: Rows, centroids: &[f32]| {
            for_each_label(rows, &Screen::new(centroids, rows.n_features), out)
        };
        if let Err(error) = self.in_rows(points.view(), find) {
            panic!("{error}");
        }
    }

    fn default_target(&self, points: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(points.nrows())
    }
}
