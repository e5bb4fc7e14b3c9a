//! The worth of groups: values with intervals, and how far the chain behind them holds.

use chrono::NaiveDateTime;
use ndarray::{Array1, Array2, Array3};

use super::chain::CountedChain;
use super::history::{GroupHistory, GroupsAt, NOT_YET_SEEN};
use super::{FittedChain, WorthAhead, WorthError};
use crate::stats::markov::{MemoryTest, memory_test, projected};
use crate::stats::resample::{Interval, percentile_interval};

/// Share of users in the wrong group up to which sizes that were foretold are trusted.
pub const TRUSTED_ERROR: f64 = 0.1;

/// What groups are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupsWorth {
    /// Now: the end of the data.
    pub now: NaiveDateTime,
    /// Length of a step.
    pub step_days: u32,
    /// Steps that were counted, and the start of the first.
    pub steps: (usize, NaiveDateTime),
    /// How far worth looks ahead.
    pub ahead: WorthAhead,
    /// Who goes where, by all steps.
    pub chain: FittedChain,
    /// One row a group.
    pub groups: Vec<GroupInNumbers>,
    /// What all users of now are worth together.
    pub base: (f64, Option<Interval>),
    /// Whether where users came from matters beside where they are; `None` where no two
    /// steps follow each other.
    pub memory: Option<MemoryTest>,
    /// Sizes that were foretold, by how far ahead.
    pub steps_ahead: Vec<StepsAhead>,
    /// Steps ahead for which they came true; 0 where no step was held out.
    pub n_trusted_steps: usize,
    /// The last step, foretold by those before; `None` where there are none.
    pub held_out: Option<HeldOutStep>,
    /// Users of each group now and after each step, shape (1 + steps, groups), without users
    /// who join.
    pub projected: Projected,
    /// The same with as many as joined in the last step.
    pub projected_with_newcomers: Projected,
}

/// Users of the steps to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected(Array2<f64>);

impl Projected {
    /// Steps.
    pub fn n_steps(&self) -> usize {
        self.0.nrows() - 1
    }

    /// Users of a group after so many steps.
    pub fn users_of(&self, step: usize, group: usize) -> f64 {
        self.0[[step, group]]
    }

    /// Users after so many steps.
    pub fn users(&self, step: usize) -> f64 {
        self.0.row(step).sum()
    }

    /// What they order in the step that follows.
    pub fn amount(&self, step: usize, chain: &FittedChain) -> f64 {
        self.0.row(step).dot(&chain.amounts)
    }
}

impl GroupsWorth {
    /// Whether what users ordered in the last step lies outside of the interval in which it
    /// was foretold.
    pub fn is_off(&self) -> bool {
        let Some(HeldOutStep { amount: (_, Some(interval)), actual_amount, .. }) = &self.held_out
        else {
            return false;
        };
        !(interval.low..=interval.high).contains(actual_amount)
    }

    /// Whether sizes were foretold worse than had they been foretold to stay what they were.
    pub fn is_worse_than_no_moves(&self) -> bool {
        self.steps_ahead.iter().any(|it| it.error > it.error_if_nobody_moved)
    }
}

/// A group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupInNumbers {
    /// Users now.
    pub n_users: usize,
    /// What one of them orders in a step.
    pub amount: (f64, Option<Interval>),
    /// What one of them is worth.
    pub value: (f64, Option<Interval>),
    /// Chance to be in the group a step later.
    pub stays: f64,
    /// Days after which half of the users have left it at least once; `None` where none do.
    pub half_life_days: Option<f64>,
    /// The likeliest other group a step later, and its chance.
    pub next: Option<(usize, f64)>,
}

/// Sizes of groups now, foretold from so many steps before.
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

/// The worth of groups, and the values that resampled users gave.
pub struct MeasuredWorth {
    /// The worth.
    pub worth: GroupsWorth,
    pub(super) resampled_values: Vec<Array1<f64>>,
}

/// Amounts and values of groups by a chain of resampled users.
struct Resampled {
    amounts: Array1<f64>,
    values: Array1<f64>,
}

