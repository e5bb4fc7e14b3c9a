//! Steps that have ended, foretold by what was known before them.

use chrono::NaiveDateTime;
use ndarray::{Array1, ArrayView1};

use super::chain::CountedChain;
use super::history::{GroupHistory, GroupsAt, NOT_YET_SEEN};
use crate::stats::markov::projected;
use crate::stats::resample::{Interval, percentile_interval};

/// Sizes of groups now, foretold from so many steps before by what was known then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepsAhead {
    /// Steps.
    pub n_steps: usize,
    /// Users who were seen then.
    pub n_users: usize,
    /// Share of them who would have to change groups for the sizes to be right.
    pub error: f64,
    /// The same if sizes were foretold to stay what they were.
    pub error_if_nobody_moved: f64,
}

/// The last step, foretold by the steps before it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOutStep {
    /// Its start.
    pub from: NaiveDateTime,
    /// One row a group.
    pub groups: Vec<HeldOutGroup>,
    /// What all users order in it, as foretold, with an interval.
    pub amount: (f64, Option<Interval>),
    /// What they did order.
    pub actual_amount: f64,
    /// Users who joined in the step before, and in this.
    pub newcomers: (f64, usize),
}

/// A group in the last step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOutGroup {
    /// Users at its start.
    pub n_before: usize,
    /// Of the users who were seen then: those in the group at its end, as foretold.
    pub expected_users: f64,
    /// The same as they were.
    pub actual_users: usize,
    /// What those who start it in the group order, as foretold.
    pub expected_amount: f64,
    /// The same as they did.
    pub actual_amount: f64,
}

/// A chain of what was known some steps ago, beside what came.
pub(super) struct CountedBefore<'h> {
    history: &'h GroupHistory,
    start: &'h GroupsAt,
    counted: CountedChain,
}

impl<'h> CountedBefore<'h> {
    /// `None` where no step had ended by then.
    pub fn of(history: &'h GroupHistory, n_steps: usize) -> Option<Self> {
        let start = history.before_now(n_steps)?;
        if history.steps(start.as_of).is_empty() {
            return None;
        }
        let counted = CountedChain::fit(history, start.as_of, Vec::new());
        Some(Self { history, start, counted })
    }

    /// Of the users who were seen then: how many are in each group now.
    fn sizes_now(&self) -> Array1<f64> {
        let mut sizes = Array1::zeros(self.history.n_groups);
        for (&before, &now) in self.start.group_of.iter().zip(&self.history.now().group_of) {
            if before != NOT_YET_SEEN && now != NOT_YET_SEEN {
                sizes[usize::from(now)] += 1.0;
            }
        }
        sizes
    }

    /// Sizes of groups now, foretold from then.
    pub fn steps_ahead(&self, n_steps: usize) -> StepsAhead {
        let sizes = Array1::from(self.history.sizes(self.start));
        let actual = self.sizes_now();
        let none = Array1::zeros(sizes.len());
        let chances = self.counted.chain.chances.view();
        let foretold = projected(sizes.view(), chances, none.view(), n_steps);
        let error = |of: ArrayView1<f64>| {
            let apart: f64 = of.iter().zip(&actual).map(|(a, b)| (a - b).abs()).sum();
            apart / 2.0 / actual.sum().max(1.0)
        };
        StepsAhead {
            n_steps,
            n_users: sizes.sum() as usize,
            error: error(foretold.row(n_steps)),
            error_if_nobody_moved: error(sizes.view()),
        }
    }

    /// The step that followed, foretold.
    pub fn held_out(&self, seed: u64) -> HeldOutStep {
        let history = self.history;
        let chain = &self.counted.chain;
        let before = Array1::from(history.sizes(self.start));
        let after = chain.chances.t().dot(&before);
        let actual = self.sizes_now();
        let mut amounts = vec![0.0; history.n_groups];
        let ordered = self.start.amounts.as_deref().unwrap_or_default();
        for (&group, amount) in self.start.group_of.iter().zip(ordered) {
            if group != NOT_YET_SEEN {
                amounts[usize::from(group)] += amount;
            }
        }
        let totals = self.counted.resampled(seed, |it, _| Some(before.dot(&it.amounts)));
        let is_new = |(before, now): (&u16, &u16)| *before == NOT_YET_SEEN && *now != NOT_YET_SEEN;
        let n_new = self.start.group_of.iter().zip(&history.now().group_of);
        HeldOutStep {
            from: self.start.as_of,
            groups: (0..history.n_groups)
                .map(|group| HeldOutGroup {
                    n_before: before[group] as usize,
                    expected_users: after[group],
                    actual_users: actual[group] as usize,
                    expected_amount: before[group] * chain.amounts[group],
                    actual_amount: amounts[group],
                })
                .collect(),
            amount: (before.dot(&chain.amounts), percentile_interval(totals.into_iter())),
            actual_amount: amounts.iter().sum(),
            newcomers: (chain.newcomers.sum(), n_new.filter(|&it| is_new(it)).count()),
        }
    }
}
