//! Who gets which arm.

use std::collections::BTreeMap;

use super::hashing::ranges;
use super::plan::ExperimentPlan;

/// What a user gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmOf {
    /// An arm of the plan.
    Arm(usize),
    /// Left alone, by the plan's holdout.
    Holdout,
    /// No part in the experiment: beyond its coverage.
    Nothing,
}

/// A user to be assigned.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The id as text.
    pub id: &'a str,
    /// Within which exact shares are kept, if the plan asks for that.
    pub stratum: &'a str,
    /// What the user got in an earlier run.
    pub already: Option<ArmOf>,
}

/// A plan ready to assign users.
pub struct Assigner<'a> {
    plan: &'a ExperimentPlan,
    ranges: Vec<(f64, f64)>,
}

impl<'a> Assigner<'a> {
    /// By a plan that was checked.
    pub fn new(plan: &'a ExperimentPlan) -> Self {
        let weights: Vec<f64> = plan.arms.iter().map(|arm| arm.weight.get()).collect();
        Self { plan, ranges: ranges(&weights, plan.coverage.get()) }
    }

    /// Whether the holdout has the user: cut off before the arms, by a salt of its own.
    pub fn is_held_out(&self, id: &str) -> bool {
        let plan = self.plan;
        plan.holdout.as_ref().is_some_and(|it| plan.hashing.number(&it.salt, id) < it.share.get())
    }

    /// What the hash alone says of a user.
    pub fn by_hash(&self, id: &str) -> ArmOf {
        if self.is_held_out(id) {
            return ArmOf::Holdout;
        }
        let number = self.plan.hashing.number(&self.plan.salt, id);
        let arm = self.ranges.iter().position(|(low, high)| *low <= number && number < *high);
        arm.map_or(ArmOf::Nothing, ArmOf::Arm)
    }

