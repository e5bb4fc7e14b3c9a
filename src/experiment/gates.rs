//! What has to hold before any number is believed.

use chrono::NaiveDate;

use super::plan::ExperimentPlan;
use super::seal::Deviation;
use super::tally::Tally;
use crate::stats::effects::{
    ArmCount, Effect, MetricForm, Mismatch, Moments, covariate_coefficient, estimates, mismatch,
};

/// Below this no number is shown.
const REFUSED_BELOW: f64 = 0.001;

/// Below this no verdict is given.
const HELD_BELOW: f64 = 0.01;

/// Share of users with another arm than their hash gives, above which the file is refused.
const MAX_SHARE_OF_OTHER_ARMS: f64 = 0.01;

/// Share of users in two arms above which the file is refused.
const MAX_SHARE_IN_TWO_ARMS: f64 = 0.01;

/// Share of users who are never seen, above which others who were never assigned look like
/// the same.
const MAX_STRANGE: f64 = 0.2;

/// Share of the variance of a metric that something known before it can hardly explain.
pub const MAX_EXPLAINED: f64 = 0.98;

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is as it should be.
    Passed,
    /// No verdict, unless somebody accepts it and says why.
    Held,
    /// No numbers at all.
    Refused,
}

/// Where the numbers of users in the arms do not fit their weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The layer or the day, where it is one of them.
    pub layer: Option<String>,
    /// Day of entry.
    pub day: Option<NaiveDate>,
    /// Users found in each arm.
    pub n_users: Vec<u64>,
    /// The test.
    pub test: Mismatch,
    /// Its p-value, corrected for the number of layers or days.
    pub p_value: f64,
}

/// What a gate looked at, and what it found.
#[derive(Debug, Clone, PartialEq)]
pub enum GateKind {
    /// Users of the arms against their weights, in total.
    Mismatch(Located),
    /// The same by layer: the worst.
    MismatchByLayer(Located),
    /// The same by day of entry: the worst.
    MismatchByDay(Located),
    /// Users of the holdout against its share.
    HoldoutShare(Located),
    /// Users whom the file gives more than one arm.
    TwoArms {
        /// How many.
        n_users: u64,
        /// Some of them.
        examples: Vec<String>,
    },
    /// Users, or rows, with no arm.
    WithoutArm {
        /// How many.
        n_users: u64,
    },
    /// Users with another arm than their hash gives.
    OtherArmThanHash {
        /// How many.
        n_users: u64,
        /// Of how many that were looked at.
        n_checked: u64,
        /// Some of them.
        examples: Vec<String>,
    },
    /// Users who entered before the start or after the end; they do not count.
    OutsideDates {
        /// Before the start.
        n_before: u64,
        /// On the last day or later.
        n_after: u64,
    },
    /// Arms that differed before exposure.
    Imbalance {
        /// The metric whose covariate it is.
        metric: String,
        /// The arm that differs most from the control.
        arm: String,
        /// p-value, corrected for the number of arms and metrics.
        p_value: f64,
    },
    /// Users of the file of assignments who are never seen, while as many others are who were
    /// never assigned: ids that do not meet.
    StrangeIds {
        /// Assigned and never seen.
        n_never_seen: u64,
        /// Seen and never assigned.
        n_never_assigned: u64,
        /// Some of those.
        examples: Vec<String>,
    },
    /// A covariate that says nearly all of what is measured.
    TooGoodCovariate {
        /// The metric.
        metric: String,
        /// Share of its variance that the covariate explains.
        explained: f64,
    },
    /// The plan is not what was sealed.
    ChangedPlan(Vec<Deviation>),
}

/// A gate and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What it found.
    pub kind: GateKind,
    /// What follows.
    pub level: Level,
}

impl GateKind {
    /// The name by which it can be accepted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mismatch(_) => "mismatch",
            Self::MismatchByLayer(_) => "mismatch_by_layer",
            Self::MismatchByDay(_) => "mismatch_by_day",
            Self::HoldoutShare(_) => "holdout_share",
            Self::TwoArms { .. } => "two_arms",
            Self::WithoutArm { .. } => "without_arm",
            Self::OtherArmThanHash { .. } => "other_arm_than_hash",
            Self::OutsideDates { .. } => "outside_dates",
            Self::Imbalance { .. } => "imbalance",
            Self::StrangeIds { .. } => "strange_ids",
            Self::TooGoodCovariate { .. } => "too_good_covariate",
            Self::ChangedPlan(_) => "changed_plan",
        }
    }

    /// All names.
    pub const NAMES: [&'static str; 12] = [
        "mismatch",
        "mismatch_by_layer",
        "mismatch_by_day",
        "holdout_share",
        "two_arms",
        "without_arm",
        "other_arm_than_hash",
        "outside_dates",
        "imbalance",
        "strange_ids",
        "too_good_covariate",
        "changed_plan",
    ];
}

