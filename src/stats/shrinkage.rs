//! Empirical Bayes: what is known of one is drawn towards what is usual, the more
//! the less is known; how much, the data says.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// Counts of a row beyond which it says no more of the prior.
const MAX_TOTAL: f64 = 1_000.0;

const MAX_ITERATIONS: usize = 1_000;

/// Relative change of the concentration at which the fit ends.
const TOLERANCE: f64 = 1e-6;

/// Concentration beyond which rows do not differ by more than chance.
const MAX_CONCENTRATION: f64 = 1e5;

/// How compositions differ from row to row: a Dirichlet distribution, of two parts a
/// beta distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirichletPrior {
    /// One for each part: so many counts of it are what the prior is worth.
    pub concentrations: Vec<f64>,
}

impl DirichletPrior {
    /// The likeliest prior of counts, shape (rows, parts), none of them negative; they
    /// are rounded. `None` where fewer than two parts occur, or no row has two counts.
    ///
    /// Source: Minka (2000), "Estimating a Dirichlet distribution", eq. 65 (the fixed
    /// point for the Dirichlet-multinomial), with the sums of digamma functions of whole
    /// numbers written as sums of 1 / (α + j) over tallies, as in Sklar (2014), "Fast MLE
    /// computation for the Dirichlet multinomial", arXiv:1405.0099.
    pub fn fit(counts: ArrayView2<f64>) -> Option<Self> {
        let tallies = Tallies::of(counts);
        let n_parts = tallies.of_parts.iter().filter(|tally| !tally.is_empty()).count();
        if n_parts < 2 || tallies.of_totals.len() < 2 {
            return None;
        }
        let n_counts = tallies.of_totals.iter().sum::<f64>();
        // A part that nobody has counts as half of one.
        let mut concentrations: Vec<f64> =
            tallies.of_parts.iter().map(|it| it.iter().sum::<f64>().max(0.5) / n_counts).collect();
        for _ in 0..MAX_ITERATIONS {
            let before: f64 = concentrations.iter().sum();
            let denominator = harmonic(&tallies.of_totals, before);
            for (concentration, tally) in concentrations.iter_mut().zip(&tallies.of_parts) {
                if !tally.is_empty() {
                    *concentration *= harmonic(tally, *concentration) / denominator;
                }
            }
            let after: f64 = concentrations.iter().sum();
            if (after - before).abs() <= TOLERANCE * before || after > MAX_CONCENTRATION {
                break;
            }
        }
        Some(Self { concentrations })
    }

    /// Sum of the concentrations: a row of so many counts is drawn half of the way
    /// to the mean of all.
    pub fn strength(&self) -> f64 {
        self.concentrations.iter().sum()
    }

    /// The mean of all rows' shares.
    pub fn means(&self) -> impl Iterator<Item = f64> {
        let strength = self.strength();
        self.concentrations.iter().map(move |it| it / strength)
    }

    /// Expected shares of a row of counts, given the prior; they add up to 1.
    pub fn shares(&self, counts: ArrayView1<f64>) -> impl Iterator<Item = f64> {
        let total = counts.sum() + self.strength();
        let parts = self.concentrations.iter().zip(counts);
        parts.map(move |(prior, count)| (count + prior) / total)
    }
}

/// Rows with more than j counts, for each j from 0.
struct Tallies {
    of_parts: Vec<Vec<f64>>,
    of_totals: Vec<f64>,
}

impl Tallies {
    fn of(counts: ArrayView2<f64>) -> Self {
        let mut tallies =
            Self { of_parts: vec![Vec::new(); counts.ncols()], of_totals: Vec::new() };
        for row in counts.rows() {
            let scale = (MAX_TOTAL / row.sum().max(1.0)).min(1.0);
            let mut total = 0;
            for (tally, count) in tallies.of_parts.iter_mut().zip(row) {
                let count = (count * scale).round() as usize;
                raise(tally, count);
                total += count;
            }
            raise(&mut tallies.of_totals, total);
        }
        tallies
    }
}

fn raise(tally: &mut Vec<f64>, count: usize) {
    if tally.len() < count {
        tally.resize(count, 0.0);
    }
    tally[..count].iter_mut().for_each(|n| *n += 1.0);
}

fn harmonic(tally: &[f64], concentration: f64) -> f64 {
    tally.iter().enumerate().map(|(j, n)| n / (concentration + j as f64)).sum()
}

/// How means differ from row to row: a normal distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalPrior {
    /// Mean of all rows.
    pub mean: f64,
    /// Variance of one observation around the mean of its row, by the variance of the
    /// rows' means: so many observations are what the prior is worth.
    pub strength: f64,
}

