//! Gaussian mixtures: fitted by linfa, evaluated by plain arithmetic.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{GaussianMixtureModel, GmmError};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::checks::bad_row;
use super::passes::Rows;
use super::{ClusteringError, KMeansParams, matrix};

/// EM ends when the mean log density of a point rises by no more than this.
const LEAST_GAIN: f64 = 1e-3;

/// Normal distributions of any shape that together describe the points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedMixture {
    /// Means of the components, shape (components, features).
    #[serde(with = "matrix")]
    pub centroids: Array2<f32>,
    /// Training points whose likeliest component it is.
    pub sizes: Vec<usize>,
    components: Vec<Component>,
}

/// One normal distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    /// Share of the points, above 0.
    weight: f64,
    mean: Vec<f64>,
    /// Inverse of the lower Cholesky factor of the covariance: row i has i + 1 values.
    whitening: Vec<Vec<f64>>,
}

/// Fits a mixture of `params.n_clusters` components with full covariances by
/// EM from a start by linfa's k-means; `min_variance` is added to every variance.
///
/// One thread does all of it, in the order of the points; more than one start
/// would bring nothing, since linfa's EM goes on from where the last one ended.
///
/// Source: Dempster, Laird & Rubin (1977), "Maximum likelihood from incomplete data".
pub(super) fn fit_mixture(
    params: &KMeansParams,
    min_variance: f64,
    points: ArrayView2<f32>,
) -> Result<FittedMixture, ClusteringError> {
    let dataset = DatasetBase::from(points.mapv(f64::from));
    let rng = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    let model = GaussianMixtureModel::params_with_rng(params.n_clusters, rng)
        .max_n_iterations(params.max_iterations as u64)
        .tolerance(LEAST_GAIN)
        .reg_covariance(min_variance)
        .fit(&dataset)
        .map_err(|error: GmmError| explain(&error))?;
    let components: Option<Vec<Component>> = (0..params.n_clusters)
        .map(|index| {
            let covariance = model.covariances().index_axis(Axis(0), index);
            Component::new(model.weights()[index], model.means().row(index), covariance)
        })
        .collect();
    let components = components.ok_or_else(|| explain(&"a component has no finite shape"))?;
    let centroids = model.means().mapv(|value| value as f32);
    let mut mixture = FittedMixture { centroids, sizes: vec![0; params.n_clusters], components };
    for (label, _) in mixture.assign(points)? {
        mixture.sizes[label] += 1;
    }
    Ok(mixture)
}

fn explain(error: &dyn std::fmt::Display) -> ClusteringError {
    ClusteringError::Mixture(format!(
        "{error}; lower n_clusters, raise min_variance or use algorithm = \"k_means\""
    ))
}

impl FittedMixture {
    /// For each point, shape (points, features), its likeliest component, ties
    /// going to the first, and its margin: by how much the component's posterior
    /// probability exceeds the second largest (1 where there is one component).
    ///
    /// # Errors
    /// When the points have other columns than those of the fit, or a value is
    /// not finite.
    pub fn assign(&self, points: ArrayView2<f32>) -> Result<Vec<(usize, f64)>, ClusteringError> {
        let (expected, got) = (self.centroids.ncols(), points.ncols());
        let columns = || ClusteringError::Columns { expected, got };
        let points = points.as_standard_layout();
        let rows = Rows::new(points.view()).filter(|_| expected == got).ok_or_else(columns)?;
        let found: Vec<Option<(usize, f64)>> =
            rows.values.par_chunks(expected).map(|point| self.likeliest(point)).collect();
        let bad = |row| move || bad_row(rows, row);
        found.into_iter().enumerate().map(|(row, found)| found.ok_or_else(bad(row))).collect()
    }

    /// `None` where a density is no number.
    fn likeliest(&self, point: &[f32]) -> Option<(usize, f64)> {
        let densities: Vec<f64> =
            self.components.iter().map(|component| component.log_density(point)).collect();
        let (mut best, mut second) = (0, f64::NEG_INFINITY);
        for (index, &density) in densities.iter().enumerate().skip(1) {
            if density > densities[best] {
                (best, second) = (index, densities[best]);
            } else {
                second = second.max(density);
            }
        }
        let top = densities[best];
        let total: f64 = densities.iter().map(|density| (density - top).exp()).sum();
        top.is_finite().then(|| (best, (1.0 - (second - top).exp()) / total))
    }
}

