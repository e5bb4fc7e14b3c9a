//! The verb `plan`: what a plan can find, from how users were before.

use std::path::Path;

use chrono::Days;

use super::from_events::Measurer;
use super::from_table::tally_past;
use super::plan_file::PlanFile;
use crate::app::{Model, PipelineError, Session};
use crate::experiment::{
    Cap, ExperimentPlan, MetricKind, MetricPlan, Outlook, Population, outlook,
};
use crate::input::engine::Engine;
use crate::settings::{OpenShare, Positive};

/// Quantile of the values other than 0 at which a metric is capped to see what that gains.
const TRIED_CAP: f64 = 0.99;

/// Days over which users who join are counted.
const JOINING_DAYS: u64 = 28;

/// What a plan can find.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: ExperimentPlan,
    /// Of its metrics.
    pub outlook: Outlook,
    /// Of metrics like those that fall short, which are not in the plan.
    pub alternatives: Outlook,
}

/// Looks ahead from events: every user known by then is measured over the last window of
/// each metric.
///
/// # Errors
/// When the data cannot be read or the plan does not fit it.
pub fn plan_from_events(
    session: &Session,
    model: Option<&Model>,
    plan_file: &PlanFile,
) -> Result<Planned, PipelineError> {
    session.run("plan", 2, |stages| {
        let data = session.read(model.map(|it| &it.bundle.plan), stages)?;
        stages.begin("measuring users");
        let as_of = data.as_of()?;
        let plan = &plan_file.plan;
        let file = plan_file.file.as_path();
        let look_back = Days::new(u64::from(plan.longest_window_days()));
        let entered = as_of - look_back;
        let of = |plan: &ExperimentPlan| {
            let groupings = &[];
            Measurer { data: &data, model, plan, file, assignments: file, as_of, groupings }
                .tally_past(entered)
        };
        let known =
            super::from_events::known_users(data.histories, as_of.and_utc().timestamp_micros())?;
        let before = as_of - Days::new(JOINING_DAYS);
        let known_before =
            super::from_events::known_users(data.histories, before.and_utc().timestamp_micros())?;
        let joined = (known.len() - known_before.len()) as f64 / (JOINING_DAYS as f64 / 7.0);
        let population = Population {
            n_users: known.len() as u64,
            users_per_week: Some(plan.users_per_week.map_or(joined, Positive::get)),
        };
        look(plan, population, of)
    })
}

/// Looks ahead from a table of users as they were before.
///
/// # Errors
/// As [`plan_from_events`].
pub fn plan_from_table(
    engine: &Engine,
    plan_file: &PlanFile,
    table: &Path,
) -> Result<Planned, PipelineError> {
    let plan = &plan_file.plan;
    if plan.columns.is_none() {
        return Err(PipelineError::Plan {
            file: plan_file.file.clone(),
            problem: "reads events; for a table by user it needs [columns]".into(),
        });
    }
    engine.install(|| {
        let found = tally_past(engine, plan, table)?;
        let population = Population {
            n_users: found.tally.n_of_arm(0),
            users_per_week: plan.users_per_week.map(Positive::get),
        };
        look(plan, population, |plan| tally_past(engine, plan, table))
    })
}

fn look(
    plan: &ExperimentPlan,
    population: Population,
    tally: impl Fn(&ExperimentPlan) -> Result<super::intake::Found, PipelineError>,
) -> Result<Planned, PipelineError> {
    let found = outlook(plan, population, &tally(plan)?.tally);
    let falls_short = |name: &str| {
        let of_metric = found.metrics.iter().find(|it| it.name == name);
        of_metric.and_then(|it| it.can_succeed(plan.power.get())) == Some(false)
    };
    let others: Vec<MetricPlan> =
        plan.metrics.iter().filter(|it| falls_short(&it.name)).flat_map(alternatives).collect();
    let other_plan = ExperimentPlan { metrics: others, ..plan.clone() };
    let alternatives = match other_plan.metrics.is_empty() {
        true => Outlook { population, metrics: Vec::new() },
        false => outlook(&other_plan, population, &tally(&other_plan)?.tally),
    };
    Ok(Planned { plan: plan.clone(), outlook: found, alternatives })
}

/// Metrics of the same values that vary less.
fn alternatives(metric: &MetricPlan) -> Vec<MetricPlan> {
    let mut found = Vec::new();
    if metric.kind == MetricKind::Mean {
        let name = format!("{} > 0", metric.name);
        let share = MetricPlan { name, kind: MetricKind::Share, cap: None, ..metric.clone() };
        found.push(share);
    }
    if metric.kind != MetricKind::Share && metric.cap.is_none() {
        let name = format!("{}, cap at {:.0} %", metric.name, 100.0 * TRIED_CAP);
        let cap = Some(Cap::Quantile(OpenShare::of(TRIED_CAP)));
        found.push(MetricPlan { name, cap, ..metric.clone() });
    }
    found
}
