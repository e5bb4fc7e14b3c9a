//! Value by learning, in two parts: whether a user will order, and for how much if so.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::fit::Customer;
use super::{FittedValue, ValueError};
use crate::dataset::{FeatureMatrix, Outcomes, Snapshot, UserIds, unit_interval};
use crate::stats::boosting::{
    BoostedTrees, BoostingParams, Loss, Sample, fit_best_trees, fit_trees,
};
use crate::stats::linear::probability;
use crate::stats::orders::OrdersAhead;

/// Rows that trees learn from at most.
const MAX_ROWS: usize = 200_000;

/// Buyers below whom the amount of buyers is not learned.
const MIN_BUYERS: usize = 200;

/// Groups of buyers, by predicted amount, with a factor of their own.
const N_SMEARING_GROUPS: usize = 10;

/// Number of buyers whose knowledge counts as much as the model of orders.
const PRIOR_BUYERS: f64 = 4_000.0;

/// Trees of both parts. They are added to what the model of orders says, so that they learn
/// what it misses and leave to it what changes as customers grow older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedValue {
    /// Features that the trees see, in their order.
    pub names: Vec<String>,
    /// Added to the log odds of an order in the horizon.
    order: BoostedTrees,
    /// Added to ln of the amount in the horizon of those who order.
    amount: BoostedTrees,
    /// From ln of an amount back to the amount.
    smearing: Smearing,
    /// What stands for the model of orders where a user never paid.
    pub prospect: Basis,
    /// Customers in the training rows who ordered in the horizon.
    pub n_buyers: usize,
    /// Days with an order of those who order, on average.
    pub orders_of_buyer: f64,
}

/// What trees are added to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Chance of an order in the horizon.
    pub p_order: f64,
    /// Amount in the horizon of those who order.
    pub amount_of_buyer: f64,
}

/// What the trees add for a user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learned {
    /// To the log odds of an order in the horizon.
    order: f64,
    /// To ln of the mean amount of those who order.
    amount: f64,
}

impl Basis {
    /// What a model of orders says of a customer; `None` without amounts.
    pub(super) fn of(customer: &Customer) -> Option<Self> {
        let OrdersAhead { p_order, orders, .. } = customer.forecast.short;
        let of_buyer = if p_order > 0.0 { orders / p_order } else { 1.0 };
        Some(Self { p_order, amount_of_buyer: of_buyer * customer.spend?.mean })
    }

    fn log_odds(&self) -> f64 {
        let p = self.p_order.clamp(1e-6, 1.0 - 1e-6);
        (p / (1.0 - p)).ln()
    }

    fn ln_amount(&self) -> f64 {
        self.amount_of_buyer.max(1e-6).ln()
    }

    /// With what was learned, which counts by its weight.
    pub(super) fn with(&self, learned: Option<(Learned, f64)>) -> Self {
        let Some((learned, weight)) = learned else { return *self };
        Self {
            p_order: probability(self.log_odds() + weight * learned.order),
            amount_of_buyer: (self.ln_amount() + weight * learned.amount).exp(),
        }
    }

    /// Expected amount.
    pub(super) fn value(&self) -> f64 {
        self.p_order * self.amount_of_buyer
    }
}

/// The mean of exp(residual) of buyers of about the same predicted amount: what exp(prediction)
/// is multiplied by for the mean to hold, whatever the residuals are distributed like.
///
/// Source: Duan (1983), "Smearing estimate: a nonparametric retransformation method", JASA
/// 78, eq. 3.1, in groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smearing {
    /// Predictions at which the next group begins, ascending.
    from: Vec<f64>,
    /// Logarithms of the factors, one more than `from`.
    ln_factors: Vec<f64>,
}

/// Users at some dates, what a model of orders said of them then, and what they did.
pub(super) struct ValueRows {
    pub matrix: FeatureMatrix,
    pub outcomes: Outcomes,
    pub bases: Vec<Option<Basis>>,
}

impl ValueRows {
    /// The users of some snapshots, or a sample of them where there are many; each comes with
    /// the model of its date.
    pub fn of(snapshots: &[(&Snapshot, &FittedValue)], seed: u64) -> Result<Self, ValueError> {
        let n_rows: usize = snapshots.iter().map(|it| it.0.users.len()).sum();
        let share = MAX_ROWS as f64 / n_rows.max(1) as f64;
        let (mut outcomes, mut matrices, mut bases) = (Outcomes::default(), Vec::new(), Vec::new());
        for (number, (snapshot, fitted)) in snapshots.iter().enumerate() {
            let rows = sample(&snapshot.users, share, seed.wrapping_add(number as u64));
            let snapshot = snapshot.select_rows(&rows);
            let forecasts = fitted.forecast_all(&snapshot)?;
            bases.extend(forecasts.iter().map(|it| Basis::of(it.as_ref()?)));
            outcomes.append(snapshot.known_outcomes()?.clone());
            matrices.push(snapshot.features);
        }
        let matrix = FeatureMatrix::pool(&matrices.iter().collect::<Vec<_>>())?;
        Ok(Self { matrix, outcomes, bases })
    }

