//! What it would be worth to target by groups, from a campaign that gave arms at random.

use std::collections::BTreeMap;

use crate::dataset::{hash_text, unit_interval};
use crate::stats::effects::{PolicyValue, policy_value, value_difference};
use crate::stats::resample::Interval;

/// A user of the campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Treated {
    /// The id as text.
    pub id: String,
    /// What the user got.
    pub arm: usize,
    /// What came of it.
    pub outcome: f64,
    /// The user's group in each grouping.
    pub groups: Vec<usize>,
}

/// What a targeting is worth at a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetingValue {
    /// Share of users who are contacted.
    pub budget: f64,
    /// For each grouping, in their order.
    pub values: Vec<Valued>,
    /// Contacts at random, with the arm that is best for all.
    pub at_random: Valued,
    /// What each grouping is worth more than contacts at random.
    pub over_random: Vec<Gain>,
    /// What the first grouping is worth more than each other one.
    pub over_others: Vec<Gain>,
}

/// A value and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valued {
    /// Mean outcome a user.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// A difference of values on the same users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// The difference.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its interval.
    pub interval: Interval,
}

/// Values the targeting by each grouping at each budget: which groups are contacted, and
/// with which arm, is learned on one half of the users and valued on the other, and the
/// other way round. The first arm is no contact; `weights` are the chances of the arms.
///
/// Within a budget, groups are contacted in order of what the best arm adds to them; of the
/// last one, as large a part as the budget leaves. So all targetings contact as many users.
///
/// `None` where an arm has nobody.
///
/// Source: Hitsch, Misra & Zhang (2024), "Heterogeneous treatment effects and optimal
/// targeting policy evaluation", QME 22(2), §4; cross-fitting as in Chernozhukov et al.
/// (2018), "Double/debiased machine learning", Econometrics Journal 21.
pub fn targeting_values(
    users: &[Treated],
    weights: &[f64],
    n_groupings: usize,
    budgets: &[f64],
    salt: &str,
    alpha: f64,
) -> Option<Vec<TargetingValue>> {
    let seed = hash_text(salt, 1);
    let half = |user: &Treated| usize::from(unit_interval(hash_text(&user.id, seed)) < 0.5);
    let halves: Vec<usize> = users.iter().map(half).collect();
    let outcomes: Vec<f64> = users.iter().map(|it| it.outcome).collect();
    let value = |grouping: Option<usize>, budget: f64| -> Option<PolicyValue> {
        let group = |user: &Treated| grouping.map_or(0, |it| user.groups[it]);
        let mut policy_weights = vec![0.0; users.len()];
        for half in [0, 1] {
            let learned = Learned::of(
                users.iter().zip(&halves).filter(|(_, it)| **it != half).map(|(it, _)| it),
                group,
                weights.len(),
            )?;
            let valued =
                || users.iter().zip(&halves).enumerate().filter(|(_, (_, it))| **it == half);
            let contacts = learned.contacts(valued().map(|(_, (it, _))| group(it)), budget);
            for (row, (user, _)) in valued() {
                let (arm, share) = contacts.get(&group(user)).copied().unwrap_or((0, 0.0));
                // The policy's chance of what the user got.
                let chance = match user.arm {
                    0 if arm == 0 => 1.0,
                    0 => 1.0 - share,
                    other if other == arm => share,
                    _ => 0.0,
                };
                policy_weights[row] = chance / weights[user.arm];
            }
        }
        policy_value(&outcomes, &policy_weights)
    };
    let of_budget = |&budget: &f64| {
        let values: Vec<PolicyValue> =
            (0..n_groupings).map(|it| value(Some(it), budget)).collect::<Option<_>>()?;
        let random = value(None, budget)?;
        let gain = |a: &PolicyValue, b: &PolicyValue| {
            let (difference, standard_error, interval) = value_difference(a, b, &halves, alpha);
            Gain { difference, standard_error, interval }
        };
        let valued = |it: &PolicyValue| Valued {
            value: it.value,
            standard_error: it.standard_error(&halves),
        };
        Some(TargetingValue {
            budget,
            values: values.iter().map(valued).collect(),
            at_random: valued(&random),
            over_random: values.iter().map(|it| gain(it, &random)).collect(),
            over_others: values[1..].iter().map(|it| gain(&values[0], it)).collect(),
        })
    };
    budgets.iter().map(of_budget).collect()
}

/// What the arms did to groups.
struct Learned {
    /// For each group, the best arm but the first, and what it adds.
    best: BTreeMap<usize, (usize, f64)>,
    /// The same of all users, for groups of whom too little is known.
    of_all: (usize, f64),
}

