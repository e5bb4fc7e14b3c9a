//! What an order of a customer is worth, by the model that the data bears.

use serde::{Deserialize, Serialize};

use crate::stats::metrics::{rank_correlation, ranks};
use crate::stats::orders::{FittedSpend, GammaGamma, Spend};
use crate::stats::shrinkage::NormalPrior;

/// Rank correlation of how often and for how much customers order from which on
/// Gamma-Gamma, which takes them to be independent, is fitted to those of like frequency.
const DEPENDENT: f64 = 0.3;

/// Customers for whom Gamma-Gamma is fitted at least.
const MIN_CUSTOMERS: usize = 100;

/// How the value of a day with an order is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpendModel {
    /// By Gamma-Gamma, of all customers or of those who order about as often.
    GammaGamma {
        /// Ascending.
        groups: Vec<SpendGroup>,
        /// Spearman's, of days with an order and their mean value.
        correlation: f64,
    },
    /// By the customer's mean, drawn towards that of all by how little is known.
    Mean {
        /// Mean of all, and how many days its knowledge is worth.
        prior: NormalPrior,
        /// Variance of one customer's days by the square of their mean.
        within: f64,
        /// Why Gamma-Gamma does not serve.
        why: WhyMean,
    },
    /// The data has no amounts.
    NoAmounts,
}

impl SpendModel {
    /// Whether the likelihood of Gamma-Gamma is so flat that some parameter is known by its
    /// order at most.
    pub fn is_flat(&self) -> bool {
        let Self::GammaGamma { groups, .. } = self else { return false };
        groups.iter().any(|group| {
            let GammaGamma { p, q, v } = group.fitted.model;
            let errors = group.fitted.standard_errors;
            errors.is_none_or(|errors| errors.iter().zip([p, q, v]).any(|(it, value)| *it > value))
        })
    }
}

/// Customers who order about as often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendGroup {
    /// Days with an order at most; the last group has no bound.
    pub n_days_up_to: Option<u32>,
    /// The model.
    pub fitted: FittedSpend,
}

/// Why Gamma-Gamma does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyMean {
    /// Too few customers.
    FewCustomers,
    /// All days are worth the same.
    EqualValues,
    /// Its likelihood has no maximum.
    NoMaximum,
    /// Its q is 1 or less: by it the mean of all is infinite.
    InfiniteMean,
}

/// What is expected of a day with an order of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExpectedSpend {
    /// Its value.
    pub mean: f64,
    /// Square of the customer's true mean.
    pub mean_square: f64,
    /// Variance of one day by the square of the true mean.
    pub within: f64,
}

impl SpendModel {
    /// Fits customers who paid, in any order.
    pub fn fit(customers: &[Spend]) -> Self {
        if customers.is_empty() {
            return Self::NoAmounts;
        }
        let because = |why| Self::mean_of(customers, why);
        let first = customers[0].mean;
        if customers.iter().all(|it| (it.mean / first - 1.0).abs() < 1e-9) {
            return because(WhyMean::EqualValues);
        }
        if customers.len() < MIN_CUSTOMERS {
            return because(WhyMean::FewCustomers);
        }
        let of = |value: fn(&Spend) -> f64| ranks(&customers.iter().map(value).collect::<Vec<_>>());
        let (days, means) = (of(|it| f64::from(it.n_days)), of(|it| it.mean));
        let correlation = rank_correlation(&days, &means).unwrap_or(0.0);
        let bounds = match correlation.abs() > DEPENDENT {
            true => terciles(customers),
            false => Vec::new(),
        };
        let mut groups = Vec::new();
        let mut above = 0;
        for up_to in bounds.into_iter().map(Some).chain([None]) {
            let is_in =
                |it: &&Spend| it.n_days > above && up_to.is_none_or(|up_to| it.n_days <= up_to);
            let members: Vec<Spend> = customers.iter().filter(is_in).copied().collect();
            match GammaGamma::fit(&members) {
                Err(_) => return because(WhyMean::NoMaximum),
                Ok(fitted) if fitted.model.q <= 1.0 => return because(WhyMean::InfiniteMean),
                Ok(fitted) => groups.push(SpendGroup { n_days_up_to: up_to, fitted }),
            }
            above = up_to.unwrap_or(above);
        }
        Self::GammaGamma { groups, correlation }
    }

    fn mean_of(customers: &[Spend], why: WhyMean) -> Self {
        let mut rows: Vec<(f64, f64)> =
            customers.iter().map(|it| (it.mean, f64::from(it.n_days))).collect();
        // In an order that depends on the customers alone.
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let n: f64 = rows.iter().map(|(_, n)| n).sum();
        let mean = rows.iter().map(|(mean, n)| mean * n).sum::<f64>() / n;
        // Days of one customer are not known apart: half of the spread of single days is
        // taken to be theirs.
        let spread = rows.iter().map(|(it, n)| n * (it - mean).powi(2)).sum::<f64>() / n;
        let within = spread / 2.0;
        let no_prior = NormalPrior { mean, strength: 1.0 };
        let prior = NormalPrior::fit(&rows, within).unwrap_or(no_prior);
        Self::Mean { prior, within: within / (mean * mean), why }
    }