    fn buyers(&self) -> Vec<usize> {
        (0..self.outcomes.gmv.len()).filter(|&row| self.outcomes.gmv[row] > 0.0).collect()
    }

    /// What stands for the model where a user never paid: the means of such users, or of all.
    fn prospect(&self) -> Basis {
        let of = |is_in: &dyn Fn(usize) -> bool| {
            let rows: Vec<usize> = (0..self.bases.len()).filter(|&row| is_in(row)).collect();
            let buyers: Vec<usize> =
                rows.iter().copied().filter(|&row| self.outcomes.gmv[row] > 0.0).collect();
            let amount: f64 = buyers.iter().map(|&row| self.outcomes.gmv[row]).sum();
            (!buyers.is_empty()).then(|| Basis {
                p_order: buyers.len() as f64 / rows.len() as f64,
                amount_of_buyer: amount / buyers.len() as f64,
            })
        };
        let never_paid = of(&|row| self.bases[row].is_none());
        never_paid.or_else(|| of(&|_| true)).unwrap_or(Basis { p_order: 0.5, amount_of_buyer: 1.0 })
    }

    /// Whether there is enough to learn both parts from.
    pub fn is_enough(&self) -> bool {
        let n = self.outcomes.n_orders.len();
        let n_ordered = self.outcomes.n_orders.iter().filter(|&&n| n > 0.0).count();
        self.buyers().len() >= MIN_BUYERS && n_ordered < n
    }
}

/// The rows of one part: features, what is to be predicted, and what is known before.
struct PartRows {
    features: Array2<f32>,
    target: Vec<f64>,
    offset: Vec<f64>,
}

impl PartRows {
    fn of_orders(rows: &ValueRows, features: &Array2<f32>, prospect: &Basis) -> Self {
        let ordered = |&n: &f64| f64::from(u8::from(n > 0.0));
        let offset = rows.bases.iter().map(|basis| basis.as_ref().unwrap_or(prospect).log_odds());
        Self {
            features: features.clone(),
            target: rows.outcomes.n_orders.iter().map(ordered).collect(),
            offset: offset.collect(),
        }
    }

    fn of_amounts(rows: &ValueRows, features: &Array2<f32>, prospect: &Basis) -> Self {
        let buyers = rows.buyers();
        let basis = |row: &usize| rows.bases[*row].as_ref().unwrap_or(prospect).ln_amount();
        Self {
            features: features.select(Axis(0), &buyers),
            target: buyers.iter().map(|&row| rows.outcomes.gmv[row].ln()).collect(),
            offset: buyers.iter().map(basis).collect(),
        }
    }

    fn sample(&self) -> Sample<'_> {
        let (target, offset) = (&self.target, Some(&self.offset[..]));
        Sample { features: self.features.view(), target, weights: None, offset }
    }
}

fn sample(users: &UserIds, share: f64, seed: u64) -> Vec<usize> {
    let is_taken = |row: &usize| share >= 1.0 || unit_interval(users.hash(*row, seed)) < share;
    (0..users.len()).filter(is_taken).collect()
}

/// How many trees each part is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedRounds {
    /// Of whether users order.
    pub order: usize,
    /// Of for how much.
    pub amount: usize,
}

fn params(loss: Loss, n_rows: usize) -> BoostingParams {
    let min_leaf_rows = (n_rows / 200).clamp(10, 100);
    BoostingParams { loss, min_leaf_rows, max_rounds: 300, ..BoostingParams::default() }
}

impl LearnedValue {
    /// Grows as many trees on `training` as help on `validation`, rows of a later date.
    pub(super) fn validate(
        training: &ValueRows,
        validation: &ValueRows,
        seed: u64,
    ) -> Result<(Self, LearnedRounds), ValueError> {
        let names = training.matrix.varying_names_for_models();
        let (features, later) =
            (training.matrix.select_single(&names)?, validation.matrix.select_single(&names)?);
        let prospect = training.prospect();
        let grow = |loss, rows: &PartRows, later: &PartRows| {
            let params = params(loss, rows.target.len());
            fit_best_trees(&params, rows.sample(), later.sample(), seed)
        };
        let of_orders = PartRows::of_orders(training, &features, &prospect);
        let orders_later = PartRows::of_orders(validation, &later, &prospect);
        let order = grow(Loss::Log, &of_orders, &orders_later)?;
        let of_amounts = PartRows::of_amounts(training, &features, &prospect);
        let amounts_later = PartRows::of_amounts(validation, &later, &prospect);
        let amount = grow(Loss::Squared, &of_amounts, &amounts_later)?;
        let rounds = LearnedRounds { order: order.n_rounds(), amount: amount.n_rounds() };
        Ok((Self::new(names, (order, amount), &of_amounts, prospect, training)?, rounds))
    }

