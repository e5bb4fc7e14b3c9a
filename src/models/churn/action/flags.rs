//! Whom to flag of the users within reach.

use serde::{Deserialize, Serialize};

use crate::dataset::Purchases;
use crate::settings::{NonNegative, Share};

/// `[churn] flag` of the config: whom to flag of the users within reach, as in
/// `flag = { top_n = 1000 }`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagRule {
    /// This share of them, the likeliest to churn.
    Share(Share),
    /// So many of them, the likeliest to churn.
    TopN(usize),
    /// Those whose probability is at least this.
    Cutoff(Share),
    /// As many as can be while this share of them is expected to churn.
    Precision(Share),
    /// Those whom an attempt to keep is expected to pay for.
    Profit(KeepingCosts),
}

/// What it takes to keep a user, and how often it works: an attempt is expected to
/// pay where probability × GMV of the last year × save rate is above the cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepingCosts {
    /// Share of flagged churners who are won back.
    pub save_rate: Share,
    /// What an attempt costs, in the currency of the data.
    pub cost: NonNegative,
}

impl Default for FlagRule {
    fn default() -> Self {
        Self::Share(Share::of(0.2))
    }
}

impl Default for KeepingCosts {
    fn default() -> Self {
        Self { save_rate: Share::of(0.1), cost: NonNegative::of(1.0) }
    }
}

/// What a way of flagging would have done on the holdout snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagOutcome {
    /// The way.
    pub rule: FlagRule,
    /// Users flagged.
    pub n_flagged: usize,
    /// Least probability among them; `None` if nobody is flagged.
    pub least_probability: Option<f64>,
    /// Share of them who churned.
    pub precision: Option<f64>,
    /// Share of the churned in reach who were flagged.
    pub recall: Option<f64>,
    /// Share of the last year's GMV of the churned in reach that was flagged.
    pub gmv_caught: Option<f64>,
    /// What attempts would have brought: save rate × last year's GMV of the flagged
    /// who churned, less the cost of all attempts.
    pub profit: f64,
}

impl FlagRule {
    /// This rule and, of each other kind, one of usual bounds, always in the same
    /// order: what a report compares.
    pub fn with_alternatives(self) -> [Self; 5] {
        let usual = [
            Self::default(),
            Self::TopN(1_000),
            Self::Cutoff(Share::of(0.5)),
            Self::Precision(Share::of(0.7)),
            Self::Profit(KeepingCosts::default()),
        ];
        let is_same_kind =
            |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(&self);
        usual.map(|rule| if is_same_kind(&rule) { self } else { rule })
    }

    /// Whether each user is flagged, by their probability (`None`: not eligible)
    /// and purchases. In reach is who did what keeps users at most `reach_days` ago:
    /// nobody calls back those who left long ago. Of equal probabilities at the end
    /// of a budget the earlier user is flagged.
    ///
    /// # Panics
    /// When lengths differ.
    pub fn flag(
        self,
        probabilities: &[Option<f64>],
        purchases: &[Purchases],
        reach_days: f64,
    ) -> Vec<bool> {
        assert_eq!(probabilities.len(), purchases.len(), "one summary for each user");
        let mut in_reach: Vec<(usize, f64)> = (0..purchases.len())
            .filter(|&row| purchases[row].kept_by.last_days_ago <= reach_days)
            .filter_map(|row| Some((row, probabilities[row]?)))
            .collect();
        in_reach.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        match self {
            Self::Share(share) => {
                in_reach.truncate((in_reach.len() as f64 * share.get()).round() as usize);
            }
            Self::TopN(n) => in_reach.truncate(n),
            Self::Cutoff(cutoff) => in_reach.retain(|&(_, p)| p >= cutoff.get()),
            Self::Precision(share) => in_reach.truncate(longest_precise(&in_reach, share.get())),
            Self::Profit(KeepingCosts { save_rate, cost }) => {
                let pays = |row: usize, p: f64| {
                    p * purchases[row].orders.amount_365d * save_rate.get() > cost.get()
                };
                in_reach.retain(|&(row, p)| pays(row, p));
            }
        }
        let mut flags = vec![false; purchases.len()];
        in_reach.into_iter().for_each(|(row, _)| flags[row] = true);
        flags
    }