impl NormalPrior {
    /// The prior of rows, each a mean and a number of observations, where one observation
    /// has the variance `within`. `None` where the means do not differ by more than chance.
    ///
    /// Source: Morris (1983), "Parametric empirical Bayes inference", JASA 78, §1, by
    /// moments.
    pub fn fit(rows: &[(f64, f64)], within: f64) -> Option<Self> {
        let n = rows.len() as f64;
        if n < 2.0 {
            return None;
        }
        let mean = rows.iter().map(|(mean, _)| mean).sum::<f64>() / n;
        let of_means = rows.iter().map(|(it, _)| (it - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let by_chance = rows.iter().map(|(_, n)| within / n).sum::<f64>() / n;
        let between = of_means - by_chance;
        (between > 1e-12).then(|| Self { mean, strength: within / between })
    }

    /// Expected mean of a row with `n` observations of this mean.
    pub fn expected(&self, mean: f64, n: f64) -> f64 {
        if n + self.strength <= 0.0 {
            return self.mean;
        }
        (mean * n + self.mean * self.strength) / (n + self.strength)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use rand::{Rng, SeedableRng};
    use rand_distr::{Distribution, Gamma, StandardNormal};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Rows of counts whose shares come from a Dirichlet distribution.
    fn drawn(prior: &[f64], n_rows: usize, total: usize) -> Array2<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut counts = Array2::zeros((n_rows, prior.len()));
        for mut row in counts.rows_mut() {
            let weights: Vec<f64> =
                prior.iter().map(|&a| Gamma::new(a, 1.0).unwrap().sample(&mut rng)).collect();
            for _ in 0..total {
                let mut left = rng.gen_range(0.0..weights.iter().sum());
                let part = weights.iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                row[part.unwrap_or(0)] += 1.0;
            }
        }
        counts
    }

    #[test]
    fn a_planted_prior_is_found_whatever_its_strength() {
        for prior in [[0.5, 1.0, 2.5], [8.0, 4.0, 28.0]] {
            let found = DirichletPrior::fit(drawn(&prior, 4_000, 12).view()).unwrap();
            for (found, planted) in found.concentrations.iter().zip(prior) {
                assert!((found / planted - 1.0).abs() < 0.1, "{found} of {planted}");
            }
        }
    }

    #[test]
    fn rows_that_differ_by_chance_alone_are_all_drawn_to_the_mean() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let counts = Array2::from_shape_fn((3_000, 1), |_| {
            (0..20).filter(|_| rng.gen_bool(0.3)).count() as f64
        });
        let counts = Array2::from_shape_fn((3_000, 2), |(row, part)| match part {
            0 => counts[[row, 0]],
            _ => 20.0 - counts[[row, 0]],
        });
        let prior = DirichletPrior::fit(counts.view()).unwrap();
        assert!(prior.strength() > 100.0, "{}", prior.strength());
        let shares: Vec<f64> = prior.shares(array![20.0, 0.0].view()).collect();
        assert!((shares[0] - 0.3).abs() < 0.12 && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_user_with_a_million_events_takes_no_longer_and_no_part_need_occur() {
        let counts = array![[1e6, 0.0, 3.0], [2.0, 0.0, 1.0], [0.0, 0.0, 5.0]];
        let prior = DirichletPrior::fit(counts.view()).unwrap();
        assert!(prior.concentrations.iter().all(|it| it.is_finite() && *it > 0.0));
        assert_eq!(DirichletPrior::fit(array![[3.0, 0.0], [9.0, 0.0]].view()), None);
        assert_eq!(DirichletPrior::fit(array![[1.0, 0.0], [0.0, 1.0]].view()), None);
    }

    #[test]
    fn means_of_few_are_drawn_further() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let rows: Vec<(f64, f64)> = (0..5_000)
            .map(|row| {
                let n = f64::from(1 + row % 9);
                (5.0 + 2.0 * normal() + 3.0 * normal() / n.sqrt(), n)
            })
            .collect();
        let prior = NormalPrior::fit(&rows, 9.0).unwrap();
        assert!((prior.mean - 5.0).abs() < 0.1, "{}", prior.mean);
        assert!((prior.strength - 2.25).abs() < 0.2, "{}", prior.strength);
        assert!((prior.expected(9.0, 0.0) - prior.mean).abs() < 1e-12);
        assert!(prior.expected(9.0, 2.0) < prior.expected(9.0, 50.0));
        assert_eq!(NormalPrior::fit(&[(1.0, 2.0), (1.0, 1.0)], 1.0), None);
    }
}