/// Values groups by all steps of a history.
///
/// # Errors
/// When it has no step.
pub fn measure_worth(
    history: &GroupHistory,
    ahead: &WorthAhead,
    seed: u64,
) -> Result<MeasuredWorth, WorthError> {
    let (now, step_days) = (history.now(), history.step_days);
    let steps = history.steps(now.as_of);
    let Some(first) = steps.first() else { return Err(WorthError::NoStep { step_days }) };
    let counted = CountedChain::fit(history, now.as_of);
    let chain = &counted.chain;
    let values = chain.values(ahead, step_days);
    let sizes = Array1::from(history.sizes(now));
    let resampled: Vec<Resampled> = counted.resampled(seed, |it| Resampled {
        amounts: it.amounts.clone(),
        values: it.values(ahead, step_days),
    });
    let interval = |of: &dyn Fn(&Resampled) -> f64| {
        percentile_interval(resampled.iter().map(|it| Some(of(it))))
    };
    let group = |group: usize| {
        let stays = chain.chances[[group, group]];
        let others = (0..history.n_groups).filter(|&other| other != group);
        let chance = |&other: &usize| chain.chances[[group, other]];
        let next = others.max_by(|a, b| chance(a).total_cmp(&chance(b)).then(b.cmp(a)));
        GroupInNumbers {
            n_users: sizes[group] as usize,
            amount: (chain.amounts[group], interval(&|it| it.amounts[group])),
            value: (values[group], interval(&|it| it.values[group])),
            stays,
            half_life_days: (stays > 0.0 && stays < 1.0)
                .then(|| 0.5f64.ln() / stays.ln() * f64::from(step_days)),
            next: next.filter(|next| chance(next) > 0.0).map(|next| (next, chance(&next))),
        }
    };
    let before_last = CountedBefore::of(history);
    let steps_ahead = before_last.as_ref().map_or_else(Vec::new, CountedBefore::steps_ahead);
    let is_trusted = |it: &&StepsAhead| it.error <= TRUSTED_ERROR;
    let n_ahead = (f64::from(ahead.horizon_days) / f64::from(step_days)).ceil() as usize;
    let project = |newcomers: &Array1<f64>| {
        Projected(projected(sizes.view(), chain.chances.view(), newcomers.view(), n_ahead))
    };
    let worth = GroupsWorth {
        now: now.as_of,
        step_days,
        steps: (steps.len(), first.0.as_of),
        ahead: *ahead,
        groups: (0..history.n_groups).map(group).collect(),
        base: (sizes.dot(&values), interval(&|it| sizes.dot(&it.values))),
        memory: memory_test(&successions(history)),
        n_trusted_steps: steps_ahead.iter().take_while(is_trusted).count(),
        steps_ahead,
        held_out: before_last.map(|it| it.held_out(seed)),
        projected: project(&Array1::zeros(history.n_groups)),
        projected_with_newcomers: project(&chain.newcomers),
        chain: counted.chain,
    };
    Ok(MeasuredWorth {
        worth,
        resampled_values: resampled.into_iter().map(|it| it.values).collect(),
    })
}

/// Users by their groups at three moments, each a step after the one before: shape (first,
/// second, third). Moments are whole steps before now, so that no move counts twice.
fn successions(history: &GroupHistory) -> Array3<f64> {
    let n = history.n_groups;
    let mut counts = Array3::zeros((n, n, n));
    let mut n_steps = 2;
    while let (Some(first), Some(second), Some(third)) = (
        history.before_now(n_steps),
        history.before_now(n_steps - 1),
        history.before_now(n_steps - 2),
    ) {
        for user in 0..history.n_users() {
            let at = [first, second, third].map(|it| it.group_of[user]);
            if !at.contains(&NOT_YET_SEEN) {
                counts[at.map(usize::from)] += 1.0;
            }
        }
        n_steps += 1;
    }
    counts
}

/// A chain that knows nothing of the last step, beside what came.
struct CountedBefore<'h> {
    history: &'h GroupHistory,
    start: &'h GroupsAt,
    counted: CountedChain,
}

impl<'h> CountedBefore<'h> {
    fn of(history: &'h GroupHistory) -> Option<Self> {
        let start = history.before_now(1)?;
        if history.steps(start.as_of).is_empty() {
            return None;
        }
        Some(Self { history, start, counted: CountedChain::fit(history, start.as_of) })
    }

    /// Of the users who were seen at a moment: how many are in each group now.
    fn sizes_now(&self, of: &GroupsAt) -> Array1<f64> {
        let mut sizes = Array1::zeros(self.history.n_groups);
        for (&before, &now) in of.group_of.iter().zip(&self.history.now().group_of) {
            if before != NOT_YET_SEEN && now != NOT_YET_SEEN {
                sizes[usize::from(now)] += 1.0;
            }
        }
        sizes
    }

    fn steps_ahead(&self) -> Vec<StepsAhead> {
        let ahead = |n_steps: usize| {
            let start = self.history.before_now(n_steps)?;
            let sizes = Array1::from(self.history.sizes(start));
            let actual = self.sizes_now(start);
            let chances = self.counted.chain.chances.view();
            let none = Array1::zeros(sizes.len());
            let foretold = projected(sizes.view(), chances, none.view(), n_steps);
            let error = |of: ndarray::ArrayView1<f64>| {
                let apart: f64 = of.iter().zip(&actual).map(|(a, b)| (a - b).abs()).sum();
                apart / 2.0 / actual.sum().max(1.0)
            };
            Some(StepsAhead {
                n_steps,
                n_users: sizes.sum() as usize,
                error: error(foretold.row(n_steps)),
                error_if_nobody_moved: error(sizes.view()),
            })
        };
        (1..).map_while(ahead).collect()
    }

    fn held_out(&self, seed: u64) -> HeldOutStep {
        let history = self.history;
        let chain = &self.counted.chain;
        let before = Array1::from(history.sizes(self.start));
        let after = chain.chances.t().dot(&before);
        let actual = self.sizes_now(self.start);
        let mut amounts = vec![0.0; history.n_groups];
        let ordered = self.start.amounts.as_deref().unwrap_or_default();
        for (&group, amount) in self.start.group_of.iter().zip(ordered) {
            if group != NOT_YET_SEEN {
                amounts[usize::from(group)] += amount;
            }
        }
        let totals = self.counted.resampled(seed, |it| Some(before.dot(&it.amounts)));
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