    /// What this rule and its alternatives would have done where it is known who
    /// churned; all slices of one length.
    pub fn outcomes(
        self,
        probabilities: &[f64],
        purchases: &[Purchases],
        churned: &[bool],
        reach_days: f64,
    ) -> Vec<FlagOutcome> {
        let known: Vec<Option<f64>> = probabilities.iter().copied().map(Some).collect();
        let costs = match self {
            Self::Profit(costs) => costs,
            _ => KeepingCosts::default(),
        };
        let (save_rate, cost) = (costs.save_rate.get(), costs.cost.get());
        let lost: Vec<usize> = (0..purchases.len())
            .filter(|&row| churned[row] && purchases[row].kept_by.last_days_ago <= reach_days)
            .collect();
        let gmv = |rows: &[usize]| {
            rows.iter().map(|&row| purchases[row].orders.amount_365d).sum::<f64>() + 0.0
        };
        let outcome = |rule: Self| {
            let flags = rule.flag(&known, purchases, reach_days);
            let flagged: Vec<usize> = (0..flags.len()).filter(|&row| flags[row]).collect();
            let caught: Vec<usize> = flagged.iter().copied().filter(|&row| churned[row]).collect();
            let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
            FlagOutcome {
                rule,
                n_flagged: flagged.len(),
                least_probability: flagged
                    .iter()
                    .map(|&row| probabilities[row])
                    .min_by(f64::total_cmp),
                precision: share(caught.len() as f64, flagged.len() as f64),
                recall: share(caught.len() as f64, lost.len() as f64),
                gmv_caught: share(gmv(&caught), gmv(&lost)),
                profit: save_rate * gmv(&caught) - cost * flagged.len() as f64,
            }
        };
        self.with_alternatives().map(outcome).to_vec()
    }
}

/// How many of the likeliest, whose mean probability is at least `precision`.
fn longest_precise(likeliest_first: &[(usize, f64)], precision: f64) -> usize {
    let mut sum = 0.0;
    likeliest_first
        .iter()
        .enumerate()
        .take_while(|(index, (_, p))| {
            sum += p;
            sum >= precision * (*index + 1) as f64
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PurchaseSummary;

    fn users() -> (Vec<Option<f64>>, Vec<Purchases>) {
        let probabilities = vec![Some(0.9), Some(0.6), None, Some(0.3), Some(0.95)];
        let of_user = |(last_days_ago, amount_365d)| {
            let orders =
                PurchaseSummary { last_days_ago, amount_365d, ..PurchaseSummary::default() };
            Purchases { orders, kept_by: orders }
        };
        let users = [(30.0, 5.0), (10.0, 500.0), (5.0, 9.0), (1.0, 900.0), (200.0, 9.0)];
        (probabilities, users.map(of_user).to_vec())
    }

    const REACH_DAYS: f64 = 90.0;

    fn flagged(rule: FlagRule) -> Vec<usize> {
        let (probabilities, purchases) = users();
        let flags = rule.flag(&probabilities, &purchases, REACH_DAYS);
        (0..flags.len()).filter(|&row| flags[row]).collect()
    }

    #[test]
    fn each_rule_flags_whom_it_should() {
        assert_eq!(flagged(FlagRule::Share(Share::of(0.34))), [0]);
        assert_eq!(flagged(FlagRule::TopN(2)), [0, 1]);
        assert_eq!(flagged(FlagRule::Cutoff(Share::of(0.5))), [0, 1]);
        assert_eq!(flagged(FlagRule::Precision(Share::of(0.7))), [0, 1]);
        // .9 × 5 × .1 is less than the cost of 1, .6 × 500 × .1 and .3 × 900 × .1 more.
        assert_eq!(flagged(FlagRule::Profit(KeepingCosts::default())), [1, 3]);
        assert!(flagged(FlagRule::Share(Share::of(0.0))).is_empty());
        assert!(flagged(FlagRule::TopN(0)).is_empty());
    }

    #[test]
    fn outcomes_count_who_churned_within_reach() {
        let (_, purchases) = users();
        let churned = [true, false, false, false, true];
        let probabilities = [0.9, 0.6, 0.1, 0.3, 0.95];
        let outcomes = FlagRule::TopN(2).outcomes(&probabilities, &purchases, &churned, REACH_DAYS);
        let top = &outcomes[1];
        assert_eq!(top.rule, FlagRule::TopN(2));
        assert_eq!((top.n_flagged, top.precision, top.recall), (2, Some(0.5), Some(1.0)));
        assert_eq!((top.gmv_caught, top.least_probability), (Some(1.0), Some(0.6)));
        assert!((top.profit - (0.1 * 5.0 - 2.0)).abs() < 1e-12);
    }
}
