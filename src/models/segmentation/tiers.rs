//! Tiers: users by the GMV that is predicted of them, to go with kinds.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::{FittedGroups, Outcome, SegmentationError};
use crate::dataset::{Bilingual, FeatureMatrix, Snapshot};
use crate::stats::clustering::{ClusterParams, ClusteringError, KMeansParams, fit_clusters};
use crate::stats::resample::every_nth;

/// Groups that kinds and tiers make together at most.
const MAX_CELLS: usize = 40;

/// Tiers at most, however few kinds there are.
const MAX_TIERS: usize = 5;

/// Users that tiers are cut by at most.
const MAX_USERS: usize = 50_000;

/// How much users will spend, or how often order where the data has no money.
const LOG_VALUE: [Outcome; 2] = [Outcome::LogGmv, Outcome::LogOrders];

/// Bounds between tiers of predicted GMV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedTiers {
    /// Between each tier and the next higher one, ascending, on the coordinate of the
    /// layers' embedding that predicts GMV.
    pub bounds: Vec<f64>,
}

impl FittedTiers {
    /// Cuts the users of a snapshot where their predicted GMV falls into clusters; as many
    /// tiers as let `n_kinds` kinds in tiers stay within 40 groups. One tier where
    /// nothing is predicted of value.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the embedding.
    pub fn fit(
        layers: &FittedGroups,
        latest: &Snapshot,
        n_kinds: usize,
        seed: u64,
    ) -> Result<Self, SegmentationError> {
        let rows: Vec<usize> = every_nth(latest.features.n_rows(), MAX_USERS).collect();
        let users = latest.features.select_rows(&rows);
        let Some(predicted) = layers.embedding.predicted(&LOG_VALUE, &users)? else {
            return Ok(Self { bounds: Vec::new() });
        };
        let points = Array2::from_shape_vec((predicted.len(), 1), predicted)
            .expect("one value for each user");
        let mut n_clusters = (MAX_CELLS / n_kinds.max(1)).clamp(1, MAX_TIERS);
        let clusters = loop {
            let k_means = KMeansParams { n_clusters, seed, ..Default::default() };
            match fit_clusters(&ClusterParams { k_means, ..Default::default() }, points.view()) {
                Err(ClusteringError::TooFewDistinct { n_distinct, .. }) if n_clusters > 1 => {
                    n_clusters = n_distinct.clamp(1, n_clusters - 1);
                }
                clusters => break clusters?,
            }
        };
        let centroids = clusters.centroids().index_axis(Axis(1), 0);
        let mut centroids: Vec<f64> = centroids.iter().map(|&it| f64::from(it)).collect();
        centroids.sort_by(f64::total_cmp);
        Ok(Self { bounds: centroids.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect() })
    }

    /// How many there are.
    pub fn n_tiers(&self) -> usize {
        self.bounds.len() + 1
    }

    /// What each is called, the highest first.
    pub fn names(&self) -> Vec<Bilingual> {
        let name = |&(en, zh): &(&str, &str)| Bilingual::new(en, zh);
        const TOP: (&str, &str) = ("top value", "顶级价值");
        const HIGH: (&str, &str) = ("high value", "高价值");
        const MIDDLE: (&str, &str) = ("middle value", "中等价值");
        const LOW: (&str, &str) = ("low value", "低价值");
        const LEAST: (&str, &str) = ("least value", "最低价值");
        let names: &[(&str, &str)] = match self.n_tiers() {
            1 => &[("any value", "不分价值")],
            2 => &[HIGH, LOW],
            3 => &[HIGH, MIDDLE, LOW],
            4 => &[TOP, HIGH, MIDDLE, LOW],
            _ => &[TOP, HIGH, MIDDLE, LOW, LEAST],
        };
        names.iter().map(name).collect()
    }

    /// The tier of each user, 0 being the highest.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the embedding.
    pub fn of_users(
        &self,
        layers: &FittedGroups,
        users: &FeatureMatrix,
    ) -> Result<Vec<usize>, SegmentationError> {
        let Some(predicted) = layers.embedding.predicted(&LOG_VALUE, users)? else {
            return Ok(vec![0; users.n_rows()]);
        };
        let n_below = |value: f32| self.bounds.iter().filter(|&&it| it > f64::from(value)).count();
        Ok(predicted.into_iter().map(n_below).collect())
    }
}
