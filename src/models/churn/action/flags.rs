//! Whom to flag of the users within reach.

use std::cmp::Ordering;

use rayon::slice::ParallelSliceMut;
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
/// pay where probability × what is at stake × save rate is above the cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepingCosts {
    /// Share of flagged churners who are won back.
    pub save_rate: Share,
    /// What an attempt costs, in the currency of the data.
    pub cost: NonNegative,
    /// What is at stake.
    pub by: AtStake,
}

/// What is lost with a user who churns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtStake {
    /// The GMV of the last year.
    #[default]
    PastYear,
    /// The lifetime value, as `[value]` has it: it knows already that users leave, so that it
    /// is less than what a user who is kept will bring.
    Clv,
}

/// A user who may be flagged or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlagUser<'a> {
    /// Of churn.
    pub probability: f64,
    /// What the user did.
    pub purchases: &'a Purchases,
    /// The lifetime value, where it is known.
    pub clv: Option<f64>,
}

impl FlagUser<'_> {
    /// What is lost if the user churns, in the currency of the data.
    fn at_stake(&self, by: AtStake) -> f64 {
        match by {
            AtStake::PastYear => self.purchases.orders.amount_365d,
            AtStake::Clv => self.clv.unwrap_or(0.0),
        }
    }
}

/// Someone who may be flagged, as a budget ranks them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlagCandidate {
    /// Of churn.
    pub probability: f64,
    /// Decides between equal probabilities: the smaller comes first. Every user has an own.
    pub id: u64,
}

impl FlagCandidate {
    /// The likeliest come first.
    fn rank(&self, other: &Self) -> Ordering {
        other.probability.total_cmp(&self.probability).then(self.id.cmp(&other.id))
    }

    /// Whether one who ranks as this one is flagged where `last` is the last that is.
    pub fn is_up_to(&self, last: &Self) -> bool {
        self.rank(last) != Ordering::Greater
    }
}

impl Default for FlagRule {
    fn default() -> Self {
        Self::Share(Share::of(0.2))
    }
}