    /// What is expected of a day with an order; `None` without amounts.
    pub(super) fn expected(&self, spend: Option<Spend>) -> Option<ExpectedSpend> {
        match self {
            Self::NoAmounts => None,
            Self::Mean { prior, within, .. } => {
                let (mean, n) =
                    spend.map_or((prior.mean, 0.0), |it| (it.mean, f64::from(it.n_days)));
                let mean = prior.expected(mean, n);
                let unsure = within / (n + prior.strength).max(1.0);
                Some(ExpectedSpend {
                    mean,
                    mean_square: mean * mean * (1.0 + unsure),
                    within: *within,
                })
            }
            Self::GammaGamma { groups, .. } => {
                let n_days = spend.map_or(0, |it| it.n_days);
                let is_of = |it: &&SpendGroup| it.n_days_up_to.is_none_or(|up_to| n_days <= up_to);
                let model = &groups.iter().find(is_of)?.fitted.model;
                let mean = model.expected_value(spend);
                Some(ExpectedSpend {
                    mean,
                    mean_square: model.expected_square(spend),
                    within: 1.0 / model.p,
                })
            }
        }
    }
}

/// Bounds of thirds of the customers by days with an order; equal ones stay together.
fn terciles(customers: &[Spend]) -> Vec<u32> {
    let mut days: Vec<u32> = customers.iter().map(|it| it.n_days).collect();
    days.sort_unstable();
    let mut bounds = vec![days[days.len() / 3], days[days.len() * 2 / 3]];
    bounds.dedup();
    bounds.retain(|&bound| bound < days[days.len() - 1]);
    bounds
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_distr::{Distribution, Gamma};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn drawn(n: usize, factor: impl Fn(u32) -> f64) -> Vec<Spend> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        (0..n)
            .map(|_| {
                let n_days = rng.gen_range(1..9);
                let rate = Gamma::new(4.0, 1.0 / 15.0).unwrap().sample(&mut rng);
                let days = Gamma::new(6.0 * f64::from(n_days), 1.0 / rate).unwrap();
                let mean = factor(n_days) * days.sample(&mut rng) / f64::from(n_days);
                Spend { n_days, mean }
            })
            .collect()
    }

    #[test]
    fn who_orders_more_often_for_more_is_apart_from_the_others() {
        let SpendModel::GammaGamma { groups, correlation } =
            SpendModel::fit(&drawn(4_000, |_| 1.0))
        else {
            panic!()
        };
        assert!(groups.len() == 1 && correlation.abs() < 0.1);
        assert!((groups[0].fitted.model.q - 4.0).abs() < 0.4, "{groups:?}");
        let dependent = SpendModel::fit(&drawn(4_000, f64::from));
        let SpendModel::GammaGamma { groups, correlation } = &dependent else { panic!() };
        assert!(groups.len() == 3 && *correlation > 0.5, "{correlation}");
        let mean = |place: usize| groups[place].fitted.model.mean();
        assert!(mean(0) < mean(1) && mean(1) < mean(2), "{groups:?}");
    }

    #[test]
    fn where_gamma_gamma_does_not_serve_the_mean_does() {
        let equal = vec![Spend { n_days: 2, mean: 9.9 }; 500];
        let model = SpendModel::fit(&equal);
        assert!(matches!(model, SpendModel::Mean { why: WhyMean::EqualValues, .. }), "{model:?}");
        let expected = model.expected(None).unwrap();
        assert!((expected.mean - 9.9).abs() < 1e-9 && expected.within < 1e-9);
        let few = SpendModel::fit(&drawn(20, |_| 1.0));
        assert!(matches!(few, SpendModel::Mean { why: WhyMean::FewCustomers, .. }));
        let mut heavy = drawn(3_000, |_| 1.0);
        for (row, spend) in heavy.iter_mut().enumerate() {
            *spend =
                Spend { n_days: 1 + row as u32 % 3, mean: 1e3 / (1.0 + row as f64 / 2.0).powi(2) };
        }
        let model = SpendModel::fit(&heavy);
        assert!(matches!(model, SpendModel::Mean { why: WhyMean::InfiniteMean, .. }), "{model:?}");
        assert_eq!(SpendModel::fit(&[]), SpendModel::NoAmounts);
        assert_eq!(SpendModel::NoAmounts.expected(None), None);
    }
}
