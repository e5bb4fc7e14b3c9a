use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array2, ArrayView2};

use super::LinearError;
use crate::stats::metrics::centred;

/// The `n_components` directions in which `points`, shape (rows, columns), differ
/// most, shape (components, columns), and the variance along each. Fewer where
/// the points have fewer directions.
///
/// Source: Jolliffe (2002), "Principal Component Analysis", §2.1.
///
/// # Errors
/// When the eigenvectors of the covariance cannot be found.
pub fn principal_components(
    points: ArrayView2<f64>,
    n_components: usize,
) -> Result<(Array2<f64>, Vec<f64>), LinearError> {
    let n_rows = points.nrows().max(1) as f64;
    let centred = centred(points);
    let covariance = centred.t().dot(&centred) / n_rows;
    let (variances, vectors) = covariance.eigh()?.sort_eig_desc();
    let least = variances.iter().copied().fold(0.0, f64::max) * 1e-9;
    let n_found = variances.iter().take(n_components).take_while(|&&v| v > least).count();
    let mut components = vectors.t().slice_move(ndarray::s![..n_found, ..]).to_owned();
    for mut component in components.rows_mut() {
        // Either sign is as good: the largest loading is positive.
        let largest = component.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        if largest.is_some_and(|loading| loading < 0.0) {
            component.mapv_inplace(|loading| -loading);
        }
    }
    Ok((components, variances.iter().take(n_found).copied().collect()))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn a_line_has_one_direction() {
        let points = Array2::from_shape_fn((50, 2), |(row, column)| {
            if column == 0 { row as f64 } else { -2.0 * row as f64 }
        });
        let (components, variances) = principal_components(points.view(), 2).unwrap();
        assert_eq!(components.nrows(), 1);
        let expected = [-1.0 / 5f64.sqrt(), 2.0 / 5f64.sqrt()];
        assert!(components.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        // Five times the variance of 0, 1, …, 49.
        assert!((variances[0] - 5.0 * (2_500.0 - 1.0) / 12.0).abs() < 1e-6);
    }

    #[test]
    fn components_are_orthonormal_and_their_variances_descend() {
        for seed in 0..20 {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let (n_rows, width) = (rng.gen_range(2..200), rng.gen_range(1..8));
            let points = Array2::from_shape_fn((n_rows, width), |(_, column)| {
                rng.gen_range(-1.0..1.0) * (column + 1) as f64 + 7.0
            });
            let (components, variances) = principal_components(points.view(), width).unwrap();
            let products = components.dot(&components.t()) - Array2::<f64>::eye(variances.len());
            assert!(products.iter().all(|it| it.abs() < 1e-9), "{seed}: {products}");
            assert!(variances.is_sorted_by(|a, b| a >= b), "{seed}: {variances:?}");
            let along = centred(points.view()).dot(&components.t());
            for (values, variance) in along.columns().into_iter().zip(&variances) {
                let found = values.dot(&values) / n_rows as f64;
                assert!((found - variance).abs() < 1e-9 * (1.0 + variance), "{seed}");
            }
        }
    }
}
