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

/// The quantile at one half, in time proportional to the values; 0 of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let (_, &mut below, rest) = values.select_nth_unstable_by(last / 2, f64::total_cmp);
    let above = match last % 2 {
        0 => below,
        _ => rest.iter().copied().fold(f64::INFINITY, f64::min),
    };
    below + (above - below) * 0.5
}

/// The values in ascending order.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn type_7_interpolates() {
        let values = sorted(vec![40.0, 10.0, 20.0, 30.0]);
        // R: quantile(c(10, 20, 30, 40), c(.2, .5, 1))
        for (share, expected) in [(0.2, 16.0), (0.5, 25.0), (1.0, 40.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12);
        }
        assert_eq!((quantile(&[], 0.5), median(vec![])), (0.0, 0.0));
        assert_eq!(quantile(&[7.0], 0.8), 7.0);
    }

    #[test]
    fn quantiles_rise_from_the_least_to_the_largest_and_the_median_is_one_of_them() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        for n in 1..80 {
            let values: Vec<f64> = (0..n).map(|_| f64::from(rng.gen_range(-20..20))).collect();
            let ascending = sorted(values.clone());
            let quantiles: Vec<f64> =
                (0..=50).map(|step| quantile(&ascending, f64::from(step) / 50.0)).collect();
            assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12));
            assert_eq!((quantiles[0], quantiles[50]), (ascending[0], ascending[n - 1]));
            assert_eq!(median(values), quantile(&ascending, 0.5));
        }
    }
}
