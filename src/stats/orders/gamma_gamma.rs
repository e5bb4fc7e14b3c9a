//! Gamma-Gamma: what an order of a customer is worth.

use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

use crate::stats::numerics::{Derivatives, Unfitted, maximise, trigamma};

/// A customer's days with an order and their mean value.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Spend {
    /// Days, at least one.
    pub n_days: u32,
    /// Mean value of a day, above 0, in the currency of the data.
    pub mean: f64,
}

/// The value of an order is Gamma(p, ν), and ν ~ Gamma(q, v) differs from customer to
/// customer.
///
/// Source: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value", eq. 1a and 5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaGamma {
    /// Shape of one customer's orders.
    pub p: f64,
    /// Shape of how customers differ.
    pub q: f64,
    /// Scale, in the currency of the data.
    pub v: f64,
}

/// A fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedSpend {
    /// The model.
    pub model: GammaGamma,
    /// Of p, q and v; `None` where the likelihood is flat.
    pub standard_errors: Option<[f64; 3]>,
    /// In nats.
    pub log_likelihood: f64,
    /// Customers.
    pub n_customers: usize,
}

/// Parts in which rows are summed, whatever the number of threads.
const N_PARTS: usize = 64;

impl GammaGamma {
    /// The likeliest model of customers, in any order.
    ///
    /// # Errors
    /// When no maximum is found, as where all values are equal.
    pub fn fit(customers: &[Spend]) -> Result<FittedSpend, Unfitted> {
        let mut rows = customers.to_vec();
        rows.par_sort_unstable_by(|a, b| a.n_days.cmp(&b.n_days).then(a.mean.total_cmp(&b.mean)));
        let means: f64 = rows.iter().map(|it| it.mean).sum::<f64>() / rows.len().max(1) as f64;
        let start = [4f64.ln(), 3f64.ln(), (means / 2.0).ln()];
        let maximum = maximise(&start, |at| {
            let [p, q, v] = [at[0].exp(), at[1].exp(), at[2].exp()];
            Self { p, q, v }.log_likelihood(&rows)
        })?;
        let [p, q, v] = std::array::from_fn(|i| maximum.at[i].exp());
        let standard_errors = maximum
            .covariance
            .map(|of_logs| std::array::from_fn(|i| [p, q, v][i] * of_logs[[i, i]].sqrt()));
        Ok(FittedSpend {
            model: Self { p, q, v },
            standard_errors,
            log_likelihood: maximum.value,
            n_customers: rows.len(),
        })
    }

    /// Log-likelihood of rows in order of the number of days, with its derivatives by
    /// logarithms of p, q and v.
    fn log_likelihood(&self, rows: &[Spend]) -> Derivatives {
        let size = rows.len().div_ceil(N_PARTS).max(1);
        let parts: Vec<Sums> = rows.par_chunks(size).map(|part| self.sum(part)).collect();
        let mut total = Sums::default();
        for part in &parts {
            total.value += part.value;
            for i in 0..3 {
                total.first[i] += part.first[i];
                for j in 0..3 {
                    total.second[i][j] += part.second[i][j];
                }
            }
        }
        let of = [self.p, self.q, self.v];
        let mut hessian = Array2::from_shape_fn((3, 3), |(i, j)| {
            of[i] * of[j] * total.second[i.min(j)][i.max(j)]
        });
        for i in 0..3 {
            hessian[[i, i]] += of[i] * total.first[i];
        }
        let gradient = Array1::from_shape_fn(3, |i| of[i] * total.first[i]);
        Derivatives { value: total.value, gradient, hessian }
    }

    /// Sums over rows; the upper triangle of second derivatives.
    fn sum(&self, rows: &[Spend]) -> Sums {
        let Self { p, q, v } = *self;
        let mut sums = Sums::default();
        for alike in rows.chunk_by(|a, b| a.n_days == b.n_days) {
            let (n, x) = (alike.len() as f64, f64::from(alike[0].n_days));
            let (shape, all) = (p * x, p * x + q);
            let (of_shape, of_all, of_q) = (digamma(shape), digamma(all), digamma(q));
            let [second_shape, second_all, second_q] = [shape, all, q].map(trigamma);
            sums.value += n * (ln_gamma(all) - ln_gamma(shape) - ln_gamma(q) + q * v.ln())
                + n * shape * x.ln();
            sums.first[0] += n * x * (of_all - of_shape + x.ln());
            sums.first[1] += n * (of_all - of_q + v.ln());
            sums.first[2] += n * q / v;
            sums.second[0][0] += n * x * x * (second_all - second_shape);
            sums.second[0][1] += n * x * second_all;
            sums.second[1][1] += n * (second_all - second_q);
            sums.second[1][2] += n / v;
            sums.second[2][2] -= n * q / (v * v);
            for spend in alike {
                let scale = v + spend.mean * x;
                let (ln_mean, ln_scale, by_scale) = (spend.mean.ln(), scale.ln(), 1.0 / scale);
                sums.value += (shape - 1.0) * ln_mean - all * ln_scale;
                sums.first[0] += x * (ln_mean - ln_scale);
                sums.first[1] -= ln_scale;
                sums.first[2] -= all * by_scale;
                sums.second[0][2] -= x * by_scale;
                sums.second[1][2] -= by_scale;
                sums.second[2][2] += all * by_scale * by_scale;
            }
        }
        sums
    }

    /// Mean value of an order of all customers; infinite with q ≤ 1.
    pub fn mean(&self) -> f64 {
        if self.q > 1.0 { self.p * self.v / (self.q - 1.0) } else { f64::INFINITY }
    }

    /// Expected value of an order of a customer; without one the mean of all.
    pub fn expected_value(&self, spend: Option<Spend>) -> f64 {
        let Some(spend) = spend else { return self.mean() };
        let x = f64::from(spend.n_days);
        self.p * (self.v + spend.mean * x) / (self.p * x + self.q - 1.0)
    }

    /// Expected square of a customer's true mean p / ν. It is infinite for few orders with
    /// q ≤ 2, and taken at q = 2.5 there.
    pub fn expected_square(&self, spend: Option<Spend>) -> f64 {
        let x = spend.map_or(0.0, |it| f64::from(it.n_days));
        let scale = self.v + spend.map_or(0.0, |it| it.mean * x);
        let shape = self.p * x + self.q;
        let squared = (self.p * scale / (shape - 1.0)).powi(2);
        squared * (1.0 + 1.0 / (shape - 2.0).max(0.5))
    }
}

#[derive(Default)]
struct Sums {
    value: f64,
    first: [f64; 3],
    second: [[f64; 3]; 3],
}
