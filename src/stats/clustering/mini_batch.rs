//! Mini-batch k-means, for points that do not fit in memory.
//!
//! Source: Sculley (2010), "Web-scale k-means clustering", algorithm 1. A
//! centroid's learning rate is one over the points it has seen, so it is the
//! mean of all of them, and a batch moves it as its points would one by one.

use linfa::DatasetBase;
use linfa::traits::{Fit, FitWith};
use ndarray::{Array2, ArrayBase, ArrayView2, Axis, Data, Ix2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::kmeans::training_rows;
use super::passes::sum_members;
use super::{ClusteringError, FittedKMeans, KMeansParams, matrix};

/// Clusters of the batches seen so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiniBatchKMeans {
    /// Means of the points that each cluster was given, shape (clusters, features).
    #[serde(with = "matrix")]
    pub centroids: Array2<f64>,
    /// Points that each cluster was given.
    pub counts: Vec<usize>,
    /// Batches seen.
    pub n_batches: usize,
}

impl<'a, D: Data<Elem = f32>, T> FitWith<'a, ArrayBase<D, Ix2>, T, ClusteringError>
    for KMeansParams
{
    type ObjectIn = Option<MiniBatchKMeans>;
    type ObjectOut = MiniBatchKMeans;

    /// Learns from one more batch, which should be a random sample. The first
    /// one is clustered in full, with these parameters, and so must hold at
    /// least as many different points as there are clusters.
    ///
    /// # Errors
    /// As `fit`, and when the batch has other columns than the ones before.
    fn fit_with(
        &self,
        model: Option<MiniBatchKMeans>,
        dataset: &'a DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<MiniBatchKMeans, ClusteringError> {
        match model {
            Some(model) => model.with_batch(dataset.records().view()),
            None => {
                let fitted = self.fit(dataset)?;
                let centroids = fitted.centroids.mapv(f64::from);
                Ok(MiniBatchKMeans { centroids, counts: fitted.sizes, n_batches: 1 })
            }
        }
    }
}

impl MiniBatchKMeans {
    fn with_batch(mut self, batch: ArrayView2<f32>) -> Result<Self, ClusteringError> {
        let (expected, got) = (self.centroids.ncols(), batch.ncols());
        if expected != got {
            return Err(ClusteringError::Columns { expected, got });
        }
        let batch = batch.as_standard_layout();
        let rows = training_rows(batch.view())?;
        let before: Vec<f32> = self.centroids.iter().map(|&value| value as f32).collect();
        let members = sum_members(rows, &before);
        for (cluster, mut centroid) in self.centroids.rows_mut().into_iter().enumerate() {
            let seen = self.counts[cluster] as f64;
            self.counts[cluster] += members.sizes[cluster];
            let all = self.counts[cluster].max(1) as f64;
            let sums = &members.sums[cluster * expected..][..expected];
            for (value, sum) in centroid.iter_mut().zip(sums) {
                *value = (*value * seen + sum) / all;
            }
        }
        self.n_batches += 1;
        Ok(self)
    }

    /// The clusters with their sizes and inertia on these points, which may be
    /// a sample.
    ///
    /// # Errors
    /// When the points have other columns, or a value is not finite.
    pub fn measure(&self, points: ArrayView2<f32>) -> Result<FittedKMeans, ClusteringError> {
        let centroids = self.centroids.mapv(|value| value as f32);
        FittedKMeans::from_centroids(points, centroids, self.n_batches)
    }
}

/// Clusters points in batches drawn without replacement, `n_epochs` times over.
pub(super) fn fit_in_batches(
    params: &KMeansParams,
    batch_size: usize,
    n_epochs: usize,
    points: ArrayView2<f32>,
) -> Result<FittedKMeans, ClusteringError> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    let mut order: Vec<usize> = (0..points.nrows()).collect();
    let mut model: Option<MiniBatchKMeans> = None;
    for _ in 0..n_epochs {
        order.shuffle(&mut rng);
        for batch in order.chunks(batch_size) {
            let dataset = DatasetBase::from(points.select(Axis(0), batch));
            model = Some(params.fit_with(model, &dataset).map_err(first_batch)?);
        }
    }
    let none = || ClusteringError::Params("there are no points".to_owned());
    model.ok_or_else(none)?.measure(points)
}

/// All points together hold enough different ones, or it would have failed before.
fn first_batch(error: ClusteringError) -> ClusteringError {
    match error {
        ClusteringError::TooFewDistinct { n_clusters, n_points, n_distinct } => {
            ClusteringError::Params(format!(
                "the first batch of {n_points} points has only {n_distinct} that differ, for \
                 {n_clusters} clusters; raise batch_size or use algorithm = \"k_means\""
            ))
        }
        other => other,
    }
}
