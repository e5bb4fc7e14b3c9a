use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::stats::metrics::{quantile, sorted};

/// A two-sided percentile interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What `measure` returns for each of `n_resamples` resamples, with replacement, of
/// the rows `0..n_rows`; it gets the number of copies of each row. A resample depends
/// on the seed and its own number alone, so the result is the same for any number of
/// threads.
///
/// Source: Efron & Tibshirani (1993), "An Introduction to the Bootstrap", §6.2.
pub fn bootstrap<T: Send>(
    n_rows: usize,
    n_resamples: usize,
    seed: u64,
    measure: impl Fn(&[u32]) -> T + Sync + Send,
) -> Vec<T> {
    (0..n_resamples as u64)
        .into_par_iter()
        .map(|number| {
            let seed = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            measure(&copies_of_rows(n_rows, seed))
        })
        .collect()
}

fn copies_of_rows(n_rows: usize, seed: u64) -> Vec<u32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut copies = vec![0; n_rows];
    (0..n_rows).for_each(|_| copies[rng.gen_range(0..n_rows)] += 1);
    copies
}

/// 95 % percentile interval of a statistic from its values on resamples. Resamples
/// for which it is undefined are ignored; `None` when fewer than half are defined.
///
/// Source: Efron & Tibshirani (1993), "An Introduction to the Bootstrap", §13.3.
pub fn percentile_interval(
    estimates: impl ExactSizeIterator<Item = Option<f64>>,
) -> Option<Interval> {
    let n_resamples = estimates.len();
    let values = sorted(estimates.flatten().collect());
    let is_defined = !values.is_empty() && values.len() * 2 >= n_resamples;
    is_defined.then(|| Interval { low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::metrics::mean;

    fn interval_of_mean(values: &[f64], n_resamples: usize, seed: u64) -> Interval {
        let means = bootstrap(values.len(), n_resamples, seed, |copies| mean(values, Some(copies)));
        percentile_interval(means.into_iter()).unwrap()
    }

    #[test]
    fn interval_of_a_mean_is_near_its_standard_error() {
        let values: Vec<f64> = (0..400).map(|row| f64::from(row % 2)).collect();
        let interval = interval_of_mean(&values, 2_000, 7);
        let half_width = 1.96 * 0.5 / 20.0;
        assert!((interval.high - 0.5 - half_width).abs() < 0.01);
        assert!((0.5 - interval.low - half_width).abs() < 0.01);
    }

    /// Of 300 samples of a normal distribution, 95 % of the intervals of the mean
    /// should hold the true one; four standard errors of that share are 5 %.
    #[test]
    fn intervals_cover_the_true_mean_as_often_as_they_say() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let n_covering = (0..300)
            .filter(|&sample| {
                let values: Vec<f64> = (0..80)
                    .map(|_| rng.sample::<f64, _>(rand_distr::StandardNormal) + 3.0)
                    .collect();
                let interval = interval_of_mean(&values, 300, sample);
                interval.low <= 3.0 && 3.0 <= interval.high
            })
            .count();
        assert!((270..=298).contains(&n_covering), "{n_covering} of 300");
    }

    #[test]
    fn resamples_have_as_many_rows_and_repeat_for_any_number_of_threads() {
        let with = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| bootstrap(57, 40, 3, <[u32]>::to_vec))
        };
        let resamples = with(1);
        assert_eq!(resamples, with(3));
        assert!(resamples.iter().all(|copies| copies.iter().sum::<u32>() == 57));
        assert!(resamples.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn mostly_undefined_statistics_give_no_interval() {
        let estimates = |n_defined: usize| {
            percentile_interval((0..10).map(move |n| (n < n_defined).then_some(n as f64)))
        };
        assert_eq!(estimates(4), None);
        assert!(estimates(5).is_some());
        assert_eq!(percentile_interval(std::iter::empty()), None);
    }
}
