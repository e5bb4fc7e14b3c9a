//! Whether a plan can succeed, from how users were before.

use super::plan::{ExperimentPlan, MetricKind};
use super::tally::Tally;
use crate::settings::Finite;
use crate::stats::effects::{
    AlwaysValid, Contrast, Design, Looks, covariate_coefficient, estimates,
};

/// Users who could take part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Population {
    /// Users there are.
    pub n_users: u64,
    /// Users who join in a week, where that is known.
    pub users_per_week: Option<f64>,
}

/// What a plan can find.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Users who could take part.
    pub population: Population,
    /// In the order of the plan.
    pub metrics: Vec<MetricOutlook>,
}

/// What can be found of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricOutlook {
    /// Its name.
    pub name: String,
    /// Whether it decides.
    pub is_primary: bool,
    /// What it was.
    pub value: f64,
    /// Standard deviation over users, as planned.
    pub standard_deviation: f64,
    /// Share of users whose value was not 0.
    pub not_zero: f64,
    /// Share of the variance that the covariate explains.
    pub explained: Option<f64>,
    /// Largest value that counts in full.
    pub cap: Option<f64>,
    /// The lift that would matter.
    pub lift: Option<f64>,
    /// Users of the smallest arm that this lift needs.
    pub users_needed_in_arm: Option<f64>,
    /// Users of the whole experiment, holdout included, that it needs.
    pub users_needed: Option<f64>,
    /// Chance to find it with the users there are.
    pub power: Option<f64>,
    /// The least lift that the users there are would show.
    pub detectable_lift: Option<f64>,
    /// Weeks until there are as many users as needed; 0 where there are.
    pub weeks: Option<f64>,
}

impl MetricOutlook {
    /// Whether the users there are would show the lift that matters; `None` where the plan
    /// names none.
    pub fn can_succeed(&self, power: f64) -> Option<bool> {
        self.power.map(|found| found >= power)
    }
}

/// Looks ahead, by a tally of users as they were before, all in the first arm. Where arms
/// differ in weight, the one that finds least counts.
pub fn outlook(plan: &ExperimentPlan, population: Population, before: &Tally) -> Outlook {
    let metrics = plan.metrics.iter().enumerate();
    let metrics = metrics.map(|(number, _)| metric_outlook(plan, population, before, number));
    Outlook { population, metrics: metrics.collect() }
}

fn metric_outlook(
    plan: &ExperimentPlan,
    population: Population,
    before: &Tally,
    number: usize,
) -> MetricOutlook {
    let (metric, sums) = (&plan.metrics[number], &before.metrics[number]);
    let users = [sums.moments_of_arms(true).swap_remove(0)];
    let covariate = covariate_coefficient(&users, sums.shape.form);
    let adjusted = estimates(&users, sums.shape.form, covariate.map_or(0.0, |it| it.0))[0];
    let (control, arm) = (plan.arms[0].weight.get(), smallest_arm(plan));
    let share_of_both = (control + arm) * plan.coverage.get() * (1.0 - held_out(plan));
    let n_both = population.n_users as f64 * share_of_both;
    let design = design(plan);
    let lift = metric.lift.map(Finite::get);
    let size = adjusted.value.abs();
    let contrast = |lift: f64| {
        let treated = match metric.kind {
            MetricKind::Share => {
                let share = adjusted.value * (1.0 + lift);
                let unadjusted = adjusted.value * (1.0 - adjusted.value);
                // A covariate takes as large a part of both.
                adjusted.unit_variance * (share * (1.0 - share) / unadjusted).max(0.0)
            }
            _ => adjusted.unit_variance,
        };
        Contrast {
            control_variance: adjusted.unit_variance,
            treated_variance: treated,
            control_share: control / (control + arm),
        }
    };
    let is_known = size > 0.0 && adjusted.unit_variance > 0.0 && n_both > 0.0;
    let known_lift = lift.filter(|_| is_known);
    let needed_of_both =
        known_lift.and_then(|lift| design.users_needed(lift * size, contrast(lift)));
    let users_needed = needed_of_both.map(|n| n / share_of_both);
    let missing = users_needed.map(|n| (n - population.n_users as f64).max(0.0));
    let n = users[0].n.max(1.0);
    MetricOutlook {
        name: metric.name.clone(),
        is_primary: metric.primary,
        value: adjusted.value,
        standard_deviation: adjusted.unit_variance.sqrt(),
        not_zero: sums.n_not_zero[0] as f64 / n,
        explained: covariate.map(|it| it.1),
        cap: sums.shape.cap.map(|cap| cap as f64 / super::tally::SCALE),
        lift,
        users_needed_in_arm: needed_of_both.map(|n| n * control.min(arm) / (control + arm)),
        users_needed,
        power: known_lift.map(|lift| {
            design.power_to_find(lift * size / contrast(lift).standard_error(n_both), n_both)
        }),
        detectable_lift: is_known.then(|| design.detectable(contrast(0.0), n_both) / size),
        weeks: missing.and_then(|missing| match population.users_per_week {
            _ if missing == 0.0 => Some(0.0),
            Some(per_week) if per_week > 0.0 => Some(missing / per_week),
            _ => None,
        }),
    }
}

fn design(plan: &ExperimentPlan) -> Design {
    let alpha = plan.alpha.get();
    let sequence = AlwaysValid::narrowest_at(plan.n_star.get(), alpha);
    let n_looks = plan.looks.get() as u32;
    let looks = (n_looks > 1).then_some(Looks { sequence, n_looks });
    Design { alpha, power: plan.power.get(), looks }
}

/// Weight of the smallest arm beside the control that has users.
fn smallest_arm(plan: &ExperimentPlan) -> f64 {
    let weights = plan.arms[1..].iter().map(|arm| arm.weight.get()).filter(|it| *it > 0.0);
    weights.reduce(f64::min).unwrap_or(0.0)
}

fn held_out(plan: &ExperimentPlan) -> f64 {
    plan.holdout.as_ref().map_or(0.0, |it| it.share.get())
}