impl Learned {
    fn of<'u>(
        users: impl Iterator<Item = &'u Treated>,
        group: impl Fn(&Treated) -> usize,
        n_arms: usize,
    ) -> Option<Self> {
        let mut sums: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
        let mut all = vec![(0.0, 0.0); n_arms];
        for user in users {
            let of_group = sums.entry(group(user)).or_insert_with(|| vec![(0.0, 0.0); n_arms]);
            for cell in [&mut of_group[user.arm], &mut all[user.arm]] {
                cell.0 += 1.0;
                cell.1 += user.outcome;
            }
        }
        let best = |cells: &[(f64, f64)]| {
            let mean = |(n, sum): (f64, f64)| (n > 0.0).then(|| sum / n);
            let control = mean(cells[0])?;
            let gains = (1..n_arms).filter_map(|arm| Some((arm, mean(cells[arm])? - control)));
            gains.reduce(|best, it| if it.1 > best.1 { it } else { best })
        };
        let of_all = best(&all)?;
        let best = sums.iter().map(|(&group, cells)| (group, best(cells).unwrap_or(of_all)));
        Some(Self { best: best.collect(), of_all })
    }

    /// The arm of each group and the share of its users who get it, so that the share
    /// `budget` of all these users is contacted.
    fn contacts(
        &self,
        groups: impl Iterator<Item = usize>,
        budget: f64,
    ) -> BTreeMap<usize, (usize, f64)> {
        let mut n_users: BTreeMap<usize, f64> = BTreeMap::new();
        groups.for_each(|group| *n_users.entry(group).or_default() += 1.0);
        let mut left = budget * n_users.values().sum::<f64>();
        let of = |group: &usize| self.best.get(group).copied().unwrap_or(self.of_all);
        let mut order: Vec<usize> = n_users.keys().copied().collect();
        order.sort_by(|a, b| of(b).1.total_cmp(&of(a).1).then(a.cmp(b)));
        let contact = |group: usize| {
            let n = n_users[&group];
            let share = (left / n).clamp(0.0, 1.0);
            left -= share * n;
            (group, (of(&group).0, share))
        };
        order.into_iter().map(contact).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Users of four groups, of whom a message moves those of one by 2, and groups that say
    /// nothing.
    fn campaign(n: usize, seed: u64) -> Vec<Treated> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut user = |row: usize| {
            let (group, arm) = (rng.gen_range(0..4), usize::from(rng.gen_bool(0.3)));
            let effect = if arm == 1 && group == 2 { 2.0 } else { 0.0 };
            let outcome = effect + rng.gen_range(0.0..2.0);
            Treated { id: row.to_string(), arm, outcome, groups: vec![group, rng.gen_range(0..4)] }
        };
        (0..n).map(&mut user).collect()
    }

    fn values(users: &[Treated], budgets: &[f64]) -> Vec<TargetingValue> {
        targeting_values(users, &[0.7, 0.3], 2, budgets, "salt", 0.05).unwrap()
    }

    #[test]
    fn groups_that_tell_whom_to_contact_are_worth_more_at_the_same_budget() {
        let found = values(&campaign(20_000, 1), &[0.25, 1.0]);
        // All of the group that is moved, a quarter of the users: 1 + 2 / 4.
        assert!((found[0].values[0].value - 1.5).abs() < 0.05, "{found:?}");
        assert!((found[0].at_random.value - 1.125).abs() < 0.05);
        let gain = found[0].over_others[0];
        assert!(gain.interval.low > 0.2 && (gain.difference - 0.375).abs() < 0.06, "{gain:?}");
        let nothing = found[0].over_random[1];
        assert!(nothing.interval.low < 0.0 && nothing.interval.high > 0.0, "{nothing:?}");
        // Whoever contacts all does the same by any groups.
        assert_eq!(found[1].over_others[0].difference, 0.0);
    }

    #[test]
    fn the_order_of_users_does_not_matter() {
        let mut users = campaign(3_000, 2);
        let found = values(&users, &[0.5]);
        users.reverse();
        let turned = values(&users, &[0.5]);
        assert!((found[0].values[0].value - turned[0].values[0].value).abs() < 1e-12);
    }

    /// Of 200 campaigns without any effect, the interval of the difference should leave out
    /// 0 about ten times.
    #[test]
    fn groups_without_effects_are_seldom_worth_more() {
        let mut n_wrong = 0;
        for seed in 0..200 {
            let mut users = campaign(800, 100 + seed);
            for user in users.iter_mut().filter(|it| it.arm == 1 && it.groups[0] == 2) {
                user.outcome -= 2.0;
            }
            let found = values(&users, &[0.5])[0].over_others[0].interval;
            n_wrong += usize::from(found.low > 0.0 || found.high < 0.0);
        }
        assert!(n_wrong <= 20, "{n_wrong} of 200");
    }

    #[test]
    fn without_users_in_an_arm_nothing_is_known() {
        let mut users = campaign(100, 3);
        users.iter_mut().for_each(|user| user.arm = 0);
        assert_eq!(targeting_values(&users, &[0.7, 0.3], 2, &[0.5], "salt", 0.05), None);
    }
}
