//! Counts of who goes where, by blocks of users: resamples of blocks cost the same however
//! many users there are.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::history::{GroupHistory, GroupsAt, NOT_YET_SEEN};
use crate::stats::resample::bootstrap;

/// Blocks of users, each every so-manieth.
const N_BLOCKS: usize = 200;

/// Resamples behind every interval.
const N_RESAMPLES: usize = 500;

/// What is counted over some users.
pub(super) trait Sums: Send + Sync {
    /// The same of no user.
    fn empty(&self) -> Self;

    /// Adds so many copies of another.
    fn add(&mut self, other: &Self, n_copies: f64);
}

/// What is counted, by block.
pub(super) struct Blocks<S>(Vec<S>);

impl<S: Sums> Blocks<S> {
    /// Counts the users of every block.
    pub fn count(
        n_users: usize,
        of_users: impl Fn(&mut dyn Iterator<Item = usize>) -> S + Sync,
    ) -> Self {
        let n_blocks = N_BLOCKS.min(n_users.max(1));
        let block = |block: usize| of_users(&mut (block..n_users).step_by(n_blocks));
        Self((0..n_blocks).into_par_iter().map(block).collect())
    }

    /// Every other block, and the rest.
    pub fn halves(&self) -> (S, S) {
        let half = |n: usize| {
            let copies: Vec<u32> = (0..self.0.len()).map(|it| u32::from(it % 2 == n)).collect();
            self.weighted(&copies)
        };
        (half(0), half(1))
    }

    /// All users together.
    pub fn all(&self) -> S {
        self.weighted(&vec![1; self.0.len()])
    }

    /// What `measure` says of resamples of the blocks: users of a block stay together.
    ///
    /// Source: Chamandy et al. (2012), "Estimating uncertainty for massive data streams", §2
    /// (random groups).
    pub fn resampled<T: Send>(&self, seed: u64, measure: impl Fn(&S) -> T + Sync + Send) -> Vec<T> {
        bootstrap(self.0.len(), N_RESAMPLES, seed, |copies| measure(&self.weighted(copies)))
    }

    fn weighted(&self, copies: &[u32]) -> S {
        let mut sums = self.0[0].empty();
        for (block, &n_copies) in self.0.iter().zip(copies).filter(|(_, n)| **n > 0) {
            sums.add(block, f64::from(n_copies));
        }
        sums
    }
}

/// Moves, amounts and newcomers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moves {
    /// Users who went from each group to each in a step, shape (from, to).
    pub counts: Array2<f64>,
    /// Users of each group, at all moments whose step has ended.
    pub n_paying: Array1<f64>,
    /// What they ordered in the step.
    pub amounts: Array1<f64>,
    /// Users who were not seen at the start of the last step, by the group they end it in.
    pub newcomers: Array1<f64>,
    /// Users of each group at the starts of spans of several steps.
    pub n_followed: Array1<f64>,
    /// What they ordered in all of those steps.
    pub followed: Array1<f64>,
}

/// What is counted of a history.
#[derive(Default)]
pub(super) struct ToCount<'h> {
    /// Steps whose moves count.
    pub steps: Vec<(&'h GroupsAt, &'h GroupsAt)>,
    /// Moments that count by what users ordered in the step after.
    pub paying: Vec<&'h GroupsAt>,
    /// Spans of as many steps each, by the moments where these start.
    pub spans: Vec<Vec<&'h GroupsAt>>,
}

impl Moves {
    fn zeros(n_groups: usize) -> Self {
        Self {
            counts: Array2::zeros((n_groups, n_groups)),
            n_paying: Array1::zeros(n_groups),
            amounts: Array1::zeros(n_groups),
            newcomers: Array1::zeros(n_groups),
            n_followed: Array1::zeros(n_groups),
            followed: Array1::zeros(n_groups),
        }
    }

    /// Counts it by blocks of users.
    pub fn count(history: &GroupHistory, of: &ToCount<'_>) -> Blocks<Self> {
        let ToCount { steps, paying, spans } = of;
        Blocks::count(history.n_users(), |users| {
            let mut sums = Self::zeros(history.n_groups);
            for user in users {
                for (place, (before, after)) in steps.iter().enumerate() {
                    let is_last = place + 1 == steps.len();
                    let (from, to) = (before.group_of[user], after.group_of[user]);
                    match (from, to) {
                        (_, NOT_YET_SEEN) => {}
                        (NOT_YET_SEEN, to) => {
                            sums.newcomers[usize::from(to)] += f64::from(u8::from(is_last));
                        }
                        (from, to) => sums.counts[[usize::from(from), usize::from(to)]] += 1.0,
                    }
                }
                for moment in paying {
                    let (group, amounts) = (moment.group_of[user], moment.amounts.as_ref());
                    if let (true, Some(amounts)) = (group != NOT_YET_SEEN, amounts) {
                        sums.n_paying[usize::from(group)] += 1.0;
                        sums.amounts[usize::from(group)] += amounts[user];
                    }
                }
                for span in spans {
                    let group = span[0].group_of[user];
                    if group != NOT_YET_SEEN {
                        let amounts = span.iter().filter_map(|it| it.amounts.as_ref());
                        sums.n_followed[usize::from(group)] += 1.0;
                        sums.followed[usize::from(group)] +=
                            amounts.map(|it| it[user]).sum::<f64>();
                    }
                }
            }
            sums
        })
    }
}

impl Sums for Moves {
    fn empty(&self) -> Self {
        Self::zeros(self.amounts.len())
    }

    fn add(&mut self, other: &Self, n_copies: f64) {
        self.counts.scaled_add(n_copies, &other.counts);
        self.n_paying.scaled_add(n_copies, &other.n_paying);
        self.amounts.scaled_add(n_copies, &other.amounts);
        self.newcomers.scaled_add(n_copies, &other.newcomers);
        self.n_followed.scaled_add(n_copies, &other.n_followed);
        self.followed.scaled_add(n_copies, &other.followed);
    }
}
