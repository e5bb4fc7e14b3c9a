use std::collections::BTreeSet;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::choose_k::{Candidate, choose_k};
use super::kmeans::{assign, fit_centroids};
use super::names::layer_names;
use super::profile::{LayerProfile, profile_layers};
use crate::dataset::{DatasetError, FeatureMatrix, Outcomes};
use crate::scaling::{Scaling, drop_collinear};

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
    /// Starts of k-means, of which the best counts.
    pub n_starts: usize,
    /// Of two features correlated beyond this, only the first is used.
    pub max_correlation: f64,
}

impl Default for SegmentationParams {
    fn default() -> Self {
        Self { k: None, k_min: 8, k_max: 10, min_share: 0.005, n_starts: 5, max_correlation: 0.9 }
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

/// A fitted segmentation: how to find a user's layer, and who is in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedLayers {
    /// The space in which distances are measured.
    pub scaling: Scaling,
    /// The layers; the most valuable first.
    pub layers: Vec<Layer>,
    /// How each number of layers did; empty when `k` was given.
    pub candidates: Vec<Candidate>,
}

/// A named group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Short id: `L1` is the layer with the largest GMV a user.
    pub id: String,
    /// Name in words, distinct within the model.
    pub name: String,
    /// Centre in the scaled space, one number a feature.
    pub centroid: Vec<f64>,
    /// Who is in it.
    pub profile: LayerProfile,
}

/// The layer of each user, in matrix order.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments {
    /// Index into [`FittedLayers::layers`].
    pub layers: Vec<usize>,
    /// `1 − d₁/d₂`: 0 on the border to another layer, 1 on the centroid.
    pub margins: Vec<f64>,
}

/// Fits layers to one snapshot, whose outcomes describe the layers but do not
/// shape them.
///
/// # Errors
/// When parameters are out of bounds, there are fewer different users than
/// layers, or no feature varies.
pub fn fit_layers(
    params: &SegmentationParams,
    matrix: &FeatureMatrix,
    outcomes: &Outcomes,
    seed: u64,
) -> Result<FittedLayers, SegmentationError> {
    params.check().map_err(SegmentationError::Params)?;
    let (n_users, k) = (matrix.n_rows(), params.k.unwrap_or(params.k_min));
    if n_users < k {
        return Err(SegmentationError::TooFewUsers { k, n_users, n_distinct: n_users });
    }
    let scaling = separating_space(params, matrix)?;
    let points = scaling.apply(matrix)?;
    let n_distinct = n_distinct_rows(&points, k.max(params.k_max));
    if n_distinct < k {
        return Err(SegmentationError::TooFewUsers { k, n_users, n_distinct });
    }
    let (k, candidates) = match params.k {
        Some(k) => (k, Vec::new()),
        None => {
            let bounds = params.k_min..=params.k_max.min(n_distinct);
            choose_k(&points, bounds, params.n_starts, params.min_share, seed)?
        }
    };
    let centroids = fit_centroids(&points, k, params.n_starts, seed)?;
    let labels: Vec<usize> =
        assign(points.view(), centroids.view()).into_iter().map(|(label, _)| label).collect();
    let profiles = profile_layers(matrix, &points, &scaling.names, &labels, k, outcomes)?;
    Ok(FittedLayers { scaling, layers: order_layers(&centroids, profiles), candidates })
}

/// Scaling over the features that vary and do not repeat each other.
fn separating_space(
    params: &SegmentationParams,
    matrix: &FeatureMatrix,
) -> Result<Scaling, SegmentationError> {
    let varying = matrix.varying_names();
    if varying.is_empty() {
        return Err(SegmentationError::ConstantFeatures {
            n_features: matrix.n_features(),
            n_users: matrix.n_rows(),
        });
    }
    let all = Scaling::fit(matrix, &varying)?;
    let kept = drop_collinear(&all.apply(matrix)?, &varying, params.max_correlation);
    Ok(Scaling::fit(matrix, &kept)?)
}

