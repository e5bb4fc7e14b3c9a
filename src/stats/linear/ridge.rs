use linfa_linalg::cholesky::SolveCInplace;
use ndarray::{Array1, Array2, ArrayView2};

use super::LinearError;
use crate::stats::metrics::centred;

/// Weights of the columns of `points`, shape (rows, columns), whose sum comes
/// nearest to each target, shape (rows, targets); the result has the shape
/// (targets, columns). `penalty_rows` says how many rows without any relation
/// the penalty on the weights is worth, for columns of standard deviation one.
///
/// Source: Hoerl & Kennard (1970), "Ridge regression", equation 2.1.
///
/// # Errors
/// When columns repeat each other and there is no penalty.
pub fn ridge_weights(
    points: ArrayView2<f64>,
    targets: ArrayView2<f64>,
    penalty_rows: f64,
) -> Result<Array2<f64>, LinearError> {
    let (points, targets) = (centred(points), centred(targets));
    let mut gram = points.t().dot(&points);
    gram += &Array2::from_diag(&Array1::from_elem(gram.nrows(), penalty_rows));
    let moments = points.t().dot(&targets);
    Ok(gram.solvec_into(moments)?.reversed_axes())
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn weights_are_found_and_a_penalty_of_as_many_rows_halves_them() {
        // Columns of mean 0 and standard deviation 1 that are at right angles.
        let points = ndarray::array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
        let targets = points.map_axis(Axis(1), |row| 5.0 + 2.0 * row[0] - 3.0 * row[1]);
        let targets = targets.insert_axis(Axis(1));
        let free = ridge_weights(points.view(), targets.view(), 0.0).unwrap();
        let bound = ridge_weights(points.view(), targets.view(), 4.0).unwrap();
        for (column, expected) in [2.0, -3.0].into_iter().enumerate() {
            assert!((free[[0, column]] - expected).abs() < 1e-12);
            assert!((bound[[0, column]] - expected / 2.0).abs() < 1e-12);
        }
    }

    /// The normal equations hold: what is left over is at right angles to each column,
    /// but for the penalty.
    #[test]
    fn weights_solve_the_normal_equations() {
        for seed in 0..20 {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let (n_rows, width) = (rng.gen_range(20..200), rng.gen_range(1..8));
            let points = Array2::from_shape_fn((n_rows, width), |_| rng.gen_range(-2.0..5.0));
            let targets = Array2::from_shape_fn((n_rows, 2), |_| rng.gen_range(-1.0..9.0));
            let penalty = rng.gen_range(0.1..100.0);
            let weights =
                ridge_weights(points.view(), targets.view(), penalty).unwrap().reversed_axes();
            let (points, targets) = (centred(points.view()), centred(targets.view()));
            let rest = &targets - &points.dot(&weights);
            let gap = points.t().dot(&rest) - penalty * &weights;
            assert!(gap.iter().all(|it| it.abs() < 1e-8), "{seed}: {gap}");
        }
    }
}
