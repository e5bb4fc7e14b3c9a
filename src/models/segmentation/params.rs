use serde::{Deserialize, Serialize};

use crate::stats::clustering::Algorithm;
use crate::stats::scaling::Transform;

/// `[segmentation]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentationParams {
    /// Number of layers; chosen between the bounds when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Fewest layers to try.
    pub k_min: usize,
    /// Most layers to try.
    pub k_max: usize,
    /// A candidate whose smallest layer holds less than this share of the
    /// users is passed over.
    pub min_share: f64,
    /// The space in which users who are near each other are one layer.
    pub space: SpaceKind,
    /// How much the ways in which users behave count beside what is foretold of
    /// them, as a ratio of spreads where users are many; the fewer, the more. 0
    /// for the outcome alone.
    pub behaviour_weight: f64,
    /// How long tails of features are tamed.
    pub transform: Transform,
    /// In the plain space, only the first of two features correlated beyond this
    /// counts.
    pub max_correlation: f64,
    /// How clusters are found.
    pub algorithm: Algorithm,
    /// Starts of k-means, of which the best counts.
    pub n_starts: usize,
}

/// The space in which users who are near each other are one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceKind {
    /// What boosted trees foretell of GMV and churn, and how users behave.
    #[default]
    Outcome,
    /// How users behave: all features, tamed and standardised.
    Behaviour,
}

impl Default for SegmentationParams {
    fn default() -> Self {
        Self {
            k: None,
            k_min: 6,
            k_max: 12,
            min_share: 0.001,
            space: SpaceKind::default(),
            behaviour_weight: 0.3,
            transform: Transform::default(),
            max_correlation: 0.9,
            algorithm: Algorithm::default(),
            n_starts: 10,
        }
    }
}

impl SegmentationParams {
    /// Checks the bounds.
    ///
    /// # Errors
    /// One line that names the key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), String> {
        if let Some(k) = self.k.filter(|&k| k < 2) {
            return Err(format!("[segmentation] k must be at least 2, got {k}"));
        }
        if self.k_min < 2 || self.k_max < self.k_min {
            return Err(format!(
                "[segmentation] k_min and k_max must satisfy 2 ≤ k_min ≤ k_max, got {} and {}",
                self.k_min, self.k_max
            ));
        }
        if self.n_starts == 0 {
            return Err("[segmentation] n_starts must be at least 1, got 0".into());
        }
        if !(0.0..=10.0).contains(&self.behaviour_weight) {
            return Err(format!(
                "[segmentation] behaviour_weight must lie between 0 and 10, got {}",
                self.behaviour_weight
            ));
        }
        for (key, value) in
            [("min_share", self.min_share), ("max_correlation", self.max_correlation)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("[segmentation] {key} must lie between 0 and 1, got {value}"));
            }
        }
        Ok(())
    }
}
