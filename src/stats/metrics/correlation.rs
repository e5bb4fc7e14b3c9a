use ndarray::{Array2, ArrayView2, Axis};

/// Points less the mean of each column, shape (rows, columns).
pub fn centred(points: ArrayView2<f64>) -> Array2<f64> {
    &points - &(points.sum_axis(Axis(0)) / points.nrows().max(1) as f64)
}

/// Pearson correlations of the columns of `points`, shape (columns, columns); 0, also
/// with itself, for a column that is constant.
pub fn correlations(points: ArrayView2<f64>) -> Array2<f64> {
    let centred = centred(points);
    let mut products = centred.t().dot(&centred);
    let lengths: Vec<f64> = products.diag().iter().map(|square| square.sqrt()).collect();
    for ((row, column), value) in products.indexed_iter_mut() {
        let scale = lengths[row] * lengths[column];
        *value = if scale > 0.0 { *value / scale } else { 0.0 };
    }
    products
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn a_worked_example_and_a_constant() {
        // R: cor(c(1, 2, 4), c(1, 3, 2)) is 0.3273268.
        let points = ndarray::array![[1.0, 1.0, 5.0], [2.0, 3.0, 5.0], [4.0, 2.0, 5.0]];
        let found = correlations(points.view());
        assert!((found[[0, 1]] - 0.327_326_8).abs() < 1e-7, "{found}");
        assert_eq!((found[[0, 2]], found[[2, 2]]), (0.0, 0.0));
    }

    #[test]
    fn correlations_do_not_depend_on_units_and_lie_within_one() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        for n_rows in [2, 5, 60] {
            let points = Array2::from_shape_fn((n_rows, 4), |_| rng.gen_range(-3.0..3.0));
            let other = points.mapv(|value| 40.0 - 7.0 * value);
            let (a, b) = (correlations(points.view()), correlations(other.view()));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9 && a.abs() < 1.0 + 1e-12));
            assert!(a.diag().iter().all(|one| (one - 1.0).abs() < 1e-12));
        }
    }
}
