//! What users did who moved, beside users like them who stayed.

use super::history::{GroupHistory, GroupsAt, N_STRATA};
use super::tally::{Blocks, Sums};
use crate::stats::resample::{Interval, percentile_interval};

/// Users of a group who were in another a step later, beside those who stayed and were alike
/// before. What made them move may have made them order too: the difference is no effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movers {
    /// Who moved, counted at each step whose next one has ended.
    pub n_moved: usize,
    /// Who stayed.
    pub n_stayed: usize,
    /// What those who moved ordered in the step after, less what those who stayed did:
    /// means within strata, weighted by who moved. `None` where no stratum has both.
    pub difference: Option<f64>,
    /// Of 95 %, with users as what is independent.
    pub interval: Option<Interval>,
}

/// Users and amounts of one stratum: who moved, who stayed.
#[derive(Debug, Clone, Copy, Default)]
struct Stratum {
    moved: (f64, f64),
    stayed: (f64, f64),
}

struct Strata(Vec<Stratum>);

impl Sums for Strata {
    fn empty(&self) -> Self {
        Self(vec![Stratum::default(); self.0.len()])
    }

    fn add(&mut self, other: &Self, n_copies: f64) {
        let add = |to: &mut (f64, f64), from: (f64, f64)| {
            to.0 += n_copies * from.0;
            to.1 += n_copies * from.1;
        };
        for (stratum, other) in self.0.iter_mut().zip(&other.0) {
            add(&mut stratum.moved, other.moved);
            add(&mut stratum.stayed, other.stayed);
        }
    }
}

impl Strata {
    fn difference(&self) -> Option<f64> {
        let both: Vec<&Stratum> =
            self.0.iter().filter(|it| it.moved.0 > 0.0 && it.stayed.0 > 0.0).collect();
        let n_moved: f64 = both.iter().map(|it| it.moved.0).sum();
        let apart =
            |it: &&Stratum| it.moved.0 * (it.moved.1 / it.moved.0 - it.stayed.1 / it.stayed.0);
        (n_moved > 0.0).then(|| both.iter().map(apart).sum::<f64>() / n_moved)
    }
}

/// Who moved between two groups, and the chance to in each stratum.
pub(super) struct CountedMovers {
    pub movers: Movers,
    /// Share of each stratum who moved, drawn to that of the group.
    pub chances: [f64; N_STRATA],
    /// Share of the group who moved.
    pub chance: f64,
    /// What resampled users say of the difference: the same resamples as those of values.
    pub resampled: Vec<Option<f64>>,
}

/// Users who must have moved, beside users like them who stayed, for what a move brings to be
/// known.
pub(super) const MIN_MOVERS: usize = 30;

/// Users of a group a stratum needs for its own share to count half.
const PRIOR_USERS: f64 = 50.0;

/// Counts them at all steps.
pub(super) fn count_movers(
    history: &GroupHistory,
    from: usize,
    to: usize,
    seed: u64,
) -> CountedMovers {
    let steps = history.steps(history.now().as_of);
    let was =
        |moment: &GroupsAt, user: usize, group: usize| usize::from(moment.group_of[user]) == group;
    // The step after must have ended, for what users did in it to be known.
    let paying: Vec<_> = steps.iter().filter(|(_, after)| after.amounts.is_some()).collect();
    let blocks = Blocks::count(history.n_users(), |users| {
        let mut strata = Strata(vec![Stratum::default(); N_STRATA]);
        for user in users {
            for (before, after) in paying.iter().filter(|(it, _)| was(it, user, from)) {
                let amount = after.amounts.as_ref().map_or(0.0, |it| it[user]);
                let stratum = &mut strata.0[usize::from(before.stratum_of[user])];
                let sums = match (was(after, user, to), was(after, user, from)) {
                    (true, _) => &mut stratum.moved,
                    (_, true) => &mut stratum.stayed,
                    _ => continue,
                };
                sums.0 += 1.0;
                sums.1 += amount;
            }
        }
        strata
    });
    let all = blocks.all();
    let resampled = blocks.resampled(seed, Strata::difference);
    let n = |of: fn(&Stratum) -> f64| all.0.iter().map(of).sum::<f64>() as usize;
    let (mut n_moved, mut n_users) = ([0.0; N_STRATA], [0.0; N_STRATA]);
    for (before, after) in &steps {
        for user in (0..history.n_users()).filter(|&user| was(before, user, from)) {
            let stratum = usize::from(before.stratum_of[user]);
            n_users[stratum] += 1.0;
            n_moved[stratum] += f64::from(u8::from(was(after, user, to)));
        }
    }
    let chance = n_moved.iter().sum::<f64>() / n_users.iter().sum::<f64>().max(1.0);
    let drawn = |stratum: usize| {
        (n_moved[stratum] + PRIOR_USERS * chance) / (n_users[stratum] + PRIOR_USERS)
    };
    CountedMovers {
        movers: Movers {
            n_moved: n(|it| it.moved.0),
            n_stayed: n(|it| it.stayed.0),
            difference: all.difference(),
            interval: percentile_interval(resampled.iter().copied()),
        },
        chances: std::array::from_fn(drawn),
        chance,
        resampled,
    }
}