impl Default for KeepingCosts {
    fn default() -> Self {
        Self { save_rate: Share::of(0.1), cost: NonNegative::of(1.0), by: AtStake::default() }
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
    /// What attempts would have brought: save rate × what was at stake with the flagged
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

    /// Whether a user may be flagged at all, as far as that depends on this user alone:
    /// someone in reach, with a cutoff or costs also of enough probability. In reach is who
    /// did what keeps users at most `reach_days` ago: nobody calls back those who left long
    /// ago.
    pub fn may_flag(self, user: &FlagUser<'_>, reach_days: f64) -> bool {
        let is_worth_it = match self {
            Self::Share(_) | Self::TopN(_) | Self::Precision(_) => true,
            Self::Cutoff(cutoff) => user.probability >= cutoff.get(),
            Self::Profit(KeepingCosts { save_rate, cost, by }) => {
                user.probability * user.at_stake(by) * save_rate.get() > cost.get()
            }
        };
        user.purchases.kept_by.last_days_ago <= reach_days && is_worth_it
    }

    /// The last of the candidates (who [may be flagged](Self::may_flag)) that is flagged,
    /// as they are ranked; `None` if nobody is. The candidates' order is lost.
    pub fn last_flagged(self, candidates: &mut [FlagCandidate]) -> Option<FlagCandidate> {
        let n_all = candidates.len();
        let n_flagged = match self {
            Self::Share(share) => (n_all as f64 * share.get()).round() as usize,
            Self::TopN(n) => n,
            Self::Cutoff(_) | Self::Profit(_) => n_all,
            Self::Precision(share) => {
                candidates.par_sort_unstable_by(FlagCandidate::rank);
                longest_precise(candidates, share.get())
            }
        };
        let last = n_flagged.min(n_all).checked_sub(1)?;
        Some(*candidates.select_nth_unstable_by(last, FlagCandidate::rank).1)
    }

    /// Whether each user is flagged. Of equal probabilities at the end of a budget the
    /// earlier user is flagged.
    fn flag(self, users: &[FlagUser<'_>], reach_days: f64) -> Vec<bool> {
        let candidate =
            |row: usize| FlagCandidate { probability: users[row].probability, id: row as u64 };
        let may_flag = |row: usize| self.may_flag(&users[row], reach_days);
        let mut candidates: Vec<FlagCandidate> =
            (0..users.len()).filter(|&row| may_flag(row)).map(candidate).collect();
        let last = self.last_flagged(&mut candidates);
        let is_flagged =
            |row: usize| may_flag(row) && last.is_some_and(|last| candidate(row).is_up_to(&last));
        (0..users.len()).map(is_flagged).collect()
    }

    /// What this rule and its alternatives would have done where it is known who
    /// churned; one entry a user in both slices.
    pub fn outcomes(
        self,
        users: &[FlagUser<'_>],
        churned: &[bool],
        reach_days: f64,
    ) -> Vec<FlagOutcome> {
        let costs = match self {
            Self::Profit(costs) => costs,
            _ => KeepingCosts::default(),
        };
        let (save_rate, cost) = (costs.save_rate.get(), costs.cost.get());
        let lost: Vec<usize> = (0..users.len())
            .filter(|&row| churned[row] && users[row].purchases.kept_by.last_days_ago <= reach_days)
            .collect();
        let sum =
            |rows: &[usize], by| rows.iter().map(|&row| users[row].at_stake(by)).sum::<f64>() + 0.0;
        let outcome = |rule: Self| {
            let flags = rule.flag(users, reach_days);
            let flagged: Vec<usize> = (0..flags.len()).filter(|&row| flags[row]).collect();
            let caught: Vec<usize> = flagged.iter().copied().filter(|&row| churned[row]).collect();
            let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
            let gmv = |rows| sum(rows, AtStake::PastYear);
            FlagOutcome {
                rule,
                n_flagged: flagged.len(),
                least_probability: flagged
                    .iter()
                    .map(|&row| users[row].probability)
                    .min_by(f64::total_cmp),
                precision: share(caught.len() as f64, flagged.len() as f64),
                recall: share(caught.len() as f64, lost.len() as f64),
                gmv_caught: share(gmv(&caught), gmv(&lost)),
                profit: save_rate * sum(&caught, costs.by) - cost * flagged.len() as f64,
            }
        };
        self.with_alternatives().map(outcome).to_vec()
    }
}

/// How many of the likeliest, whose mean probability is at least `precision`.
fn longest_precise(likeliest_first: &[FlagCandidate], precision: f64) -> usize {
    let mut sum = 0.0;
    likeliest_first
        .iter()
        .enumerate()
        .take_while(|(index, candidate)| {
            sum += candidate.probability;
            sum >= precision * (*index + 1) as f64
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PurchaseSummary;

    const PROBABILITIES: [f64; 4] = [0.9, 0.6, 0.3, 0.95];

    fn purchases() -> [Purchases; 4] {
        let of_user = |(last_days_ago, amount_365d)| {
            let orders =
                PurchaseSummary { last_days_ago, amount_365d, ..PurchaseSummary::default() };
            Purchases { orders, kept_by: orders, ..Purchases::default() }
        };
        [(30.0, 5.0), (10.0, 500.0), (1.0, 900.0), (200.0, 9.0)].map(of_user)
    }

    fn users(purchases: &[Purchases; 4]) -> Vec<FlagUser<'_>> {
        let clv = [Some(70.0), Some(10.0), None, Some(900.0)];
        let user = |row: usize| FlagUser {
            probability: PROBABILITIES[row],
            purchases: &purchases[row],
            clv: clv[row],
        };
        (0..4).map(user).collect()
    }

    const REACH_DAYS: f64 = 90.0;

    fn flagged(rule: FlagRule) -> Vec<usize> {
        let flags = rule.flag(&users(&purchases()), REACH_DAYS);
        (0..flags.len()).filter(|&row| flags[row]).collect()
    }

    #[test]
    fn each_rule_flags_whom_it_should() {
        assert_eq!(flagged(FlagRule::Share(Share::of(0.34))), [0]);
        assert_eq!(flagged(FlagRule::TopN(2)), [0, 1]);
        assert_eq!(flagged(FlagRule::Cutoff(Share::of(0.5))), [0, 1]);
        assert_eq!(flagged(FlagRule::Precision(Share::of(0.7))), [0, 1]);
        // .9 × 5 × .1 is less than the cost of 1, .6 × 500 × .1 and .3 × 900 × .1 more.
        assert_eq!(flagged(FlagRule::Profit(KeepingCosts::default())), [1, 2]);
        // .9 × 70 × .1 is more, .6 × 10 × .1 less; whose value is unknown has none.
        let by_clv = KeepingCosts { by: AtStake::Clv, ..KeepingCosts::default() };
        assert_eq!(flagged(FlagRule::Profit(by_clv)), [0]);
        assert!(flagged(FlagRule::Share(Share::of(0.0))).is_empty());
        assert!(flagged(FlagRule::TopN(0)).is_empty());
    }

    #[test]
    fn the_smaller_id_decides_at_the_end_of_a_budget() {
        let of = |id| FlagCandidate { probability: 0.5, id };
        let mut candidates = [of(7), of(2), of(9), FlagCandidate { probability: 0.1, id: 1 }];
        let last = FlagRule::TopN(2).last_flagged(&mut candidates).unwrap();
        assert_eq!(last, of(7));
        assert!(of(2).is_up_to(&last) && of(7).is_up_to(&last) && !of(9).is_up_to(&last));
    }

    #[test]
    fn outcomes_count_who_churned_within_reach() {
        let (purchases, churned) = (purchases(), [true, false, false, true]);
        let outcomes = FlagRule::TopN(2).outcomes(&users(&purchases), &churned, REACH_DAYS);
        let top = &outcomes[1];
        assert_eq!(top.rule, FlagRule::TopN(2));
        assert_eq!((top.n_flagged, top.precision, top.recall), (2, Some(0.5), Some(1.0)));
        assert_eq!((top.gmv_caught, top.least_probability), (Some(1.0), Some(0.6)));
        assert!((top.profit - (0.1 * 5.0 - 2.0)).abs() < 1e-12);
        let by_clv = KeepingCosts { by: AtStake::Clv, ..KeepingCosts::default() };
        let rule = FlagRule::Profit(by_clv);
        let outcomes = rule.outcomes(&users(&purchases), &churned, REACH_DAYS);
        let by_profit = outcomes.iter().find(|it| it.rule == rule).unwrap();
        assert!((by_profit.profit - (0.1 * 70.0 - 1.0)).abs() < 1e-12, "{by_profit:?}");
    }
}