    /// What each user gets; who got something earlier keeps it. Within strata, the users who
    /// are new are put in order of their hash and divided at even distances, so that the
    /// counts of each run are exact to one user and each user's chances are the weights.
    pub fn assign(&self, users: &[Candidate<'_>]) -> Vec<ArmOf> {
        let by_hash = |user: &Candidate<'_>| user.already.unwrap_or_else(|| self.by_hash(user.id));
        if !self.plan.stratify {
            return users.iter().map(by_hash).collect();
        }
        let mut found = vec![ArmOf::Holdout; users.len()];
        let mut strata: BTreeMap<&str, Vec<(f64, &str, usize)>> = BTreeMap::new();
        for (row, user) in users.iter().enumerate() {
            match user.already {
                Some(already) => found[row] = already,
                None if self.is_held_out(user.id) => {}
                None => {
                    let number = self.plan.hashing.number(&self.plan.salt, user.id);
                    strata.entry(user.stratum).or_default().push((number, user.id, row));
                }
            }
        }
        for (stratum, mut members) in strata {
            members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
            // Where the first user falls, so that small strata do not all favour one arm: of
            // the users themselves, that another run does not begin at the same place.
            let key = format!("{stratum} {}", members[0].1);
            let begin = self.plan.hashing.number(&self.plan.salt, &key);
            let n = members.len() as f64;
            for (rank, (_, _, row)) in members.into_iter().enumerate() {
                found[row] = self.arm_at((rank as f64 + begin) / n);
            }
        }
        found
    }

    /// The arm to which a number in 0..1 belongs.
    fn arm_at(&self, number: f64) -> ArmOf {
        let with_users = |arm: &usize| self.plan.arms[*arm].weight.get() > 0.0;
        let mut arms = (0..self.ranges.len()).filter(with_users);
        let last = arms.clone().next_back().unwrap_or(0);
        // Weights add up to 1 but for rounding.
        ArmOf::Arm(arms.find(|arm| number < self.ranges[*arm].1).unwrap_or(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::tests::plan_of;

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|id| format!("u{id}")).collect()
    }

    fn candidates<'a>(ids: &'a [String], strata: &[&'a str]) -> Vec<Candidate<'a>> {
        let candidate = |(row, id): (usize, &'a String)| Candidate {
            id,
            stratum: strata[row % strata.len()],
            already: None,
        };
        ids.iter().enumerate().map(candidate).collect()
    }

    fn count(found: &[ArmOf], of: ArmOf) -> usize {
        found.iter().filter(|it| **it == of).count()
    }

    #[test]
    fn arms_have_their_shares_and_a_larger_coverage_changes_nobody() {
        let ids = ids(20_000);
        let of = |coverage: &str| {
            let plan = plan_of(&format!("coverage = {coverage}"), &[0.7, 0.3]);
            Assigner::new(&plan).assign(&candidates(&ids, &["L1"]))
        };
        let (part, all) = (of("0.2"), of("1.0"));
        let (n, n_part) = (count(&all, ArmOf::Arm(1)), count(&part, ArmOf::Arm(1)));
        // Five standard errors.
        assert!((n as f64 - 6_000.0).abs() < 325.0, "{n}");
        assert!((n_part as f64 - 1_200.0).abs() < 168.0, "{n_part}");
        assert!(part.iter().zip(&all).all(|(part, all)| *part == ArmOf::Nothing || part == all));
    }

    #[test]
    fn a_holdout_is_cut_off_by_its_own_salt_whatever_the_arms_are() {
        let ids = ids(20_000);
        let holdout = "[holdout]\nshare = 0.1\nsalt = \"2026\"";
        let held_out = |weights: &[f64]| -> Vec<bool> {
            let plan = plan_of(holdout, weights);
            let found = Assigner::new(&plan).assign(&candidates(&ids, &["L1"]));
            found.iter().map(|it| *it == ArmOf::Holdout).collect()
        };
        let found = held_out(&[0.5, 0.5]);
        let n = found.iter().filter(|it| **it).count();
        assert!((n as f64 - 2_000.0).abs() < 212.0, "{n}");
        assert_eq!(held_out(&[0.9, 0.1]), found);
    }

    #[test]
    fn strata_are_divided_exactly_in_any_order_and_by_fair_chances() {
        let ids = ids(1_003);
        let plan = plan_of("stratify = true", &[0.5, 0.3, 0.2]);
        let assigner = Assigner::new(&plan);
        let users = candidates(&ids, &["L1", "L2", "L3"]);
        let found = assigner.assign(&users);
        for stratum in ["L1", "L2", "L3"] {
            let of: Vec<ArmOf> = users
                .iter()
                .zip(&found)
                .filter(|it| it.0.stratum == stratum)
                .map(|it| *it.1)
                .collect();
            for (arm, weight) in [0.5, 0.3, 0.2].into_iter().enumerate() {
                let expected = weight * of.len() as f64;
                assert!((count(&of, ArmOf::Arm(arm)) as f64 - expected).abs() < 1.0, "{stratum}");
            }
        }
        let mut turned = users.clone();
        turned.reverse();
        let mut of_turned = assigner.assign(&turned);
        of_turned.reverse();
        assert_eq!(of_turned, found);
        // Strata of a single user.
        let names: Vec<String> = (0..1_003).map(|it| it.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let alone = assigner.assign(&candidates(&ids, &names));
        for (arm, expected) in [501.5, 300.9, 200.6].into_iter().enumerate() {
            assert!((count(&alone, ArmOf::Arm(arm)) as f64 - expected).abs() < 80.0);
        }
    }

    #[test]
    fn a_second_run_changes_nobody_and_divides_the_new() {
        let ids = ids(900);
        let plan = plan_of("stratify = true", &[0.5, 0.5]);
        let assigner = Assigner::new(&plan);
        let first = assigner.assign(&candidates(&ids[..600], &["L1"]));
        let mut users = candidates(&ids, &["L1"]);
        users.iter_mut().zip(&first).for_each(|(user, arm)| user.already = Some(*arm));
        let second = assigner.assign(&users);
        assert_eq!(second[..600], first);
        assert_eq!(count(&second[600..], ArmOf::Arm(0)), 150);
    }
}