/// Number of different rows, counted no further than `enough`.
fn n_distinct_rows(points: &Array2<f64>, enough: usize) -> usize {
    let mut seen = BTreeSet::new();
    for row in points.rows() {
        seen.insert(row.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        if seen.len() >= enough {
            break;
        }
    }
    seen.len()
}

/// Drops clusters without members, puts the most valuable first, so that ids do
/// not depend on the order in which k-means found them, and names them.
fn order_layers(centroids: &Array2<f64>, profiles: Vec<LayerProfile>) -> Vec<Layer> {
    let mut groups: Vec<(Vec<f64>, LayerProfile)> = centroids
        .axis_iter(Axis(0))
        .map(|centroid| centroid.to_vec())
        .zip(profiles)
        .filter(|(_, profile)| profile.n_users > 0)
        .collect();
    groups.sort_by(|(a, of_a), (b, of_b)| {
        let by_value = of_b.gmv_per_user.total_cmp(&of_a.gmv_per_user);
        by_value.then_with(|| a.partial_cmp(b).expect("centroids are finite"))
    });
    let (centroids, profiles): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    let names = layer_names(&profiles);
    centroids
        .into_iter()
        .zip(profiles)
        .zip(names)
        .enumerate()
        .map(|(index, ((centroid, profile), name))| Layer {
            id: format!("L{}", index + 1),
            name,
            centroid,
            profile,
        })
        .collect()
}

impl FittedLayers {
    /// The layer of each user.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the model.
    pub fn assign(&self, matrix: &FeatureMatrix) -> Result<Assignments, DatasetError> {
        let points = self.scaling.apply(matrix)?;
        let mut centroids = Array2::zeros((self.layers.len(), self.scaling.names.len()));
        for (mut row, layer) in centroids.rows_mut().into_iter().zip(&self.layers) {
            row.iter_mut().zip(&layer.centroid).for_each(|(cell, value)| *cell = *value);
        }
        let (layers, margins) = assign(points.view(), centroids.view()).into_iter().unzip();
        Ok(Assignments { layers, margins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[[f64; 2]]) -> FeatureMatrix {
        let values = Array2::from(rows.to_vec());
        FeatureMatrix::new(vec!["n_orders".into(), "gmv".into()], values).unwrap()
    }

    fn outcomes(n: usize) -> Outcomes {
        Outcomes { n_orders: vec![0.0; n], gmv: vec![0.0; n] }
    }

    #[test]
    fn more_layers_than_users_is_an_error_with_both_figures() {
        let params = SegmentationParams { k: Some(5), ..Default::default() };
        let error =
            fit_layers(&params, &matrix(&[[1.0, 2.0], [2.0, 9.0]]), &outcomes(2), 1).unwrap_err();
        assert!(error.to_string().contains("needs at least 5 users"), "{error}");
        assert!(error.to_string().contains("of 2 users"), "{error}");
    }

    #[test]
    fn constant_features_are_an_error() {
        let params = SegmentationParams { k: Some(2), ..Default::default() };
        let error = fit_layers(&params, &matrix(&[[1.0, 2.0]; 4]), &outcomes(4), 1).unwrap_err();
        assert!(error.to_string().contains("all 2 features are constant"), "{error}");
    }

    #[test]
    fn layers_are_distinctly_named_and_the_most_valuable_comes_first() {
        let rows: Vec<[f64; 2]> = (0..60)
            .map(|i| {
                if i % 2 == 0 {
                    [1.0, 5.0 + f64::from(i % 3)]
                } else {
                    [30.0, 900.0 + f64::from(i % 5)]
                }
            })
            .collect();
        let gmv = rows.iter().map(|row| row[1]).collect();
        let outcomes = Outcomes { n_orders: vec![1.0; 60], gmv };
        let params = SegmentationParams { k: Some(2), max_correlation: 1.0, ..Default::default() };
        let fitted = fit_layers(&params, &matrix(&rows), &outcomes, 1).unwrap();
        assert_eq!(fitted.layers[0].profile.n_users, 30);
        assert!(fitted.layers[0].profile.gmv_per_user > 800.0);
        assert_ne!(fitted.layers[0].name, fitted.layers[1].name);
        let assigned = fitted.assign(&matrix(&rows)).unwrap();
        assert_eq!(assigned.layers[..2], [1, 0]);
    }
}