    /// Grows so many trees.
    pub(super) fn fit(
        rows: &ValueRows,
        rounds: LearnedRounds,
        seed: u64,
    ) -> Result<Self, ValueError> {
        let names = rows.matrix.varying_names_for_models();
        let features = rows.matrix.select_single(&names)?;
        let prospect = rows.prospect();
        let grow = |loss, rows: &PartRows, n_rounds| {
            fit_trees(&params(loss, rows.target.len()), rows.sample(), n_rounds, seed)
        };
        let order =
            grow(Loss::Log, &PartRows::of_orders(rows, &features, &prospect), rounds.order)?;
        let of_amounts = PartRows::of_amounts(rows, &features, &prospect);
        let amount = grow(Loss::Squared, &of_amounts, rounds.amount)?;
        Self::new(names, (order, amount), &of_amounts, prospect, rows)
    }

    fn new(
        names: Vec<String>,
        (order, amount): (BoostedTrees, BoostedTrees),
        of_amounts: &PartRows,
        prospect: Basis,
        rows: &ValueRows,
    ) -> Result<Self, ValueError> {
        let added = amount.predict_on_offset(of_amounts.features.view())?;
        let predicted: Vec<f64> =
            added.iter().zip(&of_amounts.offset).map(|(added, offset)| added + offset).collect();
        let smearing = Smearing::fit(&predicted, &of_amounts.target);
        let days: f64 = rows.outcomes.n_paid_days.iter().sum();
        let n_paying = rows.outcomes.n_paid_days.iter().filter(|&&n| n > 0.0).count();
        let n_buyers = of_amounts.target.len();
        let orders_of_buyer = (days / n_paying.max(1) as f64).max(1.0);
        Ok(Self { names, order, amount, smearing, prospect, n_buyers, orders_of_buyer })
    }

    /// What the trees add for every row, of which the model of orders said this.
    pub(super) fn predict(
        &self,
        matrix: &FeatureMatrix,
        bases: &[Option<Basis>],
    ) -> Result<Vec<Learned>, ValueError> {
        let features = matrix.select_single(&self.names)?;
        let order = self.order.predict_on_offset(features.view())?;
        let amount = self.amount.predict_on_offset(features.view())?;
        let of_user = |((order, amount), basis): ((f64, f64), &Option<Basis>)| {
            let predicted = basis.as_ref().unwrap_or(&self.prospect).ln_amount() + amount;
            Learned { order, amount: amount + self.smearing.ln_factor(predicted) }
        };
        Ok(order.into_iter().zip(amount).zip(bases).map(of_user).collect())
    }

    /// How much it counts beside the model of orders, 0..1.
    ///
    /// Source: Bühlmann (1967), "Experience rating and credibility", ASTIN Bulletin 4, the
    /// factor n / (n + k).
    pub fn credibility(&self) -> f64 {
        self.n_buyers as f64 / (self.n_buyers as f64 + PRIOR_BUYERS)
    }
}

impl Smearing {
    fn fit(predicted: &[f64], amounts: &[f64]) -> Self {
        let mut rows: Vec<(f64, f64)> =
            predicted.iter().zip(amounts).map(|(&it, &amount)| (it, (amount - it).exp())).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let size = rows.len().div_ceil(N_SMEARING_GROUPS).max(1);
        let groups: Vec<&[(f64, f64)]> = rows.chunks(size).collect();
        let ln_mean = |group: &&[(f64, f64)]| {
            (group.iter().map(|row| row.1).sum::<f64>() / group.len() as f64).ln()
        };
        Self {
            from: groups.iter().skip(1).map(|group| group[0].0).collect(),
            ln_factors: if groups.is_empty() {
                vec![0.0]
            } else {
                groups.iter().map(ln_mean).collect()
            },
        }
    }

    fn ln_factor(&self, predicted: f64) -> f64 {
        self.ln_factors[self.from.partition_point(|&from| from <= predicted)]
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_distr::StandardNormal;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn smeared_amounts_have_the_right_mean_though_residuals_differ_in_spread() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        let mut normal = || -> f64 { rng.sample(StandardNormal) };
        let predicted: Vec<f64> =
            (0..40_000).map(|row| 3.0 + f64::from(row % 400) / 200.0).collect();
        let amounts: Vec<f64> =
            predicted.iter().map(|&it| it + normal() * (it - 2.5) / 2.0).collect();
        let smearing = Smearing::fit(&predicted, &amounts);
        for part in [0.0..1.0, 0.0..0.2, 0.8..1.0] {
            let is_in = |row: &usize| part.contains(&((predicted[*row] - 3.0) / 2.0));
            let rows: Vec<usize> = (0..predicted.len()).filter(is_in).collect();
            let sum = |of: &dyn Fn(usize) -> f64| rows.iter().map(|&row| of(row)).sum::<f64>();
            let smeared = |row: usize| (predicted[row] + smearing.ln_factor(predicted[row])).exp();
            let ratio = sum(&smeared) / sum(&|row| amounts[row].exp());
            assert!((ratio - 1.0).abs() < 0.03, "{part:?}: {ratio}");
        }
    }
}