/// What was met on the way to the tally.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intake {
    /// Users of the holdout.
    pub n_holdout: u64,
    /// Users with no part in the experiment.
    pub n_nothing: u64,
    /// Users, or rows, with no arm.
    pub n_without_arm: u64,
    /// Users in more than one arm; they do not count.
    pub n_in_two_arms: u64,
    /// Some of them.
    pub in_two_arms: Vec<String>,
    /// Users whose hash was computed anew.
    pub n_hashed: u64,
    /// Users with another arm than that gives; they count where the file has them.
    pub n_other_arm: u64,
    /// Some of them.
    pub other_arm: Vec<String>,
    /// Users who entered before the start; they do not count.
    pub n_before_start: u64,
    /// Users who entered on the last day or later, or after the day of the data; they do not
    /// count.
    pub n_after_end: u64,
    /// Users who were assigned and have no row or event: they count with zeros.
    pub n_never_seen: u64,
    /// Users with rows or events since the start who were never assigned.
    pub n_never_assigned: u64,
    /// Some of them.
    pub never_assigned: Vec<String>,
    /// Rows beyond the first of their user, which were added to it.
    pub n_added_rows: u64,
    /// Layers or covariates that were known only after the user entered.
    pub n_known_too_late: u64,
}

/// Looks at everything.
pub fn gates(
    plan: &ExperimentPlan,
    layers: &[String],
    tally: &Tally,
    intake: &Intake,
    changes: Vec<Deviation>,
) -> Vec<Gate> {
    let of_p = |p: f64| match p {
        p if p < REFUSED_BELOW => Level::Refused,
        p if p < HELD_BELOW => Level::Held,
        _ => Level::Passed,
    };
    let of_share = |n: u64, of: u64, limit: f64| match n as f64 > limit * of as f64 {
        _ if n == 0 => Level::Passed,
        true => Level::Refused,
        false => Level::Held,
    };
    let located = |make: fn(Located) -> GateKind| {
        move |it: Located| Gate { level: of_p(it.p_value), kind: make(it) }
    };
    let n_users: u64 = (0..plan.arms.len()).map(|arm| tally.n_of_arm(arm)).sum();
    let mut found = vec![located(GateKind::Mismatch)(in_total(plan, tally))];
    found.extend(by_layer(plan, layers, tally).map(located(GateKind::MismatchByLayer)));
    found.extend(by_day(plan, tally).map(located(GateKind::MismatchByDay)));
    found.extend(holdout(plan, n_users, intake).map(located(GateKind::HoldoutShare)));
    let mut add = |kind, level| found.push(Gate { kind, level });
    let (n_users_twice, examples) = (intake.n_in_two_arms, intake.in_two_arms.clone());
    let level = of_share(n_users_twice, n_users + n_users_twice, MAX_SHARE_IN_TWO_ARMS);
    add(GateKind::TwoArms { n_users: n_users_twice, examples }, level);
    let n_without = intake.n_without_arm;
    let level = if n_without > 0 { Level::Held } else { Level::Passed };
    add(GateKind::WithoutArm { n_users: n_without }, level);
    if intake.n_hashed > 0 {
        let (n_users, n_checked) = (intake.n_other_arm, intake.n_hashed);
        let level = of_share(n_users, n_checked, MAX_SHARE_OF_OTHER_ARMS);
        let examples = intake.other_arm.clone();
        add(GateKind::OtherArmThanHash { n_users, n_checked, examples }, level);
    }
    let (n_before, n_after) = (intake.n_before_start, intake.n_after_end);
    let level = if n_before + n_after > 0 { Level::Held } else { Level::Passed };
    add(GateKind::OutsideDates { n_before, n_after }, level);
    if let Some((metric, arm, p_value)) = imbalance(plan, tally) {
        add(GateKind::Imbalance { metric, arm, p_value }, of_p(p_value));
    }
    if let Some(kind) = strange_ids(n_users, intake) {
        add(kind, Level::Held);
    }
    if let Some((metric, explained)) = best_covariate(plan, tally) {
        let level = if explained > MAX_EXPLAINED { Level::Held } else { Level::Passed };
        add(GateKind::TooGoodCovariate { metric, explained }, level);
    }
    let level = if changes.is_empty() { Level::Passed } else { Level::Refused };
    add(GateKind::ChangedPlan(changes), level);
    found
}

/// Some never seen are usual, and so are some never assigned; many of both are one and the
/// same users, written in two ways.
fn strange_ids(n_users: u64, intake: &Intake) -> Option<GateKind> {
    let (n_never_seen, n_never_assigned) = (intake.n_never_seen, intake.n_never_assigned);
    let is_much = n_never_seen as f64 > MAX_STRANGE * n_users as f64;
    let is_alike = n_never_assigned as f64 > 0.5 * n_never_seen as f64;
    (is_much && is_alike).then(|| GateKind::StrangeIds {
        n_never_seen,
        n_never_assigned,
        examples: intake.never_assigned.clone(),
    })
}

