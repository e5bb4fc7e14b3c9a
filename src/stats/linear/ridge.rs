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
}
