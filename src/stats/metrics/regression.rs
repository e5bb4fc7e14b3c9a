/// Mean of the values, each counting as often as `copies` says (once where absent).
/// `None` when none counts.
///
/// # Panics
/// When there are fewer copies than values.
pub fn mean(values: &[f64], copies: Option<&[u32]>) -> Option<f64> {
    let n = |row: usize| copies.map_or(1.0, |copies| f64::from(copies[row]));
    let total: f64 = (0..values.len()).map(n).sum();
    let sum: f64 = values.iter().enumerate().map(|(row, value)| n(row) * value).sum();
    (total > 0.0).then(|| sum / total)
}

/// Standard deviation (of a population); 0 of nothing.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// R²: 1 − squared error of the prediction over that of the mean, each row counting
/// as often as `copies` says (once where absent). `None` when the truth is constant.
///
/// # Panics
/// When slices differ in length.
pub fn r_squared(predicted: &[f64], truth: &[f64], copies: Option<&[u32]>) -> Option<f64> {
    assert_eq!(predicted.len(), truth.len(), "one prediction for each value");
    let n = |row: usize| copies.map_or(1.0, |copies| f64::from(copies[row]));
    let mean = mean(truth, copies)?;
    let squares = |of: &dyn Fn(usize) -> f64| -> f64 {
        truth.iter().enumerate().map(|(row, y)| n(row) * (y - of(row)).powi(2)).sum()
    };
    let (total, error) = (squares(&|_| mean), squares(&|row| predicted[row]));
    (total > 0.0).then(|| 1.0 - error / total)
}

/// Mean Tweedie deviance of power 1.5 of predicted means, above 0, from amounts that are 0 or
/// more: for amounts of which many are 0 and some are large. `None` of nothing.
///
/// Source: Jørgensen (1997), "The Theory of Dispersion Models", §4.2.1: for this power
/// 4 (√μ − √y)² / √μ.
pub fn tweedie_deviance(predicted: &[f64], amounts: &[f64]) -> Option<f64> {
    // What is predicted to be nothing is as little as can be told.
    let least = 1e-6 * predicted.iter().sum::<f64>() / predicted.len() as f64;
    let of_row = |(predicted, amount): (&f64, &f64)| {
        let root = predicted.max(least).sqrt();
        4.0 * (root - amount.sqrt()).powi(2) / root
    };
    let total: f64 = predicted.iter().zip(amounts).map(of_row).sum();
    (!amounts.is_empty() && least > 0.0).then(|| total / amounts.len() as f64)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn the_truth_predicts_all_and_the_mean_nothing() {
        let truth = [1.0, 2.0, 6.0];
        assert_eq!(r_squared(&truth, &truth, None), Some(1.0));
        assert_eq!(r_squared(&[3.0; 3], &truth, None), Some(0.0));
        // scikit-learn's documented example of r2_score.
        let r2 = r_squared(&[2.5, 0.0, 2.0, 8.0], &[3.0, -0.5, 2.0, 7.0], None).unwrap();
        assert!((r2 - 0.948_608_137).abs() < 1e-9);
        assert_eq!(r_squared(&[1.0, 2.0], &[5.0, 5.0], None), None);
        assert_eq!(r_squared(&[], &[], None), None);
    }

    #[test]
    fn copies_are_repeated_rows() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        for _ in 0..50 {
            let n_rows = rng.gen_range(1..40);
            let mut draw = || (0..n_rows).map(|_| rng.gen_range(-9.0..9.0)).collect::<Vec<f64>>();
            let (predicted, truth) = (draw(), draw());
            let copies: Vec<u32> = (0..n_rows).map(|_| rng.gen_range(0..4)).collect();
            let again = |values: &[f64]| -> Vec<f64> {
                let rows = values.iter().zip(&copies);
                rows.flat_map(|(&value, &n)| std::iter::repeat_n(value, n as usize)).collect()
            };
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9 * (1.0 + b.abs()),
                (a, b) => a.is_none() && b.is_none(),
            };
            assert!(close(mean(&truth, Some(&copies)), mean(&again(&truth), None)));
            let of_copies = r_squared(&predicted, &truth, Some(&copies));
            let of_repeated = r_squared(&again(&predicted), &again(&truth), None);
            // Copies of one value differ from their mean by rounding alone.
            if copies.iter().filter(|&&n| n > 0).count() > 1 {
                assert!(close(of_copies, of_repeated), "{of_copies:?} {of_repeated:?}");
            }
        }
    }
}
