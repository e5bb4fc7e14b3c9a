//! Value by learning, in two parts: whether a user will order, and for how much if so.

use serde::{Deserialize, Serialize};

use super::ValueError;
use crate::dataset::{FeatureMatrix, Outcomes, Snapshot, UserIds, unit_interval};
use crate::stats::boosting::{
    BoostedTrees, BoostingParams, Loss, Sample, fit_best_trees, fit_trees,
};
use crate::stats::linear::probability;

/// Rows that trees learn from at most.
const MAX_ROWS: usize = 200_000;

/// Buyers below whom the amount of buyers is not learned.
const MIN_BUYERS: usize = 200;

/// Groups of buyers, by predicted amount, with a factor of their own.
const N_SMEARING_GROUPS: usize = 10;

/// Number of buyers whose knowledge counts as much as the model of orders.
const PRIOR_BUYERS: f64 = 4_000.0;

/// Trees of both parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedValue {
    /// Features that the trees see, in their order.
    pub names: Vec<String>,
    /// Log odds of an order in the horizon.
    order: BoostedTrees,
    /// ln of the amount in the horizon of those who order.
    amount: BoostedTrees,
    /// From ln of an amount back to the amount.
    smearing: Smearing,
    /// Customers in the training rows who ordered in the horizon.
    pub n_buyers: usize,
    /// Days with an order of those who order, on average.
    pub orders_of_buyer: f64,
}

/// What the trees say of a user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learned {
    /// The chance of an order in the horizon.
    pub p_order: f64,
    /// Expected amount in the horizon.
    pub value: f64,
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
    /// One more than `from`.
    factors: Vec<f64>,
    /// Predictions lie between these: beyond what was seen trees say nothing.
    bounds: (f64, f64),
}

/// Users at some dates, and what they did.
pub(super) struct ValueRows {
    pub matrix: FeatureMatrix,
    pub outcomes: Outcomes,
}

impl ValueRows {
    /// The users of some snapshots, or a sample of them where there are many.
    pub fn of(snapshots: &[&Snapshot], seed: u64) -> Result<Self, ValueError> {
        let n_rows: usize = snapshots.iter().map(|it| it.users.len()).sum();
        let share = MAX_ROWS as f64 / n_rows.max(1) as f64;
        let mut outcomes = Outcomes::default();
        let mut matrices = Vec::new();
        for (number, snapshot) in snapshots.iter().enumerate() {
            let rows = sample(&snapshot.users, share, seed.wrapping_add(number as u64));
            outcomes.append(snapshot.known_outcomes()?.select_rows(&rows));
            matrices.push(snapshot.features.select_rows(&rows));
        }
        let matrix = FeatureMatrix::pool(&matrices.iter().collect::<Vec<_>>())?;
        Ok(Self { matrix, outcomes })
    }

    fn buyers(&self) -> Vec<usize> {
        (0..self.outcomes.gmv.len()).filter(|&row| self.outcomes.gmv[row] > 0.0).collect()
    }

    fn ordered(&self) -> Vec<f64> {
        self.outcomes.n_orders.iter().map(|&n| f64::from(u8::from(n > 0.0))).collect()
    }

    fn ln_amounts(&self, buyers: &[usize]) -> Vec<f64> {
        buyers.iter().map(|&row| self.outcomes.gmv[row].ln()).collect()
    }