/// The metric of whose variance the covariate explains most.
fn best_covariate(plan: &ExperimentPlan, tally: &Tally) -> Option<(String, f64)> {
    let metrics = plan.metrics.iter().zip(&tally.metrics);
    let explained = metrics.filter_map(|(metric, sums)| {
        let (_, explained) = covariate_coefficient(&sums.moments_of_arms(false), sums.shape.form)?;
        Some((metric.name.clone(), explained))
    });
    explained.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn test(plan: &ExperimentPlan, n_users: Vec<u64>) -> Located {
    let arms = plan.arms.iter().zip(&n_users);
    let counts: Vec<ArmCount> =
        arms.map(|(arm, &n)| ArmCount { n, weight: arm.weight.get() }).collect();
    let mut test = mismatch(&counts);
    // Users in an arm that was to have none are no chance at all.
    if counts.iter().any(|arm| arm.weight == 0.0 && arm.n > 0) {
        test.p_value = 0.0;
    }
    Located { layer: None, day: None, p_value: test.p_value, n_users, test }
}

fn in_total(plan: &ExperimentPlan, tally: &Tally) -> Located {
    test(plan, (0..plan.arms.len()).map(|arm| tally.n_of_arm(arm)).collect())
}

/// The least p-value, times how many were looked at.
fn worst(tests: Vec<Located>) -> Option<Located> {
    let n_tests = tests.len() as f64;
    let least = tests.into_iter().min_by(|a, b| a.p_value.total_cmp(&b.p_value))?;
    Some(Located { p_value: (least.p_value * n_tests).min(1.0), ..least })
}

fn by_layer(plan: &ExperimentPlan, layers: &[String], tally: &Tally) -> Option<Located> {
    if layers.len() < 2 {
        return None;
    }
    let of_layer = |(layer, name): (usize, &String)| {
        let n_users = (0..plan.arms.len()).map(|arm| tally.n_of(arm, layer)).collect();
        Located { layer: Some(name.clone()), ..test(plan, n_users) }
    };
    worst(layers.iter().enumerate().map(of_layer).collect())
}

fn by_day(plan: &ExperimentPlan, tally: &Tally) -> Option<Located> {
    let of_day = |(day, n_users): (NaiveDate, &[u64])| Located {
        day: Some(day),
        ..test(plan, n_users.to_vec())
    };
    let tests: Vec<Located> = tally.days().map(of_day).collect();
    if tests.len() < 2 { None } else { worst(tests) }
}

/// Only where a file lists those of the holdout at all.
fn holdout(plan: &ExperimentPlan, n_users: u64, intake: &Intake) -> Option<Located> {
    let share = plan.holdout.as_ref()?.share.get();
    let counts = [n_users + intake.n_nothing, intake.n_holdout];
    if intake.n_holdout == 0 {
        return None;
    }
    let test = mismatch(&[
        ArmCount { n: counts[0], weight: 1.0 - share },
        ArmCount { n: counts[1], weight: share },
    ]);
    Some(Located { layer: None, day: None, n_users: counts.to_vec(), p_value: test.p_value, test })
}

/// The metric and the arm whose covariate differs most from the control's.
fn imbalance(plan: &ExperimentPlan, tally: &Tally) -> Option<(String, String, f64)> {
    let mut found = Vec::new();
    for (metric, sums) in plan.metrics.iter().zip(&tally.metrics) {
        let Some(form) = form_of_covariate(sums.shape.form) else { continue };
        let before: Vec<Moments> =
            sums.moments_of_arms(false).iter().map(Moments::of_covariate).collect();
        let of_arms = estimates(&before, form, 0.0);
        for (arm, estimate) in plan.arms.iter().zip(&of_arms).skip(1) {
            let effect = Effect::between(of_arms[0], *estimate);
            if effect.is_testable() {
                found.push((metric.name.clone(), arm.name.clone(), effect.p_value()));
            }
        }
    }
    let n_tests = found.len() as f64;
    let (metric, arm, p) = found.into_iter().min_by(|a, b| a.2.total_cmp(&b.2))?;
    Some((metric, arm, (p * n_tests).min(1.0)))
}

fn form_of_covariate(form: MetricForm) -> Option<MetricForm> {
    use crate::stats::effects::CovariateOf;
    let is_ratio = match form.covariate {
        CovariateOf::None => return None,
        CovariateOf::Mean => false,
        CovariateOf::Ratio => true,
    };
    Some(MetricForm { is_ratio, covariate: CovariateOf::None })
}
