/// Quantile by linear interpolation between order statistics, 0 of nothing.
///
/// Source: type 7 of Hyndman & Fan (1996), "Sample Quantiles in Statistical
/// Packages", The American Statistician 50(4).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let position = (sorted.len() - 1) as f64 * share;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

/// The values in ascending order.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_7_interpolates() {
        let values = sorted(vec![40.0, 10.0, 20.0, 30.0]);
        // R: quantile(c(10, 20, 30, 40), c(.2, .5, 1))
        for (share, expected) in [(0.2, 16.0), (0.5, 25.0), (1.0, 40.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12);
        }
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[7.0], 0.8), 7.0);
    }
}