    /// Whether there is enough to learn both parts from.
    pub fn is_enough(&self) -> bool {
        let n = self.outcomes.n_orders.len();
        let n_ordered = self.outcomes.n_orders.iter().filter(|&&n| n > 0.0).count();
        self.buyers().len() >= MIN_BUYERS && n_ordered < n
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
    /// Grows as many trees on `training` as help on `validation`, rows of a later date. Returns
    /// what they say of the validation's users, and how many there are.
    pub(super) fn validate(
        training: &ValueRows,
        validation: &ValueRows,
        seed: u64,
    ) -> Result<(Self, LearnedRounds), ValueError> {
        let names = training.matrix.varying_names_for_models();
        let (features, later) =
            (training.matrix.select_single(&names)?, validation.matrix.select_single(&names)?);
        let (ordered, ordered_later) = (training.ordered(), validation.ordered());
        let order = fit_best_trees(
            &params(Loss::Log, ordered.len()),
            Sample { features: features.view(), target: &ordered, weights: None },
            Sample { features: later.view(), target: &ordered_later, weights: None },
            seed,
        )?;
        let (buyers, buyers_later) = (training.buyers(), validation.buyers());
        let of_buyers = features.select(ndarray::Axis(0), &buyers);
        let of_later = later.select(ndarray::Axis(0), &buyers_later);
        let (amounts, amounts_later) =
            (training.ln_amounts(&buyers), validation.ln_amounts(&buyers_later));
        let sample = Sample { features: of_buyers.view(), target: &amounts, weights: None };
        let amount = fit_best_trees(
            &params(Loss::Squared, amounts.len()),
            sample,
            Sample { features: of_later.view(), target: &amounts_later, weights: None },
            seed,
        )?;
        let rounds = LearnedRounds { order: order.n_rounds(), amount: amount.n_rounds() };
        let smearing = Smearing::fit(&amount.predict(of_buyers.view())?, &amounts);
        Ok((Self::new(names, order, amount, smearing, training), rounds))
    }

    /// Grows so many trees.
    pub(super) fn fit(
        rows: &ValueRows,
        rounds: LearnedRounds,
        seed: u64,
    ) -> Result<Self, ValueError> {
        let names = rows.matrix.varying_names_for_models();
        let features = rows.matrix.select_single(&names)?;
        let ordered = rows.ordered();
        let order = fit_trees(
            &params(Loss::Log, ordered.len()),
            Sample { features: features.view(), target: &ordered, weights: None },
            rounds.order,
            seed,
        )?;
        let buyers = rows.buyers();
        let of_buyers = features.select(ndarray::Axis(0), &buyers);
        let amounts = rows.ln_amounts(&buyers);
        let sample = Sample { features: of_buyers.view(), target: &amounts, weights: None };
        let amount = fit_trees(&params(Loss::Squared, amounts.len()), sample, rounds.amount, seed)?;
        let smearing = Smearing::fit(&amount.predict(of_buyers.view())?, &amounts);
        Ok(Self::new(names, order, amount, smearing, rows))
    }

    fn new(
        names: Vec<String>,
        order: BoostedTrees,
        amount: BoostedTrees,
        smearing: Smearing,
        rows: &ValueRows,
    ) -> Self {
        let outcomes = &rows.outcomes;
        let days: f64 = outcomes.n_paid_days.iter().sum();
        let n_paying = outcomes.n_paid_days.iter().filter(|&&n| n > 0.0).count();
        let n_buyers = rows.buyers().len();
        let orders_of_buyer = days / n_paying.max(1) as f64;
        Self { names, order, amount, smearing, n_buyers, orders_of_buyer }
    }

    /// What the trees say of every row.
    pub(super) fn predict(&self, matrix: &FeatureMatrix) -> Result<Vec<Learned>, ValueError> {
        let features = matrix.select_single(&self.names)?;
        let log_odds = self.order.predict(features.view())?;
        let ln_amounts = self.amount.predict(features.view())?;
        let of_user = |(log_odds, ln_amount)| {
            let p_order = probability(log_odds);
            Learned { p_order, value: p_order * self.smearing.amount(ln_amount) }
        };
        Ok(log_odds.into_iter().zip(ln_amounts).map(of_user).collect())
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
        let mean =
            |group: &&[(f64, f64)]| group.iter().map(|row| row.1).sum::<f64>() / group.len() as f64;
        let least = rows.first().map_or(0.0, |row| row.0);
        Self {
            from: groups.iter().skip(1).map(|group| group[0].0).collect(),
            factors: if groups.is_empty() { vec![1.0] } else { groups.iter().map(mean).collect() },
            bounds: (least, rows.last().map_or(0.0, |row| row.0)),
        }
    }

    fn amount(&self, predicted: f64) -> f64 {
        let predicted = predicted.clamp(self.bounds.0, self.bounds.1);
        let group = self.from.partition_point(|&from| from <= predicted);
        predicted.exp() * self.factors[group]
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
            let ratio =
                sum(&|row| smearing.amount(predicted[row])) / sum(&|row| amounts[row].exp());
            assert!((ratio - 1.0).abs() < 0.03, "{part:?}: {ratio}");
        }
        // Nothing explodes beyond what was seen.
        assert_eq!(smearing.amount(50.0), smearing.amount(4.995));
    }
}
