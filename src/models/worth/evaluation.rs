//! The worth of groups: values with intervals, and how far the chain behind them holds.

use chrono::NaiveDateTime;
use ndarray::{Array1, Array2, Array3};

use super::chain::CountedChain;
use super::foretold::{CountedBefore, HeldOutStep, StepsAhead};
use super::history::{GroupHistory, NOT_YET_SEEN};
use super::{FittedChain, WorthAhead, WorthError};
use crate::stats::markov::{MemoryTest, memory_test, projected};
use crate::stats::resample::{Interval, percentile_interval};

/// Share of users in the wrong group up to which sizes that were foretold are trusted.
pub const TRUSTED_ERROR: f64 = 0.1;

/// How far what came may be from what the chain says, as a part of the latter, for worth to be
/// relied on.
pub const TRUSTED_RATIO: f64 = 0.2;

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
    /// Steps over which members of groups were followed: as many as the history shows, up to
    /// how far worth looks ahead; 0 where two do not follow each other.
    pub n_followed_steps: usize,
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
    /// Users at all moments that were counted, once for each. Of a group that nobody was ever
    /// in, the rest is what all users do.
    pub n_seen: usize,
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
    /// What members ordered in the steps that they were followed; `None` where there were none.
    pub followed: Option<FollowedGroup>,
}

/// What members of a group ordered in several steps, beside what the chain says. It was fitted
/// to these steps too, and goes wrong where it matters how users came into the group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FollowedGroup {
    /// Users and moments from which they were followed.
    pub n_users: usize,
    /// What one of them orders by the chain.
    pub expected: f64,
    /// What one of them did order.
    pub actual: f64,
    /// Actual by expected.
    pub ratio: (f64, Option<Interval>),
}

impl FollowedGroup {
    /// Whether worth is off by more than can be relied on, and not by chance.
    pub fn is_off(&self) -> bool {
        let (ratio, interval) = self.ratio;
        (ratio - 1.0).abs() > TRUSTED_RATIO
            && interval.is_some_and(|it| !(it.low..=it.high).contains(&1.0))
    }
}

/// The worth of groups, and the values that resampled users gave.
pub struct MeasuredWorth {
    /// The worth.
    pub worth: GroupsWorth,
    pub(super) resampled: Vec<Resampled>,
}

/// What a chain of resampled users says.
pub(super) struct Resampled {
    /// What a member of each group orders in a step.
    pub amounts: Array1<f64>,
    /// What they are worth.
    pub values: Array1<f64>,
    /// What members ordered who were followed, by what the chain says.
    ratios: Array1<f64>,
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
    let n_ahead = (f64::from(ahead.horizon_days) / f64::from(step_days)).ceil() as usize;
    let n_followed_steps = (2..=n_ahead).rev().find(|&n| !history.spans(n).is_empty());
    let n_followed_steps = n_followed_steps.unwrap_or(0);
    let spans = if n_followed_steps > 0 { history.spans(n_followed_steps) } else { Vec::new() };
    let counted = CountedChain::fit(history, now.as_of, spans);
    let chain = &counted.chain;
    let values = chain.values(ahead, step_days);
    let (followed, expected) = (counted.followed(), chain.amounts_in(n_followed_steps));
    let n_seen = counted.n_seen();
    let sizes = Array1::from(history.sizes(now));
    let resampled: Vec<Resampled> = counted.resampled(seed, |it, followed| Resampled {
        amounts: it.amounts.clone(),
        values: it.values(ahead, step_days),
        ratios: followed.amounts / it.amounts_in(n_followed_steps),
    });
    let interval = |of: &dyn Fn(&Resampled) -> f64| {
        percentile_interval(resampled.iter().map(|it| Some(of(it)).filter(|it| it.is_finite())))
    };
    let group = |group: usize| {
        let stays = chain.chances[[group, group]];
        let others = (0..history.n_groups).filter(|&other| other != group);
        let chance = |&other: &usize| chain.chances[[group, other]];
        let next = others.max_by(|a, b| chance(a).total_cmp(&chance(b)).then(b.cmp(a)));
        GroupInNumbers {
            n_users: sizes[group] as usize,
            n_seen: n_seen[group] as usize,
            amount: (chain.amounts[group], interval(&|it| it.amounts[group])),
            value: (values[group], interval(&|it| it.values[group])),
            stays,
            half_life_days: (stays > 0.0 && stays < 1.0)
                .then(|| 0.5f64.ln() / stays.ln() * f64::from(step_days)),
            next: next.filter(|next| chance(next) > 0.0).map(|next| (next, chance(&next))),
            followed: (followed.n_users[group] > 0.0 && expected[group] > 0.0).then(|| {
                let (expected, actual) = (expected[group], followed.amounts[group]);
                let ratio = (actual / expected, interval(&|it| it.ratios[group]));
                let n_users = followed.n_users[group] as usize;
                FollowedGroup { n_users, expected, actual, ratio }
            }),
        }
    };
    let before = |n_steps: usize| CountedBefore::of(history, n_steps);
    let steps_ahead: Vec<StepsAhead> =
        (1..).map_while(|n_steps| Some(before(n_steps)?.steps_ahead(n_steps))).collect();
    let is_trusted = |it: &&StepsAhead| it.error <= TRUSTED_ERROR;
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
        n_followed_steps,
        n_trusted_steps: steps_ahead.iter().take_while(is_trusted).count(),
        steps_ahead,
        held_out: before(1).map(|it| it.held_out(seed)),
        projected: project(&Array1::zeros(history.n_groups)),
        projected_with_newcomers: project(&chain.newcomers),
        chain: counted.chain,
    };
    Ok(MeasuredWorth { worth, resampled })
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
