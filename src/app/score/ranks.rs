//! What depends on all users: percentiles, and whom a budget flags.

use rayon::prelude::*;

use crate::models::churn::{FlagCandidate, FlagRule};

/// What of the users of all parts is ranked: 32 bytes for each.
#[derive(Default)]
pub(super) struct ToRank {
    /// Of the eligible.
    pub log_odds: Vec<f64>,
    /// Those of them who may be flagged.
    pub candidates: Vec<FlagCandidate>,
    /// Lifetime values of those who have one.
    pub clv: Vec<f64>,
}

/// Where users stand among all.
pub(super) struct Ranks {
    /// Of log odds.
    pub churn: Percentiles,
    /// Of lifetime values.
    pub clv: Percentiles,
    last_flagged: Option<FlagCandidate>,
}

impl Ranks {
    /// Ranks all users; their order does not matter.
    pub fn of(all: ToRank, rule: FlagRule) -> Self {
        let ToRank { log_odds, mut candidates, clv } = all;
        let (churn, clv) = (Percentiles::of(log_odds), Percentiles::of(clv));
        Self { churn, clv, last_flagged: rule.last_flagged(&mut candidates) }
    }

    /// Whether someone who may be flagged is.
    pub fn is_flagged(&self, candidate: FlagCandidate) -> bool {
        self.last_flagged.is_some_and(|last| candidate.is_up_to(&last))
    }
}

/// Numbers among which others have a place.
pub(super) struct Percentiles {
    ascending: Vec<f64>,
}

impl Percentiles {
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.par_sort_unstable_by(f64::total_cmp);
        Self { ascending: numbers }
    }

    /// Share of the numbers, in percent, that are less; of equal ones half. Log odds still
    /// differ where probabilities near 1 are equal.
    pub fn of_users(&self, of_users: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut ascending: Vec<usize> =
            (0..of_users.len()).filter(|&user| of_users[user].is_some()).collect();
        ascending.sort_unstable_by(|&a, &b| of_users[a].partial_cmp(&of_users[b]).expect("finite"));
        let (mut below, n) = (0, self.ascending.len() as f64);
        let mut percentiles = vec![None; of_users.len()];
        for user in ascending {
            let Some(z) = of_users[user] else { continue };
            // Users come in order: each is searched for from where the last was found.
            below += first_not(&self.ascending[below..], |it| it < z);
            let up_to = below + first_not(&self.ascending[below..], |it| it <= z);
            percentiles[user] = Some(100.0 * (below + up_to) as f64 / 2.0 / n);
        }
        percentiles
    }
}

/// How many of the first values hold, where all that hold come first: quick if they are few.
fn first_not(values: &[f64], holds: impl Fn(f64) -> bool) -> usize {
    let mut end = 1;
    while end < values.len() && holds(values[end]) {
        end *= 2;
    }
    let start = end / 2;
    let end = (end + 1).min(values.len());
    start.min(end) + values[start.min(end)..end].partition_point(|&value| holds(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_log_odds_share_their_percentile() {
        let log_odds = [Some(-2.0), None, Some(0.9), Some(-2.0), Some(0.5)];
        let all =
            ToRank { log_odds: log_odds.iter().flatten().copied().collect(), ..ToRank::default() };
        let ranks = Ranks::of(all, FlagRule::default());
        let expected = [Some(25.0), None, Some(87.5), Some(25.0), Some(62.5)];
        assert_eq!(ranks.churn.of_users(&log_odds), expected);
        assert_eq!(ranks.churn.of_users(&log_odds[2..]), expected[2..]);
    }

    #[test]
    fn the_first_that_does_not_hold_is_found() {
        for n in 0..40 {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            for bound in 0..=n {
                let found = first_not(&values, |value| value < f64::from(bound));
                assert_eq!(found, bound as usize, "{bound} of {n}");
            }
        }
    }
}
