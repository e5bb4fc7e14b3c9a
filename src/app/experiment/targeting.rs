//! The verb `targeting`: what targeting by layers, by RFM or by other groups would be worth.

use std::collections::BTreeMap;
use std::path::Path;

use super::assignments::read;
use super::from_events::Measurer;
use super::from_table::tally_table;
use super::intake::UserOutcome;
use super::plan_file::PlanFile;
use super::readout::{Accepted, ExperimentReadout, State, TableRequest, judge};
use crate::app::{Model, PipelineError, Session};
use crate::experiment::{ExperimentPlan, MetricKind, TargetingValue, Treated, targeting_values};
use crate::input::engine::Engine;

/// Shares of users who are contacted.
const BUDGETS: [f64; 6] = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0];

/// What targetings are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetingValues {
    /// The gates of the campaign, of which one may refuse.
    pub campaign: ExperimentReadout,
    /// The metric.
    pub metric: String,
    /// What groups the users, in their order.
    pub groupings: Vec<String>,
    /// Number of groups of each.
    pub n_groups: Vec<usize>,
    /// Users who count.
    pub n_users: usize,
    /// By budget; `None` where the gates keep the values back.
    pub values: Option<Vec<TargetingValue>>,
}

/// Values targetings by the groups in a file of assignments, on what events tell.
///
/// # Errors
/// When the plan is not sealed, or a file cannot be read.
pub fn targeting_of_events(
    session: &Session,
    model: Option<&Model>,
    plan_file: &PlanFile,
    assignments: &Path,
    groupings: &[String],
    accepted: Vec<Accepted>,
) -> Result<TargetingValues, PipelineError> {
    session.run("targeting", 3, |stages| {
        let sealed = plan_file.sealed()?;
        let (plan, file) = (&sealed.plan, plan_file.file.as_path());
        check_metric(plan, file)?;
        let data = session.read(model.map(|it| &it.bundle.plan), stages)?;
        stages.begin("reading the assignments");
        let assigned = read(session.engine(), assignments, &sealed)?;
        stages.begin("measuring users");
        let as_of = data.as_of()?;
        let measurer = Measurer { data: &data, model, plan, file, assignments, as_of, groupings };
        let mut found = measurer.tally(assigned)?;
        let users = std::mem::take(&mut found.outcomes);
        let campaign = judge(plan_file, &sealed, found, as_of.date(), accepted);
        Ok(value(campaign, users, groupings))
    })
}

/// Values targetings by SQL over a table by user.
///
/// # Errors
/// As [`targeting_of_events`].
pub fn targeting_of_table(
    engine: &Engine,
    plan_file: &PlanFile,
    request: &TableRequest,
    groupings: &[String],
    accepted: Vec<Accepted>,
) -> Result<TargetingValues, PipelineError> {
    let sealed = plan_file.sealed()?;
    let (plan, file) = (&sealed.plan, plan_file.file.as_path());
    check_metric(plan, file)?;
    if plan.columns.as_ref().is_some_and(|it| it.user.is_none()) {
        let problem = "columns.user must be set to value a targeting".to_owned();
        return Err(PipelineError::Plan { file: file.to_owned(), problem });
    }
    engine.install(|| {
        let mut found = tally_table(engine, file, &sealed, request.of(groupings))?;
        let users = std::mem::take(&mut found.outcomes);
        let campaign = judge(plan_file, &sealed, found, request.as_of, accepted);
        Ok(value(campaign, users, groupings))
    })
}

/// The value of a policy is a mean over users.
fn check_metric(plan: &ExperimentPlan, file: &Path) -> Result<(), PipelineError> {
    let metric = plan.primary();
    match metric.kind {
        MetricKind::Ratio => Err(PipelineError::Plan {
            file: file.to_owned(),
            problem: format!(
                "metric `{}` is a ratio: a targeting is valued by a mean or a share",
                metric.name
            ),
        }),
        _ => Ok(()),
    }
}

fn value(
    campaign: ExperimentReadout,
    mut users: Vec<UserOutcome>,
    groupings: &[String],
) -> TargetingValues {
    let plan = &campaign.plan;
    users.sort_by(|a, b| a.id.cmp(&b.id));
    let mut codes: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); groupings.len()];
    for user in &users {
        for (code, group) in codes.iter_mut().zip(&user.groups) {
            if !code.contains_key(group) {
                code.insert(group.clone(), 0);
            }
        }
    }
    for code in &mut codes {
        code.values_mut().enumerate().for_each(|(number, it)| *it = number);
    }
    let n_groups = codes.iter().map(BTreeMap::len).collect();
    let treated: Vec<Treated> = users
        .into_iter()
        .map(|it| Treated {
            groups: it.groups.iter().zip(&codes).map(|(group, code)| code[group]).collect(),
            id: it.id,
            arm: it.arm,
            outcome: it.value,
        })
        .collect();
    let weights: Vec<f64> = plan.arms.iter().map(|arm| arm.weight.get()).collect();
    let values = match campaign.state {
        State::Read => targeting_values(
            &treated,
            &weights,
            groupings.len(),
            &BUDGETS,
            &plan.salt,
            plan.alpha.get(),
        ),
        _ => None,
    };
    TargetingValues {
        metric: plan.primary().name.clone(),
        groupings: groupings.to_vec(),
        n_groups,
        n_users: treated.len(),
        values,
        campaign,
    }
}