impl Component {
    /// `None` where a value is not finite or the covariance not positive definite.
    fn new(weight: f64, mean: ArrayView1<f64>, covariance: ArrayView2<f64>) -> Option<Self> {
        let whitening = invert_lower(&cholesky(covariance)?);
        let finite = whitening.iter().flatten().chain(&mean).all(|value| value.is_finite());
        (finite && weight > 0.0 && weight.is_finite()).then(|| Self {
            weight,
            mean: mean.to_vec(),
            whitening,
        })
    }

    /// ln(weight × density) of a point, up to a constant that all components share.
    fn log_density(&self, point: &[f32]) -> f64 {
        let difference: Vec<f64> =
            point.iter().zip(&self.mean).map(|(x, mean)| f64::from(*x) - mean).collect();
        let mut log = self.weight.ln();
        for (index, row) in self.whitening.iter().enumerate() {
            let z: f64 = row.iter().zip(&difference).map(|(a, b)| a * b).sum();
            log += row[index].ln() - z * z / 2.0;
        }
        log
    }
}

/// The lower triangle `L` with `L Lᵀ` the matrix; `None` if there is none.
fn cholesky(matrix: ArrayView2<f64>) -> Option<Vec<Vec<f64>>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(matrix.nrows());
    for i in 0..matrix.nrows() {
        let mut row: Vec<f64> = Vec::with_capacity(i + 1);
        for j in 0..i {
            let known: f64 = row.iter().zip(&lower[j]).take(j).map(|(a, b)| a * b).sum();
            row.push((matrix[[i, j]] - known) / lower[j][j]);
        }
        let rest = matrix[[i, i]] - row.iter().map(|value| value * value).sum::<f64>();
        // Not a number is no root either.
        row.push(Some(rest.sqrt()).filter(|root| *root > 0.0)?);
        lower.push(row);
    }
    Some(lower)
}

/// The inverse of a lower triangle, a lower triangle too.
fn invert_lower(lower: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut inverse: Vec<Vec<f64>> = Vec::with_capacity(lower.len());
    for (i, row) in lower.iter().enumerate() {
        let mut next: Vec<f64> =
            (0..i).map(|j| -(j..i).map(|m| row[m] * inverse[m][j]).sum::<f64>() / row[i]).collect();
        next.push(1.0 / row[i]);
        inverse.push(next);
    }
    inverse
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_triangle_and_its_inverse() {
        let covariance = array![[4.0, 2.0, 0.6], [2.0, 5.0, 1.5], [0.6, 1.5, 2.0]];
        let lower = cholesky(covariance.view()).unwrap();
        let inverse = invert_lower(&lower);
        for (i, row) in lower.iter().enumerate() {
            let product = |j: usize| (j..=i).map(|m| row[m] * inverse[m][j]).sum::<f64>();
            assert!((0..i).all(|j| product(j).abs() < 1e-15) && (product(i) - 1.0).abs() < 1e-15);
        }
        assert_eq!(cholesky(array![[1.0, 2.0], [2.0, 1.0]].view()), None);
    }

    #[test]
    fn posterior_probabilities_of_two_normal_distributions() {
        let unit = array![[1.0]];
        let component =
            |weight, mean: f64| Component::new(weight, array![mean].view(), unit.view()).unwrap();
        let mixture = FittedMixture {
            centroids: array![[0.0], [2.0]],
            sizes: vec![0, 0],
            components: vec![component(0.25, 0.0), component(0.75, 2.0)],
        };
        let found = mixture.assign(array![[1.0f32], [0.0]].view()).unwrap();
        // Half way the weights decide; at 0 the second has 3 e⁻² against 1.
        assert_eq!(found[0].0, 1);
        assert!((found[0].1 - 0.5).abs() < 1e-12);
        let second = 3.0 * (-2.0f64).exp();
        assert_eq!(found[1].0, 0);
        assert!((found[1].1 - (1.0 - second) / (1.0 + second)).abs() < 1e-12);
    }
}
