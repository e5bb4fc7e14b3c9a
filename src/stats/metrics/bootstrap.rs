use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A two-sided percentile interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// 95 % percentile interval of `statistic` over `n_resamples` resamples, with
/// replacement, of the rows `0..n_rows`. Resamples for which the statistic is
/// undefined are left out; `None` when fewer than half of them are defined.
///
/// Source: Efron & Tibshirani (1993), "An Introduction to the Bootstrap", §13.3.
pub fn bootstrap_interval(
    n_rows: usize,
    n_resamples: usize,
    seed: u64,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    if n_rows == 0 || n_resamples == 0 {
        return None;
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rows = vec![0usize; n_rows];
    let mut values = Vec::with_capacity(n_resamples);
    for _ in 0..n_resamples {
        rows.iter_mut().for_each(|row| *row = rng.gen_range(0..n_rows));
        values.extend(statistic(&rows));
    }
    if values.len() * 2 < n_resamples {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Some(Interval { low: at(0.025), high: at(0.975) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_of_a_mean_is_near_its_standard_error() {
        let values: Vec<f64> = (0..400).map(|row| f64::from(row % 2)).collect();
        let mean = |rows: &[usize]| {
            Some(rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64)
        };
        let interval = bootstrap_interval(values.len(), 2_000, 7, mean).unwrap();
        let half_width = 1.96 * 0.5 / 20.0;
        assert!((interval.high - 0.5 - half_width).abs() < 0.01);
        assert!((0.5 - interval.low - half_width).abs() < 0.01);
    }

    #[test]
    fn undefined_statistics_give_no_interval() {
        assert_eq!(bootstrap_interval(10, 100, 7, |_| None), None);
    }
}
